"""What a batch's packed readings mean for its orders."""

from dataclasses import dataclass

from peerwatt.market.gate import Position
from peerwatt.messages import MISSING, READING_LENGTH, Order, Reading, ReadingStatus, Side, decode_readings


@dataclass(frozen=True, slots=True)
class EnergyLimits:
    """What a connection can carry in one interval, Wh.

    Attributes:
        imported: Most that it can draw.
        exported: Most that it can feed in.
    """

    imported: int
    exported: int

    def carry(self, order: Order) -> bool:
        """Whether both sides of an order are within them."""
        return order.total(Side.BUY) <= self.imported and order.total(Side.SELL) <= self.exported


@dataclass(frozen=True, slots=True)
class Metered:
    """The energy of one interval that an order is settled by, Wh.

    Attributes:
        imported: Energy drawn from the grid.
        exported: Energy fed into the grid.
    """

    imported: int
    exported: int


def readings_of(data: bytes, orders: int) -> tuple[Reading, ...]:
    """The readings of a batch; all of them missing when the string is absent or of the wrong length.

    Args:
        data: The packed readings.
        orders: Number of orders in the batch.
    """
    return decode_readings(data) if len(data) == orders * READING_LENGTH else (MISSING,) * orders


def metered(reading: Reading, position: Position, limits: EnergyLimits) -> Metered:
    """The energy that a reading settles.

    A missing one never favours the silent party: it consumed what it bought and delivered nothing. What the
    connection cannot carry is not settled here.
    """
    if reading.status == ReadingStatus.MISSING:
        return Metered(imported=position.buy, exported=0)
    return Metered(min(reading.imported, limits.imported), min(reading.exported, limits.exported))


def delivered(position: Position, energy: Metered) -> int:
    """Peer energy that an order delivered, Wh: never more than it sold."""
    return min(position.sell, energy.exported)
