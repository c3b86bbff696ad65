"""What a mechanism is given: limit orders of one interval and the terms they are settled under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import ArrayLike, NDArray

from peerwatt.errors import InputError

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Orders:
    """Limit orders of one side, as columns of equal length.

    Attributes:
        participant: Index of the participant that placed the order.
        price: Limit price, base units per Wh.
        quantity: Energy wanted or offered, Wh (not negative).
    """

    participant: IntArray
    price: IntArray
    quantity: IntArray

    def __post_init__(self) -> None:
        for column in ("participant", "price", "quantity"):
            values = np.asarray(getattr(self, column))
            if values.size and values.dtype.kind not in "iu":
                raise InputError(f"orders: {column} must be whole numbers, got {values.dtype}; round first")
            object.__setattr__(self, column, values.astype(np.int64).reshape(-1))
        if not len(self.participant) == len(self.price) == len(self.quantity):
            raise InputError("orders: participant, price and quantity differ in length; give one of each")
        if (self.quantity < 0).any():
            row = int(np.argmax(self.quantity < 0))
            raise InputError(f"orders: quantity in row {row} is negative; put it on the other side instead")

    def __len__(self) -> int:
        return len(self.price)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, int]]) -> Orders:
        """Orders from rows of (participant, price, quantity)."""
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
        return cls(table[:, 0], table[:, 1], table[:, 2])

    def take(self, rows: IntArray) -> Orders:
        """The orders in these rows, in this sequence."""
        return Orders(self.participant[rows], self.price[rows], self.quantity[rows])

    def repriced(self, row: int, price: int) -> Orders:
        """The same orders, with another limit price in one row."""
        prices = self.price.copy()
        prices[row] = price
        return Orders(self.participant, prices, self.quantity)


@dataclass(frozen=True)
class Book:
    """The sealed orders of one interval; the sequence within a side is the sequence of arrival."""

    bids: Orders
    asks: Orders

    @classmethod
    def of(cls, bids: Iterable[tuple[int, int, int]], asks: Iterable[tuple[int, int, int]]) -> Book:
        """A book from rows of (participant, price, quantity)."""
        return cls(Orders.of(bids), Orders.of(asks))

    @property
    def silent(self) -> bool:
        """Is there no energy on one of the sides?"""
        return not self.bids.quantity.any() or not self.asks.quantity.any()

    @property
    def participants(self) -> int:
        """One more than the highest participant index."""
        return 1 + max(
            (int(side.participant.max()) for side in (self.bids, self.asks) if len(side)), default=-1
        )


@dataclass(frozen=True)
class Terms:
    """What holds around the market in an interval.

    Attributes:
        retail: Price of energy from the supplier, base units per Wh.
        feed_in: Price the supplier pays for surplus, base units per Wh.
        network_fee: Charged to the buyer on peer energy, base units per Wh.
        seed: Every random choice of a mechanism is drawn from this.
        distance_fee: Optional (participant, participant) network charge on a trade, base units per Wh.
        community: Optional community label of each participant.
    """

    retail: int = 300
    feed_in: int = 80
    network_fee: int = 0
    seed: int = 0
    distance_fee: ArrayLike | None = None
    community: ArrayLike | None = None

    def __post_init__(self) -> None:
        if self.feed_in > self.retail:
            raise InputError(
                f"terms: feed-in {self.feed_in} is above retail {self.retail}; peers would trade at a loss"
            )

    def random(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose, independent of every other purpose under the same seed."""
        return np.random.default_rng([self.seed, crc32(purpose.encode())])
