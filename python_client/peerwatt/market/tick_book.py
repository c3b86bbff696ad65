"""The tick book: what is bid and asked at each price level of one interval."""

from collections.abc import Iterable

from peerwatt.market.errors import LaneFull
from peerwatt.market.merit_order import Level
from peerwatt.messages import MAX_LANE_TOTAL, TICKS, PlacedStep, Side, Step


class TickBook:
    """Lanes of energy, one per side and tick.

    A lane keeps its total only. A step keeps the lane's total before it joined, its offset; from the offset,
    its quantity and the lane's result follows its share.
    """

    def __init__(self) -> None:
        self._totals: dict[Side, list[int]] = {side: [0] * TICKS for side in Side}

    def total(self, side: Side, tick: int) -> int:
        """Energy offered at a side and tick, Wh."""
        return self._totals[side][tick]

    def has_room(self, steps: Iterable[Step]) -> bool:
        """Whether every lane can take its step; the steps must be in different lanes."""
        return all(self.total(*step.lane) + step.quantity <= MAX_LANE_TOTAL for step in steps)

    def post(self, steps: Iterable[Step]) -> tuple[PlacedStep, ...]:
        """Queue the steps of one order, all or none.

        Args:
            steps: In different lanes, as the steps of a canonical order are.

        Returns:
            The steps with their offsets, in the given order.

        Raises:
            LaneFull: A lane has no room.
        """
        steps = tuple(steps)
        if not self.has_room(steps):
            raise LaneFull(
                f"A lane would hold more than {MAX_LANE_TOTAL} Wh: offer less, or at another tick."
            )
        placed = tuple(PlacedStep(step, self.total(*step.lane)) for step in steps)
        for step in steps:
            self._totals[step.side][step.tick] += step.quantity
        return placed

    def merit_order(self, side: Side) -> list[Level]:
        """The non-empty lanes of a side, best first: bids from the highest tick, asks from the lowest."""
        ticks = range(TICKS - 1, -1, -1) if side == Side.BUY else range(TICKS)
        return [Level(tick, self.total(side, tick)) for tick in ticks if self.total(side, tick)]
