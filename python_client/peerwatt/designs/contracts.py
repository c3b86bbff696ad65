"""Bilateral contract networks: forward contracts on a forecast, real-time contracts on the rest."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from peerwatt.designs.bidders import net_imports
from peerwatt.designs.design import Run, collect
from peerwatt.designs.neighbourhood import Neighbourhood, net_book
from peerwatt.designs.orders import Book, Orders, Terms
from peerwatt.designs.outcome import Outcome, Trade, from_trades
from peerwatt.designs.protocol import OFF_CHAIN


@dataclass(frozen=True)
class ContractNegotiation:
    """Price adjustment towards a stable set of contracts (section III of the paper).

    Contracts are for `unit` Wh at most. Every buyer offers for its cheapest contract not yet signed, first at
    the seller's limit; a seller with no unit left lets the lowest offer go; who is let go raises by `step`.
    Offers only rise, so it ends; no buyer and seller are then left who would both gain `step` or more by a
    contract with each other (stable, because a home that only buys or only sells has fully substitutable
    preferences).

    Attributes:
        unit: Largest contract, Wh.
        step: Price step, base units per Wh.
    """

    unit: int = 250
    step: int = 5
    name: str = "contracts"
    title: str = "bilateral contract network, negotiated to a stable outcome"
    source: str = "Morstyn, Teytelboym & McCulloch, IEEE Trans. Smart Grid 10 (2019) 2026-2035"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Negotiate one interval's contracts."""
        bids, asks = _units(book.bids, self.unit), _units(book.asks, self.unit)
        offers = np.array([int(book.asks.price[row]) for row, _ in asks], dtype=np.int64)
        holder = np.full(len(asks), -1, dtype=np.int64)
        waiting, messages = list(range(len(bids)))[::-1], 0
        while waiting and len(asks):
            buyer = waiting.pop()
            # A unit that has a holder costs one step more than the holder offered.
            needed = offers + np.where(holder >= 0, self.step, 0)
            best = int(np.argmin(needed))
            messages += 2
            if needed[best] > book.bids.price[bids[buyer][0]]:
                continue  # every contract costs more than it is worth
            if holder[best] >= 0:
                waiting.append(int(holder[best]))
            holder[best], offers[best] = buyer, needed[best]
        trades: dict[tuple[int, int, int], int] = {}
        for ask, buyer in enumerate(holder.tolist()):
            if buyer >= 0:
                key = bids[buyer][0], asks[ask][0], int(offers[ask])
                trades[key] = trades.get(key, 0) + min(bids[buyer][1], asks[ask][1])
        signed = [Trade(bid, ask, energy, price) for (bid, ask, price), energy in trades.items()]
        return from_trades(book, signed, messages)


@dataclass(frozen=True)
class ForwardAndRealTime:
    """Contracts on the forecast first; when the interval comes, contracts on what the forecast missed.

    Attributes:
        negotiation: How contracts are found.
    """

    negotiation: ContractNegotiation = field(default_factory=ContractNegotiation)
    name: str = "contracts-forward"
    title: str = "bilateral contract networks, forward and real time"
    source: str = ContractNegotiation.source
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval twice."""
        expected, actual = net_imports(neighbourhood), neighbourhood.imported - neighbourhood.exported
        books: list[Book] = []
        outcomes: list[Outcome] = []
        homes = len(neighbourhood.names)
        for t, forward in enumerate(neighbourhood.books):
            terms = neighbourhood.terms_of(t)
            early = self.negotiation.clear(forward, terms)
            signed = np.zeros(homes, dtype=np.int64)
            np.add.at(signed, forward.bids.participant, early.bought)
            np.subtract.at(signed, forward.asks.participant, early.sold)
            missing = actual[t] - signed
            # Nobody resells: a forward buyer may buy more, a forward seller sell more; the rest is imbalance.
            missing = np.where(np.sign(missing) == np.sign(actual[t]), missing, 0)
            late_book = net_book(missing, terms)
            late = self.negotiation.clear(late_book, terms)
            books.append(_joined(forward, late_book))
            outcomes.append(_together(early, late))
        run = collect(neighbourhood, books, outcomes, np.zeros(homes, dtype=np.int64))
        missed = int(np.abs(actual - expected).sum())
        return replace(run, note=f"forecasts missed {missed} Wh, real-time contracts traded what they could")


def _units(orders: Orders, unit: int) -> list[tuple[int, int]]:
    """Each order cut into contracts of at most `unit` Wh: (row, Wh)."""
    return [
        (row, min(unit, quantity - start))
        for row, quantity in enumerate(orders.quantity.tolist())
        for start in range(0, quantity, unit)
    ]


def _joined(first: Book, second: Book) -> Book:
    sides = []
    for one, two in ((first.bids, second.bids), (first.asks, second.asks)):
        columns = [
            np.concatenate([getattr(one, column), getattr(two, column)])
            for column in ("participant", "price", "quantity")
        ]
        sides.append(Orders(*columns))
    return Book(*sides)


def _together(first: Outcome, second: Outcome) -> Outcome:
    return Outcome(
        np.concatenate([first.bought, second.bought]),
        np.concatenate([first.sold, second.sold]),
        np.concatenate([first.paid, second.paid]),
        np.concatenate([first.received, second.received]),
        messages=first.messages + second.messages,
    )
