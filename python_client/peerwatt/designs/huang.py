"""Huang, Scheller-Wolf and Sycara's multi-unit double auction: the marginal traders stand aside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.merit import Ladder, cross
from peerwatt.designs.orders import Book, IntArray, Terms
from peerwatt.designs.outcome import Outcome, nothing, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class Huang:
    """With marginal buyer K and seller L, buyers 1..K-1 pay b[K] and sellers 1..L-1 get s[L].

    The longer side gives up what is too much in equal parts, nobody more than it brought (section 3).
    Truthful in price for traders with one order, individually rational, never a deficit.
    """

    name: str = "huang"
    title: str = "multi-unit double auction of Huang et al."
    source: str = "Huang, Scheller-Wolf & Sycara, Computational Intelligence 18 (2002) 596-617"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        crossing = cross(book)
        bids, asks, volume = crossing.bids, crossing.asks, crossing.volume
        last_bid, last_ask = bids.price_at(volume), asks.price_at(volume)
        if last_bid is None or last_ask is None:
            return nothing(book)
        buyers, sellers = bids.place(volume), asks.place(volume)
        energy = min(_before(bids, buyers), _before(asks, sellers))
        bought, sold = _reduced(bids, buyers, energy), _reduced(asks, sellers, energy)
        return Outcome(bought, sold, bought * last_bid, sold * last_ask, messages=sealed_messages(book))


def _before(side: Ladder, place: int) -> int:
    return int(side.upto[place - 1]) if place else 0


def _reduced(side: Ladder, places: int, energy: int) -> IntArray:
    filled = np.zeros(len(side.orders), dtype=np.int64)
    # In the order of the book: who gets a remainder of 1 Wh must not depend on prices.
    rows = np.sort(side.rows[:places])
    filled[rows] = equal_loss(side.orders.quantity[rows], energy)
    return filled


def equal_loss(wanted: IntArray, energy: int) -> IntArray:
    """Reduce `wanted` to a sum of `energy` by taking the same amount from each, none below zero.

    A remainder is taken, one Wh each, from the first in the book that still have some.
    """
    descending = np.sort(wanted)[::-1]
    if not len(wanted) or energy == 0:
        return np.zeros_like(wanted)
    # If n keep something, each of them loses (sum of the n largest - energy) / n; n is the largest possible.
    losses = (np.cumsum(descending) - energy) / np.arange(1, len(wanted) + 1)
    largest = int(np.flatnonzero(losses < descending)[-1]) + 1
    loss = (int(descending[:largest].sum()) - energy) // largest
    kept = np.maximum(wanted - loss, 0)
    still = np.flatnonzero(kept > 0)
    kept[still[: int(kept.sum()) - energy]] -= 1
    return kept
