"""Pools on chain: orders are posted ahead, a rule sets the price, and who may trade at it does.

The mid-market rate and the supply-demand ratio of the papers split what meters counted, when all is over. On
chain money needs a limit that was signed before, so the market contract has their **ex-ante variants**: the
same formulas on what was posted, best limits first, and what a forecast missed is settled like any imbalance.
They lie between the feed-in tariff and the retail price less the network fee, so that nobody loses by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.merit import ladder
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.designs.outcome import Outcome, at_price
from peerwatt.designs.protocol import ON_CHAIN
from peerwatt.designs.sharing import ratio_price


@dataclass(frozen=True)
class PostedMidMarket:
    """Posted energy at the mean of the feed-in tariff and of the retail price less the network fee."""

    name: str = "mid-market"
    title: str = "mid-market rate, posted ahead (ex-ante variant)"
    source: str = "after Long et al., IEEE PES General Meeting 2017, doi:10.1109/PESGM.2017.8274546"
    runs: str = ON_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. The rate is rounded down to a base unit per Wh."""
        return pool(book, (terms.feed_in + terms.retail - terms.network_fee) // 2)


@dataclass(frozen=True)
class PostedRatio:
    """Posted energy at the price that the ratio of all offers to all bids gives."""

    name: str = "sdr"
    title: str = "supply-demand ratio, posted ahead (ex-ante variant)"
    source: str = "after Liu et al., IEEE Trans. Power Systems 32 (2017) 3569-3583"
    runs: str = ON_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. The price is rounded down to a base unit per Wh."""
        return pool(book, ratio_price(book, terms.feed_in, terms.retail - terms.network_fee))


@dataclass(frozen=True)
class FixedPrice:
    """Posted energy at a price that never changes.

    Attributes:
        price: Base units per Wh; None takes the mid-market rate, with which it then agrees.
    """

    price: int | None = None
    name: str = "fixed-price"
    title: str = "one price for good: the scenario's, or else the mid-market rate"
    source: str = "a virtual pool without its monthly fee, Zhang et al., Energy Procedia 105 (2017) 2563-2568"
    runs: str = ON_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        if self.price is None:
            return PostedMidMarket().clear(book, terms)
        return pool(book, self.price)


def pool(book: Book, price: int) -> Outcome:
    """Everybody trades whose limit allows the price, best limits first, until one side is exhausted."""
    bids, asks = np.flatnonzero(book.bids.price >= price), np.flatnonzero(book.asks.price <= price)
    energy = min(int(book.bids.quantity[bids].sum()), int(book.asks.quantity[asks].sum()))
    bought = _filled(book.bids, bids, energy, descending=True)
    return at_price(book, bought, _filled(book.asks, asks, energy, descending=False), price)


def _filled(orders: Orders, inside: IntArray, energy: int, *, descending: bool) -> IntArray:
    filled = np.zeros(len(orders), dtype=np.int64)
    filled[inside] = ladder(orders.take(inside), descending).fills(energy)
    return filled
