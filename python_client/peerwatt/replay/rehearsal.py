"""A rehearsal: the days of a replay without a chain, to the Wh and the base unit what a replay comes to.

The same appointments are kept, and at each the same is done as by the roles of a replay, in the reference
twin of the market instead of on a chain. What is left out is what changes no figure: signatures, a committee
that agrees with itself, and gas. Readings that get lost on the way to the metering operator come from the
meters themselves in a replay, so here nothing gets lost.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from time import perf_counter
from typing import Final, Protocol

from peerwatt.agents.home import Flow
from peerwatt.agents.meter import Meter
from peerwatt.client import PostedBatch
from peerwatt.market.accepted import Accepted
from peerwatt.market.energy_market import MarketTwin
from peerwatt.market.interval_ring import Interval
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.participant_registry import EnergyLimits, Participant
from peerwatt.market.settlement import accepted_by_batch, delivered_by_batch
from peerwatt.messages import (
    ZERO_HASH,
    Domain,
    EnvelopeLimits,
    Order,
    Reading,
    ReadingStatus,
    SignedOrder,
    encode_readings,
    encode_records,
)
from peerwatt.oracle import ClearedInterval
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.record.community_shares import PeerEnergy, community_shares
from peerwatt.record.derivation import Derivation
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.replayed import Replayed
from peerwatt.record.results import ReplayResult
from peerwatt.replay.founding import deposits
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.roles.appointments import Action, Appointment, appointments
from peerwatt.roles.relayer.batch_size import BatchSize
from peerwatt.scenario.household import Household
from peerwatt.scenario.scenario import PER_TRADED_KWH, Scenario

UNSIGNED: Final = bytes(64)
NOWHERE: Final = "0x" + 40 * "0"
CHAIN: Final = "rehearsal"
"""Stands where a replay's results name the chain."""

Progress = Callable[[int, int], None]
"""Called with the number of settled intervals and of all intervals."""


class Resident(Protocol):
    """Who lives in a home: what it orders, and what then flows. `Household` is the usual one."""

    def order(self, interval: int, limits: EnergyLimits | None = None) -> Order | None:
        """What it orders, within its envelope, Wh."""

    def flow(self, interval: int, export_limit_wh: int | None) -> Flow:
        """What flows, where the inverter feeds in at most so much."""


