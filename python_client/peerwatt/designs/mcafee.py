"""McAfee's double auction: give up at most the least valuable trade, and nobody sets its own price."""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.designs.merit import cross
from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome, at_price, nothing, sealed_messages
from peerwatt.designs.protocol import ON_CHAIN


@dataclass(frozen=True)
class McAfee:
    """With k efficient trades, p0 = (b[k+1] + s[k+1]) / 2: if s[k] <= p0 <= b[k] all k trade at p0;
    otherwise k - 1 trade, buyers pay b[k], sellers get s[k].

    Each Wh is one of the paper's units, so at most one Wh of welfare is lost. Truthful where every
    trader holds one unit, as in the paper; a holder of several can move the price of its own last one.
    Never a deficit.
    """

    name: str = "mcafee"
    title: str = "McAfee trade reduction"
    source: str = "McAfee, J. Econ. Theory 56 (1992) 434-450"
    runs: str = ON_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. p0 is rounded down to a base unit per Wh."""
        crossing = cross(book)
        bids, asks, k = crossing.bids, crossing.asks, crossing.volume
        last_bid, last_ask = bids.price_at(k), asks.price_at(k)
        if last_bid is None or last_ask is None:
            return nothing(book)
        next_bid, next_ask = bids.price_at(k + 1), asks.price_at(k + 1)
        if next_bid is not None and next_ask is not None:
            middle = (next_bid + next_ask) // 2
            if last_ask <= middle <= last_bid:
                return at_price(book, bids.fills(k), asks.fills(k), middle)
        bought, sold = bids.fills(k - 1), asks.fills(k - 1)
        return Outcome(bought, sold, bought * last_bid, sold * last_ask, messages=sealed_messages(book))
