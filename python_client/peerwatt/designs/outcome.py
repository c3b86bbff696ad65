"""What a mechanism gives back: allocation, prices and payments of one interval."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from peerwatt.designs.orders import Book, IntArray


class Trade(NamedTuple):
    """One bilateral trade: rows of the bid and the ask, energy in Wh, price in base units per Wh."""

    bid: int
    ask: int
    energy: int
    price: int


@dataclass(frozen=True)
class Outcome:
    """Allocation and payments, per order, in the book's sequence.

    Attributes:
        bought: Energy each bid got, Wh.
        sold: Energy each ask gave, Wh.
        paid: What each bid pays, base units.
        received: What each ask receives, base units.
        price: The uniform price in base units per Wh, where there is one.
        trades: Who traded with whom, where the mechanism matches pairs.
        messages: Messages sent between participants and coordinator, or between peers.
        iterations: Rounds of negotiation.
        note: A sentence on what happened, where there is something to say.
    """

    bought: IntArray
    sold: IntArray
    paid: IntArray
    received: IntArray
    price: int | None = None
    trades: tuple[Trade, ...] = ()
    messages: int = 0
    iterations: int = 1
    note: str = field(default="", compare=False)

    @property
    def volume(self) -> int:
        """Energy traded, Wh."""
        return int(self.bought.sum())

    @property
    def surplus(self) -> int:
        """What the buyers paid and the sellers did not get, base units; negative is a deficit."""
        return int(self.paid.sum() - self.received.sum())

    def welfare(self, book: Book) -> int:
        """Gains from trade: the buyers' limits minus the sellers', over what was traded, base units."""
        return int(self.bought @ book.bids.price - self.sold @ book.asks.price)


def at_price(book: Book, bought: IntArray, sold: IntArray, price: int | None) -> Outcome:
    """The outcome in which all energy changes hands at one price, sealed orders, one answer each."""
    each = price or 0
    return Outcome(bought, sold, bought * each, sold * each, price, messages=sealed_messages(book))


def from_trades(book: Book, trades: list[Trade], messages: int = 0, iterations: int = 1) -> Outcome:
    """The outcome that a list of bilateral trades adds up to."""
    bid, ask, energy, price = np.array(trades, dtype=np.int64).reshape(-1, 4).T
    bids, asks = len(book.bids), len(book.asks)
    return Outcome(
        _totals(bid, energy, bids),
        _totals(ask, energy, asks),
        _totals(bid, energy * price, bids),
        _totals(ask, energy * price, asks),
        trades=tuple(trades),
        messages=messages,
        iterations=iterations,
    )


def nothing(book: Book) -> Outcome:
    """No trade at all."""
    none = (np.zeros(len(book.bids), dtype=np.int64), np.zeros(len(book.asks), dtype=np.int64))
    return at_price(book, *none, None)


def sealed_messages(book: Book) -> int:
    """Messages of a sealed-bid mechanism: every order in, one result each out."""
    return 2 * (len(book.bids) + len(book.asks))


def _totals(rows: IntArray, amounts: IntArray, length: int) -> IntArray:
    totals = np.zeros(length, dtype=np.int64)
    np.add.at(totals, rows, amounts)
    return totals