class Rehearsal:
    """One rehearsal of a scenario's first intervals."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        intervals: int,
        *,
        residents: Mapping[int, Resident] | None = None,
        feeder: SolvedFeeder | None = None,
        only: Container[int] | None = None,
    ) -> None:
        """
        Args:
            scenario: what is rehearsed.
            seed: of every draw.
            intervals: how many, from the scenario's first on.
            residents: who lives in homes, by account, where it is not the scenario's household.
            feeder: of the same scenario and seed, where it is known already.
            only: positions in the calendar of those that are rehearsed; all of the first ones by default.
        """
        self.scenario = scenario
        self.seed = seed
        self.intervals = intervals
        first = scenario.calendar.first
        self._residents: dict[int, Resident] = {
            home.account: Household(scenario, home, seed, first, intervals) for home in scenario.participants
        } | dict(residents or {})
        self._only = only
        self._feeder = feeder or SolvedFeeder(scenario, seed)
        self._market = _founded(scenario, intervals)
        self._meters = {home.account: Meter(home.account) for home in scenario.participants}
        self._logs: dict[int, IntervalLog] = {}

    def run(
        self, progress: Progress = lambda done, of: None, take: Callable[[IntervalLog], None] | None = None
    ) -> Replayed:
        """Rehearse everything.

        Args:
            progress: told after every settled interval.
            take: given the log of every interval that is over; without it, the result has them all.

        Raises:
            PeerwattError: the feeder refused.
        """
        began, scenario, market = perf_counter(), self.scenario, self._market
        initial = tuple(market.ledger[account].cash for account in range(len(market.ledger)))
        logs: list[IntervalLog] = []
        energy = PeerEnergy()
        error = 0
        done = 0
        for appointment in appointments(
            scenario.market, scenario.calendar.first, self.intervals, int(scenario.envelope)
        ):
            if self._only is not None and appointment.interval - scenario.calendar.first not in self._only:
                continue
            act = _ACTS.get(appointment.action)
            if act is not None:
                act(self, appointment)
            if appointment.action == Action.SETTLE:
                log = self._logs.pop(appointment.interval)
                energy.take(log)
                (take or logs.append)(log)
                market.forget(appointment.interval)
                error = max(error, abs(market.ledger.cash_error) + abs(market.ledger.energy_error))
                done += 1
                progress(done, self.intervals)
        paid_back = {}
        if scenario.community == PER_TRADED_KWH:
            kept = market.ledger[SystemAccount.COMMUNITY].cash - initial[SystemAccount.COMMUNITY]
            paid_back = community_shares(kept, energy.traded_wh)
            if paid_back:
                market.withdraw(SystemAccount.COMMUNITY, kept)
            for account, amount in paid_back.items():
                market.deposit(account, amount)
        return Replayed(
            scenario=scenario,
            chain=CHAIN,
            seed=self.seed,
            logs=tuple(logs),
            solver=self._feeder.solver,
            initial=initial,
            final=tuple((market.ledger[k].cash, market.ledger[k].energy) for k in range(len(market.ledger))),
            paid_back=paid_back,
            mismatches=0,
            first_difference="",
            conservation_error=error,
            wall_seconds=perf_counter() - began,
        )

    def _log(self, interval: int) -> IntervalLog:
        if interval not in self._logs:
            index = interval - self.scenario.calendar.first
            self._logs[interval] = IntervalLog(interval, interval, index)
        return self._logs[interval]

    def _publish(self, appointment: Appointment) -> None:
        """The committee's operating envelopes, all pages of them."""
        interval, config = appointment.interval, self.scenario.market
        log = self._log(interval)
        inputs = EnvelopeInputs(
            interval,
            config.interval_length,
            {
                home.account: EnvelopeLimits(home.import_limit, home.export_limit)
                for home in self.scenario.participants
            },
            self._feeder.forecast(log.index, {}),
        )
        for envelope in inputs.envelopes(self._feeder.solver):
            self._market.publish_envelope(envelope, now=appointment.time)
        for home in self.scenario.participants:
            limits = self._market.envelopes.of(interval, home.account)
            if limits is not None:
                log.limits[home.account] = EnergyLimits(
                    config.energy_limit(limits.imported), config.energy_limit(limits.exported)
                )

    def _order(self, appointment: Appointment) -> None:
        """Every home orders, and the relayer posts the orders in batches that fit."""
        interval = appointment.interval
        log = self._log(interval)
        shrunk, orders = [], []
        for account, resident in self._residents.items():
            limits = log.limits.get(account)
            order = resident.order(interval, limits)
            wish = order if limits is None else resident.order(interval)
            if _total(order) < _total(wish):
                shrunk.append(account)
            if order is not None:
                orders.append(SignedOrder(order, UNSIGNED))
        log.shrunk, log.orders = tuple(shrunk), tuple(orders)
        if not orders:
            return
        revealed = self.scenario.market.is_sealed
        now = None if revealed else appointment.time
        postings = [
            self._market.post(interval, batch, now=now, revealed=revealed)
            for batch in BatchSize(orders=self.scenario.market.batch_orders).split(orders)
        ]
        log.posted = tuple(
            PostedBatch(
                posting.batch,
                encode_records(posting.records) if posting.records else b"",
                ZERO_HASH,
                posting.skipped,
                0,
            )
            for posting in postings
        )

    def _clear(self, appointment: Appointment) -> None:
        log = self._log(appointment.interval)
        if not log.posted:
            return
        auctioned = self._market.clear(log.number, now=appointment.time)
        state = self._market.interval(log.number)
        log.traded = auctioned.volume
        log.cleared = _cleared(state, self.scenario.market.interval_length)

    def _report(self, appointment: Appointment) -> None:
        """The committee reports, and the dispatch tells inverters what they may feed in."""
        log = self._log(appointment.interval)
        length = self.scenario.market.interval_length
        cleared = log.cleared or ClearedInterval(log.number, length, log.clearing, ZERO_HASH, ())
        forecast = self._feeder.forecast(log.index, log.limits)
        log.judgement = self._feeder.judge(cleared, forecast)
        if log.cleared is None:
            return
        log.verdict = log.judgement.grid.verdict
        self._market.report(log.judgement.report, log.judgement.decisions, now=appointment.time)
        log.accepted = self._accepted(self._market.interval(log.number))

    def _accepted(self, state: Interval) -> dict[int, Accepted]:
        """What of every order is accepted, by account."""
        found: dict[int, Accepted] = {}
        for batch in state.batches:
            each = accepted_by_batch(batch.records, batch.decisions or b"", state.terms, self.scenario.market)
            found |= {record.participant: of for record, of in zip(batch.records, each, strict=True)}
        return found

    def _attest(self, appointment: Appointment) -> None:
        """The interval is delivered, meters are read, and the metering operator attests all of it."""
        log = self._log(appointment.interval)
        assert log.judgement is not None
        allowed = log.judgement.allowed_export() or {}
        for account, resident in self._residents.items():
            limits = [allowed[account]] if account in allowed else []
            if account in log.limits:
                limits.append(log.limits[account].exported)
            flow = resident.flow(log.number, min(limits) if limits else None)
            log.flows[account] = flow
            log.readings[account] = self._meters[account].read(log.number, flow.imported, flow.exported)
        if log.cleared is None:
            return
        state, market = self._market.interval(log.number), self._market
        readings, delivered = [], 0
        for batch in state.batches:
            accounts = [record.participant for record in batch.records]
            read = [log.readings[account] for account in accounts]
            packed = encode_readings(Reading(ReadingStatus.ATTESTED, r.imported, r.exported) for r in read)
            readings.append(packed)
            delivered += delivered_by_batch(
                batch.records,
                batch.decisions or b"",
                packed,
                [market.energy_limits(account) for account in accounts],
                state.terms,
                self.scenario.market,
            )
        market.attest(log.number, readings, delivered, now=appointment.time)

    def _settle(self, appointment: Appointment) -> None:
        log = self._log(appointment.interval)
        cash = [0] * len(self._market.ledger)
        if log.cleared is not None:
            state = self._market.interval(log.number)
            for number, batch in enumerate(state.batches):
                entries = self._market.settle(log.number, number, now=appointment.time)
                for record, booked in zip(batch.records, entries, strict=True):
                    cash[record.participant] += booked.participant_cash
                    cash[SystemAccount.GRID_OPERATOR] += booked.grid_operator_cash
                    cash[SystemAccount.COMMUNITY] += booked.community_cash
                    cash[SystemAccount.SUPPLIER] += booked.supplier_cash
            log.cash = tuple(cash)


