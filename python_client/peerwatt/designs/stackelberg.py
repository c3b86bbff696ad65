"""Stackelberg pricing: one side names the price first, knowing how the others will answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.merit import Ladder, cross
from peerwatt.designs.orders import Book, FloatArray, IntArray, Terms
from peerwatt.designs.outcome import Outcome, at_price, nothing, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class SellersLead:
    """The sellers together post the price that earns them most; buyers follow and buy at it if they gain.

    The equilibrium is found among all volumes at which the posted price can change; energy beyond it is
    withheld, so welfare is lost to market power.
    """

    name: str = "stackelberg-sellers"
    title: str = "Stackelberg pricing, sellers lead and buyers follow"
    source: str = "after Paudel et al., IEEE Trans. Ind. Electronics 66 (2019) 6087-6097"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        volumes, bid, _ = _candidates(book)
        if not len(volumes):
            return nothing(book)
        crossing = cross(book)
        best = int(np.argmax(volumes * bid - _cost(crossing.asks, volumes)))
        volume = int(volumes[best])
        return at_price(book, crossing.bids.fills(volume), crossing.asks.fills(volume), int(bid[best]))


@dataclass(frozen=True)
class CoordinatorLeads:
    """A coordinator posts a buying and a selling price and keeps the difference; both sides follow."""

    name: str = "stackelberg-coordinator"
    title: str = "Stackelberg pricing, a coordinator leads both sides"
    source: str = "after Li et al., IEEE Trans. Ind. Informatics 14 (2018) 3690-3700"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        volumes, bid, ask = _candidates(book)
        if not len(volumes):
            return nothing(book)
        crossing = cross(book)
        best = int(np.argmax(volumes * (bid - ask)))
        volume = int(volumes[best])
        bought, sold = crossing.bids.fills(volume), crossing.asks.fills(volume)
        return Outcome(bought, sold, bought * bid[best], sold * ask[best], messages=sealed_messages(book))


def _candidates(book: Book) -> tuple[IntArray, IntArray, IntArray]:
    """Volumes at which a leader's optimum can lie (where a price step ends), with both prices there."""
    crossing = cross(book)
    if not crossing.volume:
        none = np.zeros(0, dtype=np.int64)
        return none, none, none
    volumes = np.unique(np.concatenate([crossing.bids.upto, crossing.asks.upto, [crossing.volume]]))
    volumes = volumes[(volumes > 0) & (volumes <= crossing.volume)]
    bid, ask = (
        side.price[np.searchsorted(side.upto, volumes, side="left")]
        for side in (crossing.bids, crossing.asks)
    )
    return volumes, bid, ask


def _cost(asks: Ladder, volumes: IntArray) -> FloatArray | IntArray:
    """Least cost of each volume."""
    place = np.searchsorted(asks.upto, volumes, side="left")
    quantity = np.diff(asks.upto, prepend=0)
    spent = np.concatenate([[0], np.cumsum(asks.price * quantity)])
    before = np.concatenate([[0], asks.upto])[place]
    return np.asarray(spent[place] + (volumes - before) * asks.price[place])
