"""Sharing rules: the community's own surplus is shared in proportion, at a price that a rule fixes.

Orders are net positions here; limit prices play no part, the tariffs do. What peers cannot cover stays
with the supplier, so every household pays and earns the mix that the papers write as one average price.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from peerwatt.designs.merit import telescope
from peerwatt.designs.orders import Book, IntArray, Terms
from peerwatt.designs.outcome import Outcome, at_price
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.errors import InputError


@dataclass(frozen=True)
class BillSharing:
    """Peer energy is free; the supplier's bill and its feed-in are shared by energy (Long et al.)."""

    name: str = "bill-sharing"
    title: str = "bill sharing"
    source: str = "Long et al., IEEE PES General Meeting 2017, doi:10.1109/PESGM.2017.8274546"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        return share(book, 0)


@dataclass(frozen=True)
class MidMarketRate:
    """Peer energy at the mean of retail and feed-in, shared by what meters counted."""

    name: str = "mid-market-ex-post"
    title: str = "mid-market rate on what meters counted"
    source: str = "Long et al., IEEE PES General Meeting 2017, doi:10.1109/PESGM.2017.8274546"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. The rate is rounded down to a base unit per Wh."""
        return share(book, (terms.retail + terms.feed_in) // 2)


@dataclass(frozen=True)
class SupplyDemandRatio:
    """price = retail feed_in / ((retail - feed_in) SDR + feed_in) for SDR = supply / demand below 1,
    the feed-in from there on (Liu et al., eqs. 8-9), of what meters counted."""

    name: str = "sdr-ex-post"
    title: str = "supply-demand ratio of what meters counted"
    source: str = "Liu et al., IEEE Trans. Power Systems 32 (2017) 3569-3583"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. The price is rounded down to a base unit per Wh."""
        return share(book, ratio_price(book, terms.feed_in, terms.retail))


@dataclass(frozen=True)
class VirtualPool:
    """Peer energy at a fixed price, and a monthly fee for being a member.

    Attributes:
        price: Base units per Wh; None takes the mean of retail and feed-in, once for all.
        monthly_fee: Base units per member and month of 30 days; the comparison charges it.
    """

    price: int | None = None
    monthly_fee: int = 4_990_000
    name: str = "virtual-pool"
    title: str = "virtual pool at a fixed price, with a monthly fee"
    source: str = "the sonnenCommunity model, in Zhang et al., Energy Procedia 105 (2017) 2563-2568"
    runs: str = OFF_CHAIN

    def __post_init__(self) -> None:
        if self.monthly_fee < 0:
            raise InputError(f"virtual-pool: a monthly fee of {self.monthly_fee} is negative")

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        return share(book, (terms.retail + terms.feed_in) // 2 if self.price is None else self.price)


def ratio_price(book: Book, low: int, high: int) -> int:
    """The ratio rule's price between two bounds, rounded down to a base unit per Wh."""
    supply, demand = int(book.asks.quantity.sum()), int(book.bids.quantity.sum())
    if supply >= demand or low <= 0:
        return low
    return int(low * high / ((high - low) * Fraction(supply, demand) + low))


def share(book: Book, price: int) -> Outcome:
    """Everybody trades the same share of its side, to the Wh, at `price`."""
    energy = min(int(book.bids.quantity.sum()), int(book.asks.quantity.sum()))
    return at_price(
        book, proportional(book.bids.quantity, energy), proportional(book.asks.quantity, energy), price
    )


def proportional(quantity: IntArray, energy: int) -> IntArray:
    """Telescoped pro-rata shares of `energy` in book sequence; they sum to it exactly."""
    edges = np.concatenate([[0], np.cumsum(quantity)])
    return np.diff(telescope(edges, energy, int(edges[-1])))