_ACTS: Final[Mapping[Action, Callable[[Rehearsal, Appointment], None]]] = {
    Action.PUBLISH_ENVELOPE: Rehearsal._publish,
    Action.ORDER: Rehearsal._order,
    Action.CLEAR: Rehearsal._clear,
    Action.REPORT: Rehearsal._report,
    Action.ATTEST: Rehearsal._attest,
    Action.SETTLE: Rehearsal._settle,
}


def rehearse_scenario(
    scenario: Scenario,
    seed: int,
    intervals: int,
    progress: Progress = lambda done, of: None,
    *,
    residents: Mapping[int, Resident] | None = None,
    feeder: SolvedFeeder | None = None,
) -> ReplayResult:
    """Rehearse a scenario from its first interval on.

    Args:
        scenario: what to rehearse.
        seed: of every draw.
        intervals: how many.
        progress: told after every settled interval.
        residents: who lives in homes, by account, where it is not the scenario's household.
        feeder: of the same scenario and seed, where it is known already.

    Raises:
        PeerwattError: the feeder refused.
    """
    feeder = feeder or SolvedFeeder(scenario, seed)
    derivation = Derivation(scenario, seed, feeder.without_market)
    rehearsal = Rehearsal(scenario, seed, intervals, residents=residents, feeder=feeder)
    replayed = rehearsal.run(progress, derivation.take)
    return derivation.results(replayed)


def _founded(scenario: Scenario, intervals: int) -> MarketTwin:
    """The market with everybody registered and what a replay's founding pays in."""
    market = MarketTwin(scenario.market, scenario.tariff, Domain(0, NOWHERE), "", check_signatures=False)
    market.register(
        Participant(NOWHERE, NOWHERE, home.import_limit, home.export_limit) for home in scenario.participants
    )
    for account, amount in deposits(scenario, intervals, market.margin(SystemAccount.SUPPLIER)).items():
        market.deposit(account, amount)
    return market


def _cleared(state: Interval, length: int) -> ClearedInterval:
    batches = tuple(batch.records for batch in state.batches)
    return ClearedInterval(state.number, length, state.cleared, state.clearing_hash, batches)


def _total(order: Order | None) -> int:
    """All that an order offers, Wh."""
    return 0 if order is None else sum(step.quantity for step in order)
