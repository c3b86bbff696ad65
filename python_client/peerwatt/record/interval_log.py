"""What happened in one interval of a replay, as it is collected on the way."""

from __future__ import annotations

from dataclasses import dataclass, field

from peerwatt.agents.home import Flow
from peerwatt.client import PostedBatch
from peerwatt.market.accepted import Accepted
from peerwatt.market.order_book import SkippedOrder
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import Clearing, Record, SignedOrder, Verdict
from peerwatt.messages.signed_reading import MeterReading
from peerwatt.oracle import ClearedInterval, Judgement


@dataclass
class IntervalLog:
    """One interval.

    Attributes:
        number: of the interval on chain.
        scenario_interval: its number in the scenario, the same on every chain.
        index: in the calendar, from 0.
        limits: of the interval's envelope, Wh, by account; none where none was published.
        shrunk: accounts that offer less than they wished, for their envelope.
        orders: what the homes signed.
        posted: what the market took, call by call; none where nobody ordered.
        cleared: the auction's outcome.
        traded: what it matched, Wh.
        judgement: the oracle's.
        verdict: on chain.
        accepted: what of each order was accepted, by account.
        flows: what every home did, by account.
        readings: what every meter counted, by account.
        lost: accounts whose reading never reached the metering operator.
        cash: what the settlement changed, base units, by account.
        gas: of all its transactions.
    """

    number: int
    scenario_interval: int
    index: int
    limits: dict[int, EnergyLimits] = field(default_factory=dict)
    shrunk: tuple[int, ...] = ()
    orders: tuple[SignedOrder, ...] = ()
    posted: tuple[PostedBatch, ...] = ()
    cleared: ClearedInterval | None = None
    traded: int = 0
    judgement: Judgement | None = None
    verdict: Verdict = Verdict.ACCEPT
    accepted: dict[int, Accepted] = field(default_factory=dict)
    flows: dict[int, Flow] = field(default_factory=dict)
    readings: dict[int, MeterReading] = field(default_factory=dict)
    lost: tuple[int, ...] = ()
    cash: tuple[int, ...] = ()
    gas: int = 0

    @property
    def records(self) -> tuple[Record, ...]:
        """The orders that the market took, batch by batch."""
        return tuple(record for batch in self.posted for record in batch.records)

    @property
    def skipped(self) -> tuple[SkippedOrder, ...]:
        """The orders that it left out."""
        return tuple(skip for batch in self.posted for skip in batch.skipped)

    @property
    def clearing(self) -> Clearing:
        """The auction's outcome."""
        return Clearing() if self.cleared is None else self.cleared.clearing
