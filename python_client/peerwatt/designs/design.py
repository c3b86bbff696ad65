"""A market design run over a neighbourhood: what flowed, who traded and who paid what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.optimum import optimal_welfare
from peerwatt.designs.orders import Book, FloatArray, IntArray
from peerwatt.designs.outcome import Outcome
from peerwatt.designs.protocol import Entry, Mechanism
from peerwatt.designs.sharing import VirtualPool
from peerwatt.units import HOUR_S

MONTH_S = 30 * 24 * HOUR_S


@dataclass(frozen=True)
class Matched:
    """What the orders of each participant came to. Arrays are (intervals, participants), base units.

    Attributes:
        paid: For what was bought.
        received: For what was sold.
        room: How much worse the prices could be before they are beyond the orders' limits.
    """

    paid: IntArray
    received: IntArray
    room: IntArray


@dataclass(frozen=True)
class Run:
    """What a design did. Arrays are (intervals, participants).

    Attributes:
        imported, exported: At the meters, Wh; a design with storage changes them.
        bought, sold: Peer energy agreed on, Wh.
        payment: For peer energy, base units; + is paid, - is received.
        dues: Membership and other dues per participant, base units.
        price: What a Wh of peer energy cost its buyers on average, base units; nan without trade.
        messages: Messages sent.
        surplus: What the market kept (+) or was short of (-), base units.
        welfare, best_welfare: Gains from trade at the limit prices of the orders, reached and possible;
            None where the design asks for no limits.
        paid_ahead: Energy is paid in another interval than the one it is used in.
        matched: What each side of the trade came to, for designs that clear orders.
        losses: What each is charged for grid losses, base units; None for nothing.
        charges: What each is charged for the network, base units; None for the fee on all that is bought.
        unused_price: What a Wh that was bought and not drawn earns in each interval, base units; None for the
            feed-in tariff in all.
        note: A sentence on what happened, where there is something to say.
    """

    imported: IntArray
    exported: IntArray
    bought: IntArray
    sold: IntArray
    payment: IntArray
    dues: IntArray
    messages: int = 0
    surplus: int = 0
    welfare: int | None = None
    best_welfare: int | None = None
    paid_ahead: bool = False
    matched: Matched | None = None
    losses: IntArray | None = None
    charges: IntArray | None = None
    unused_price: IntArray | None = None
    note: str = field(default="", compare=False)

    @property
    def price(self) -> FloatArray:
        """Average price paid per interval, base units per Wh; nan where nothing was traded."""
        bought, paid = self.bought.sum(axis=1), np.where(self.bought > 0, self.payment, 0).sum(axis=1)
        return np.where(bought > 0, paid / np.maximum(bought, 1), np.nan)


class Design(Entry, Protocol):
    """Anything that can be compared: the neighbourhood in, what happened out."""

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        ...


@dataclass(frozen=True)
class TariffOnly:
    """No market: everybody at the tariff. What every bill is compared with."""

    name: str = "tariff-only"
    title: str = "no market, the tariff alone"
    source: str = "the scenario's tariff"
    runs: str = "needs none"

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        return idle(neighbourhood)


@dataclass(frozen=True)
class PerInterval:
    """A mechanism that clears one interval, run on all of them.

    Attributes:
        mechanism: The mechanism.
        metered: A sharing rule splits what the meters counted, the others clear what was posted.
    """

    mechanism: Mechanism
    metered: bool = False

    @property
    def name(self) -> str:
        """Of the mechanism."""
        return self.mechanism.name

    @property
    def title(self) -> str:
        """Of the mechanism."""
        return self.mechanism.title

    @property
    def source(self) -> str:
        """Of the mechanism."""
        return self.mechanism.source

    @property
    def runs(self) -> str:
        """Of the mechanism."""
        return self.mechanism.runs

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        books = (
            [neighbourhood.readings(t) for t in range(neighbourhood.intervals)]
            if self.metered
            else list(neighbourhood.books)
        )
        outcomes = [self.mechanism.clear(book, neighbourhood.terms_of(t)) for t, book in enumerate(books)]
        fee = self.mechanism.monthly_fee if isinstance(self.mechanism, VirtualPool) else 0
        share = fee * neighbourhood.intervals * neighbourhood.interval_s // MONTH_S
        welfare = best = None
        if not self.metered:
            welfare = sum(outcome.welfare(book) for outcome, book in zip(outcomes, books, strict=True))
            best = sum(map(optimal_welfare, books))
        dues = np.full(len(neighbourhood.names), share, dtype=np.int64)
        found = collect(neighbourhood, books, outcomes, dues, welfare, best)
        # What meters counted is shared when it has flowed: there is nothing left that limits could cut.
        return replace(found, matched=None) if self.metered else found


def collect(
    neighbourhood: Neighbourhood,
    books: list[Book],
    outcomes: list[Outcome],
    dues: IntArray,
    welfare: int | None = None,
    best_welfare: int | None = None,
) -> Run:
    """Add up the orders of each participant."""
    shape = (len(books), len(neighbourhood.names))
    bought, sold, paid, received, bids, asks = (np.zeros(shape, dtype=np.int64) for _ in range(6))
    for t, (book, outcome) in enumerate(zip(books, outcomes, strict=True)):
        np.add.at(bought[t], book.bids.participant, outcome.bought)
        np.add.at(sold[t], book.asks.participant, outcome.sold)
        np.add.at(paid[t], book.bids.participant, outcome.paid)
        np.add.at(received[t], book.asks.participant, outcome.received)
        np.add.at(bids[t], book.bids.participant, outcome.bought * book.bids.price)
        np.add.at(asks[t], book.asks.participant, outcome.sold * book.asks.price)
    return Run(
        neighbourhood.imported,
        neighbourhood.exported,
        bought,
        sold,
        paid - received,
        dues,
        matched=Matched(paid, received, bids - paid + received - asks),
        messages=sum(outcome.messages for outcome in outcomes),
        surplus=sum(outcome.surplus for outcome in outcomes) + int(dues.sum()),
        welfare=welfare,
        best_welfare=best_welfare,
    )


def idle(neighbourhood: Neighbourhood) -> Run:
    """Nobody trades."""
    none = np.zeros_like(neighbourhood.demand)
    return Run(
        neighbourhood.imported,
        neighbourhood.exported,
        none,
        none,
        none,
        np.zeros(none.shape[1], dtype=np.int64),
    )
