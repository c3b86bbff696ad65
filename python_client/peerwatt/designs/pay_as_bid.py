"""The discriminatory auction: everybody inside trades at its own limit."""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.designs.merit import cross
from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome, sealed_messages
from peerwatt.designs.protocol import ON_CHAIN


@dataclass(frozen=True)
class PayAsBid:
    """Buyers pay their bid, sellers get their ask, the spread is a surplus for the community.

    Efficient for the limits it is told and individually rational; anybody who trades gains by shading.
    """

    name: str = "pay-as-bid"
    title: str = "pay-as-bid (discriminatory) call auction"
    source: str = "Nicolaisen, Petrov & Tesfatsion, IEEE Trans. Evol. Comput. 5 (2001) 504-523"
    runs: str = ON_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        crossing = cross(book)
        bought, sold = crossing.bids.fills(crossing.volume), crossing.asks.fills(crossing.volume)
        return Outcome(
            bought, sold, bought * book.bids.price, sold * book.asks.price, messages=sealed_messages(book)
        )
