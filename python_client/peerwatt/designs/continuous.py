"""The continuous double auction: price-time priority, as on an exchange."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome, Trade, from_trades, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN

Quote = tuple[bool, int, int]  # whether it is a bid, row in the book, quoted price


@dataclass(frozen=True)
class ContinuousDoubleAuction:
    """Orders arrive one by one (bid, ask, bid, ...) at their limits; the resting order's price holds.

    Individually rational and budget balanced; efficiency depends on who comes first.
    """

    name: str = "cda"
    title: str = "continuous double auction, price-time priority"
    source: str = "Friedman & Rust (eds.), The Double Auction Market, Addison-Wesley 1993"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Run one interval's trading session."""
        bids = ((True, row, price) for row, price in enumerate(book.bids.price.tolist()))
        asks = ((False, row, price) for row, price in enumerate(book.asks.price.tolist()))
        arrivals = [quote for pair in zip_longest(bids, asks) for quote in pair if quote is not None]
        return from_trades(book, match(book, iter(arrivals)), messages=sealed_messages(book))


@dataclass(frozen=True)
class ZeroIntelligence:
    """The same exchange with Gode and Sunder's ZI-C traders: each, in random order and again every round,
    quotes a random price that would not lose it money, between the tariffs.

    Attributes:
        rounds: How often everybody quotes; a new quote replaces the trader's old one.
    """

    rounds: int = 10
    name: str = "cda-zi"
    title: str = "continuous double auction with zero-intelligence traders"
    source: str = "Gode & Sunder, J. Political Economy 101 (1993) 119-137"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Run one interval's trading session; arrivals and quotes are drawn from `terms.seed`."""
        quotes = self._quotes(book, terms)
        messages = self.rounds * (len(book.bids) + len(book.asks))
        trades = match(book, quotes)
        return from_trades(book, trades, messages=messages + 2 * len(trades), iterations=self.rounds)

    def _quotes(self, book: Book, terms: Terms) -> Iterator[Quote]:
        random = terms.random(self.name)
        bids, asks = book.bids.price.tolist(), book.asks.price.tolist()
        floor = min([terms.feed_in, *asks, *bids])
        ceiling = max([terms.retail, *bids, *asks])
        for _ in range(self.rounds):
            for who in random.permutation(len(bids) + len(asks)).tolist():
                if who < len(bids):
                    yield True, who, int(random.integers(floor, bids[who], endpoint=True))
                else:
                    row = who - len(bids)
                    yield False, row, int(random.integers(asks[row], ceiling, endpoint=True))


def match(book: Book, quotes: Iterator[Quote]) -> list[Trade]:
    """Match quotes as they come against the best resting quote of the other side, the oldest first."""
    left = {True: book.bids.quantity.tolist(), False: book.asks.quantity.tolist()}
    resting: dict[bool, list[tuple[int, int, int]]] = {True: [], False: []}  # two heaps of (rank, time, row)
    current: dict[tuple[bool, int], int] = {}  # time of each trader's latest quote
    trades: list[Trade] = []
    for time, (is_bid, row, price) in enumerate(quotes):
        others = resting[not is_bid]
        while left[is_bid][row] and others:
            rank, quoted, other = others[0]
            if current[not is_bid, other] != quoted or not left[not is_bid][other]:
                heapq.heappop(others)  # replaced by a later quote, or used up
                continue
            best = rank if is_bid else -rank  # asks rank by price, bids by minus price
            if (best > price) if is_bid else (best < price):
                break
            energy = min(left[is_bid][row], left[not is_bid][other])
            left[is_bid][row] -= energy
            left[not is_bid][other] -= energy
            trades.append(Trade(*((row, other) if is_bid else (other, row)), energy, best))
        current[is_bid, row] = time
        if left[is_bid][row]:
            heapq.heappush(resting[is_bid], (-price if is_bid else price, time, row))
    return trades
