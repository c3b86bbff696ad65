"""The Vickrey-Clarke-Groves double auction: everybody pays what it costs the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.merit import cross
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.designs.outcome import Outcome, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class Vickrey:
    """Efficient and truthful, also for holders of many units, at the price of a deficit.

    The x Wh that a buyer gets would otherwise have gone to the bids left out or saved the dearest asks
    inside, whichever is worth most: it pays the x highest prices among these (the Clarke pivot). A
    seller gets the x lowest among the asks left out and the bids inside, in the same way. The orders of
    one participant count together.
    """

    name: str = "vickrey"
    title: str = "Vickrey-Clarke-Groves (second-price) double auction"
    source: str = "Vickrey, J. Finance 16 (1961) 8-37; Clarke, Public Choice 11 (1971) 17-33"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        crossing = cross(book)
        bought, sold = crossing.bids.fills(crossing.volume), crossing.asks.fills(crossing.volume)
        left_bids, left_asks = book.bids.quantity - bought, book.asks.quantity - sold
        paid = _pivots(book.bids, bought, _pool(book.bids, left_bids, book.asks, sold), highest=True)
        received = _pivots(book.asks, sold, _pool(book.asks, left_asks, book.bids, bought), highest=False)
        return Outcome(bought, sold, paid, received, messages=sealed_messages(book))


def _pool(own: Orders, left: IntArray, other: Orders, inside: IntArray) -> Orders:
    """What energy can be exchanged against: one's own side left out, and the other side inside."""
    rows, others = np.flatnonzero(left), np.flatnonzero(inside)
    return Orders(
        np.concatenate([own.participant[rows], other.participant[others]]),
        np.concatenate([own.price[rows], other.price[others]]),
        np.concatenate([left[rows], inside[others]]),
    )


def _pivots(orders: Orders, traded: IntArray, pool: Orders, highest: bool) -> IntArray:
    """Sum of the best prices in the pool of the others, over each participant's energy; split by order."""
    pool = pool.take(np.argsort(-pool.price if highest else pool.price, kind="stable"))
    inside = np.flatnonzero(traded)
    traders, place = np.unique(orders.participant[inside], return_inverse=True)
    energy = np.bincount(place, traded[inside], len(traders)).astype(np.int64)
    totals = _cost(pool, energy, traders)
    payments = np.zeros(len(orders), dtype=np.int64)
    np.add.at(payments, inside, totals[place] * traded[inside] // energy[place])
    first = np.unique(place, return_index=True)[1]
    payments[inside[first]] += totals - np.bincount(place, payments[inside], len(traders)).astype(np.int64)
    return payments


def _cost(pool: Orders, energy: IntArray, traders: IntArray) -> IntArray:
    """Price of the first `energy[i]` Wh of the pool without the orders of `traders[i]`, for all i."""
    upto = np.concatenate([[0], np.cumsum(pool.quantity)])
    spent = np.concatenate([[0], np.cumsum(pool.quantity * pool.price)])
    reach, own = energy.copy(), np.zeros_like(energy)
    places = np.flatnonzero(np.isin(pool.participant, traders))
    # A trader's own orders are left out, from its first one on: the same energy reaches further.
    while len(places):
        who, first = np.unique(pool.participant[places], return_index=True)
        place, i = places[first], np.searchsorted(traders, who)
        skip = np.where(upto[place] < reach[i], pool.quantity[place], 0)
        reach[i] += skip
        own[i] += skip * pool.price[place]
        places = np.delete(places, first)
    full = np.searchsorted(upto, reach, side="right") - 1
    marginal = np.concatenate([pool.price, [0]])[full]
    return np.asarray(spent[full] + (reach - upto[full]) * marginal - own, dtype=np.int64)
