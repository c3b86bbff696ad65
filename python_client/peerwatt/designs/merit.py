"""Merit order: where supply and demand cross, and who is inside. Every auction here starts from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.orders import Book, IntArray, Orders


@dataclass(frozen=True)
class Ladder:
    """One side sorted from its best price to its worst, ties in book sequence.

    Attributes:
        rows: Row in the book of each place in merit order.
        price: Limit prices in merit order, base units per Wh.
        upto: Cumulative energy including each place, Wh.
    """

    orders: Orders
    rows: IntArray
    price: IntArray
    upto: IntArray

    def place(self, energy: int) -> int:
        """The place in merit order of the Wh number `energy` (counted from 1)."""
        return int(np.searchsorted(self.upto, energy, side="left"))

    def price_at(self, energy: int) -> int | None:
        """Limit price of the Wh number `energy`, or None where the side ends before it."""
        place = self.place(energy)
        return int(self.price[place]) if energy > 0 and place < len(self.price) else None

    def fills(self, energy: int) -> IntArray:
        """Share `energy` Wh out by merit; orders at the marginal price are rationed pro rata, to the Wh.

        At the marginal price a fill is x(o + q) - x(o) with x(o) = o * F // T, where o is what the
        orders before it at that price add up to, F the energy filled and T the total there: the fills
        sum to F exactly and splitting an order gains nothing.
        """
        filled = np.zeros(len(self.orders), dtype=np.int64)
        marginal = self.price_at(energy)
        if marginal is None:
            return filled
        first = int(np.argmax(self.price == marginal))
        beyond = first + int(np.count_nonzero(self.price == marginal))
        before = int(self.upto[first - 1]) if first else 0
        filled[self.rows[:first]] = self.orders.quantity[self.rows[:first]]
        level = self.rows[first:beyond]
        share, total = energy - before, int(self.upto[beyond - 1]) - before
        edges = telescope(np.concatenate([[0], self.upto[first:beyond] - before]), share, total)
        filled[level] = np.diff(edges)
        return filled


@dataclass(frozen=True)
class Crossing:
    """Both sides in merit order and the largest volume at which every bid is at or above its ask."""

    bids: Ladder
    asks: Ladder
    volume: int

    @property
    def price_range(self) -> tuple[int, int] | None:
        """Lowest and highest price that clear the market, or None where one side is silent.

        A partly filled price level counts as unfilled, so nobody is left out who envies the price.
        Without trade it is the spread: from the best bid to the best ask.
        """
        lower = _present(max, self.asks.price_at(self.volume), self.bids.price_at(self.volume + 1))
        upper = _present(min, self.bids.price_at(self.volume), self.asks.price_at(self.volume + 1))
        return None if lower is None or upper is None else (lower, upper)


def cross(book: Book) -> Crossing:
    """Find the crossing. O(n log n); 1,000,000 orders take a fraction of a second."""
    bids, asks = ladder(book.bids, descending=True), ladder(book.asks, descending=False)
    volume = 0
    if len(bids.price) and len(asks.price):
        # Supply on offer at each bid's price; the volume is where the falling supply meets the rising demand.
        within = np.searchsorted(asks.price, bids.price, side="right")
        supply = np.concatenate([[0], asks.upto])[within]
        volume = int(np.minimum(bids.upto, supply).max())
    return Crossing(bids, asks, volume)


def ladder(orders: Orders, descending: bool) -> Ladder:
    """Sort one side by merit."""
    rows = np.argsort(-orders.price if descending else orders.price, kind="stable")
    return Ladder(orders, rows, orders.price[rows], np.cumsum(orders.quantity[rows]))


def telescope(offsets: IntArray, share: int, total: int) -> IntArray:
    """x(o) = o * share // total for every offset, exact also where the product leaves 64 bits."""
    if total == 0:
        return np.zeros_like(offsets)
    if total * max(share, 1) < 2**63:
        return offsets * share // total
    return np.array([offset * share // total for offset in offsets.tolist()], dtype=np.int64)


def _present(choose: object, *values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return int(choose(known)) if known else None  # type: ignore[operator]
