"""One side of a book, best price first, and how far a volume reaches into it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


class Level(NamedTuple):
    """All that is offered on one side at one price.

    Attributes:
        price: A tick, or base units per Wh; the auction only compares and averages.
        quantity: Energy offered, Wh, positive.
    """

    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class MarginalLevel:
    """Where a walk along one side's merit order ended.

    Attributes:
        price: Price of the last level reached.
        total: Energy offered at it, Wh.
        filled: Energy taken of it, Wh, positive.
        best_unfilled: Price of the best energy that was left over, None if all was taken. A level that is
            taken in part counts.
    """

    price: int
    total: int
    filled: int
    best_unfilled: int | None


def walk(levels: Sequence[Level], volume: int) -> MarginalLevel:
    """Take a volume from one side in merit order.

    Args:
        levels: The side, best price first.
        volume: Energy to take, Wh: positive, and no more than the side holds.

    Returns:
        The level that completes the volume.
    """
    left = volume
    for index, level in enumerate(levels):
        if left < level.quantity:
            return MarginalLevel(level.price, level.quantity, left, best_unfilled=level.price)
        if left == level.quantity:
            following = levels[index + 1].price if index + 1 < len(levels) else None
            return MarginalLevel(level.price, level.quantity, left, best_unfilled=following)
        left -= level.quantity
    raise ValueError(f"The side holds {volume - left} Wh: it cannot give {volume} Wh.")
