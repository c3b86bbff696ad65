"""MUDA: two random halves, each trades at the other's price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.merit import cross
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.designs.outcome import Outcome, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class Muda:
    """The lottery variant: within a half, who is willing at the other half's price trades; the longer
    side is served in random order until the energy is gone.

    Truthful also for holders of many units, individually rational and exactly budget balanced; the
    welfare lost vanishes as the market grows (theorem 1).
    """

    name: str = "muda"
    title: str = "multi-unit double auction in two random halves (MUDA, lottery)"
    source: str = "Segal-Halevi, Hassidim & Aumann, AAAI 32 (2018) 1193-1201"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval; the halves and the queue are drawn from `terms.seed`."""
        random = terms.random(self.name)
        half = random.integers(0, 2, size=max(book.participants, 1))
        # Drawn before any order is read: an order must not change the turns of its own half.
        turn = random.permutation(len(half))
        bought, sold = (np.zeros(len(side), dtype=np.int64) for side in (book.bids, book.asks))
        paid, received = bought.copy(), sold.copy()
        halves = [_half(book, half == side) for side in (0, 1)]
        for (bids, asks), other in zip(halves, reversed(halves), strict=True):
            limits = cross(Book(book.bids.take(other[0]), book.asks.take(other[1]))).price_range
            if limits is None:
                continue  # the other half names no price
            price = sum(limits) // 2
            willing_bids = in_turn(book.bids, bids[book.bids.price[bids] >= price], turn)
            willing_asks = in_turn(book.asks, asks[book.asks.price[asks] <= price], turn)
            energy = min(
                int(book.bids.quantity[willing_bids].sum()), int(book.asks.quantity[willing_asks].sum())
            )
            bought[willing_bids] = queue(book.bids, willing_bids, energy)
            sold[willing_asks] = queue(book.asks, willing_asks, energy)
            paid[willing_bids] = bought[willing_bids] * price
            received[willing_asks] = sold[willing_asks] * price
        return Outcome(bought, sold, paid, received, messages=sealed_messages(book))


def _half(book: Book, members: NDArray[np.bool_]) -> tuple[IntArray, IntArray]:
    return np.flatnonzero(members[book.bids.participant]), np.flatnonzero(members[book.asks.participant])


def in_turn(orders: Orders, rows: IntArray, turn: IntArray) -> IntArray:
    """The rows in the sequence of their participants' lots."""
    return rows[np.argsort(turn[orders.participant[rows]], kind="stable")]


def queue(orders: Orders, rows: IntArray, energy: int) -> IntArray:
    """Serve the rows one after the other until `energy` is gone."""
    wanted = orders.quantity[rows]
    served: IntArray = np.clip(energy - (np.cumsum(wanted) - wanted), 0, wanted)
    return served
