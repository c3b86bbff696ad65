"""Random bilateral matching: people meet, and trade at the middle if both gain."""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome, Trade, from_trades
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class RandomBilateral:
    """Every round each buyer meets one random seller; they split the gain in half.

    Individually rational and budget balanced, not efficient: the wrong people meet.

    Attributes:
        rounds: How many sellers a buyer meets, at most.
    """

    rounds: int = 5
    name: str = "bilateral"
    title: str = "random bilateral matching at the midpoint"
    source: str = "Chamberlin, J. Political Economy 56 (1948) 95-108"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval; who meets whom is drawn from `terms.seed`."""
        random = terms.random(self.name)
        wanted, offered = book.bids.quantity.copy(), book.asks.quantity.copy()
        trades: list[Trade] = []
        meetings = min(len(wanted), len(offered))
        for _ in range(self.rounds):
            buyers, sellers = random.permutation(len(wanted)), random.permutation(len(offered))
            for bid, ask in zip(buyers[:meetings].tolist(), sellers[:meetings].tolist(), strict=True):
                energy = int(min(wanted[bid], offered[ask]))
                limit, cost = int(book.bids.price[bid]), int(book.asks.price[ask])
                if energy and limit >= cost:
                    wanted[bid] -= energy
                    offered[ask] -= energy
                    trades.append(Trade(bid, ask, energy, (limit + cost) // 2))
        return from_trades(book, trades, messages=2 * self.rounds * meetings, iterations=self.rounds)
