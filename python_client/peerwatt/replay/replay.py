"""The replay: every interval of a scenario's days on a chain, next to the reference twin."""

from __future__ import annotations

import time
from collections.abc import Callable

from peerwatt.chain import Network
from peerwatt.client import MarketClient
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.market.settlement import accepted_by_batch
from peerwatt.messages import Verdict
from peerwatt.oracle import ClearedInterval, CommitteeMember, collect_quorum, expired
from peerwatt.replay.committee_processes import ENVELOPE_LEAD_S, CommitteeProcesses
from peerwatt.replay.comparison import SettledOnChain, differences, read_books
from peerwatt.replay.envelopes import envelope_pages, is_shrunk, publish_envelopes, take_published
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.replay.market_setup import open_market
from peerwatt.replay.metering_points import MeteringPoints
from peerwatt.replay.order_entry import OrderEntry
from peerwatt.replay.replayed import Replayed
from peerwatt.replay.timeline import POST_S, Action, Appointment, appointments
from peerwatt.roles.relayer import OrderQueue, Relayer
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.neighbourhood import Neighbourhood
from peerwatt.scenario.scenario import Scenario

Progress = Callable[[int, int], None]
"""Called with the number of settled intervals and of all intervals."""


class Replay:
    """One replay. Everything that happens goes through the contracts, under real signatures.

    Attributes:
        scenario: what is replayed.
        network: on which chain; its clock must be ours.
        seed: of every draw and key.
        intervals: how many, from the scenario's first on.
    """

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        seed: int,
        intervals: int,
        committee: CommitteeProcesses | None = None,
        say: Callable[[str], None] = lambda line: None,
    ) -> None:
        """
        Args:
            scenario: what is replayed.
            network: on which chain.
            seed: of every draw and key.
            intervals: how many.
            committee: who reports; without it the committee is in this process.
            say: told what is out of the ordinary.
        """
        self.scenario = scenario
        self.network = network
        self.seed = seed
        self.intervals = intervals
        self._keys = PilotKeys(seed)
        self._neighbourhood = Neighbourhood(scenario, seed)
        self._solver = PowerFlow(scenario.feeder)
        self._members = [
            CommitteeMember(
                index, bytes(self._keys.committee_member(index).key), self._solver, scenario.rules
            )
            for index in range(scenario.committee.members)
        ]
        self._committee = committee
        self._say = say
        self._mismatches: set[int] = set()
        self._first_difference = ""
        self._conservation_error = 0

    def run(self, progress: Progress = lambda done, of: None) -> Replayed:
        """Replay everything.

        Args:
            progress: told after every settled interval.

        Raises:
            PeerwattError: the chain or the feeder refused.
        """
        started = time.monotonic()
        calendar = self.scenario.calendar
        self._market = open_market(self.network, self.scenario, self._keys, self.intervals)
        first = self._first_on_chain()
        self._books = read_books(self._client, len(self._market.deposits))
        logs = [
            IntervalLog(first + position, calendar.first + position, position)
            for position in range(self.intervals)
        ]
        if self._committee is not None:
            self._committee.start(self._client, first, self.seed)
        with OrderQueue() as queue:
            self._entry = OrderEntry(self.scenario, self._keys, self._market, queue)
            self._points = MeteringPoints(
                self.scenario, self._keys, self._market, queue, self._neighbourhood, self.seed
            )
            for appointment in appointments(self.scenario.market, first, self.intervals, self._envelope_s()):
                position = appointment.interval - first
                self._keep(appointment, logs[position])
                if appointment.action == Action.SETTLE:
                    progress(position + 1, self.intervals)
        return Replayed(
            scenario=self.scenario,
            chain=self.network.name,
            seed=self.seed,
            logs=tuple(logs),
            solver=self._solver,
            initial=self._market.deposits,
            final=self._books.balances,
            mismatches=len(self._mismatches),
            first_difference=self._first_difference,
            conservation_error=self._conservation_error,
            wall_seconds=time.monotonic() - started,
        )

    def _first_on_chain(self) -> int:
        """The interval that the scenario's first one is replayed as.

        Itself, or where the chain's clock is past it already, the next one at the same time of day.
        """
        length, per_day = self.scenario.market.interval_length, self.scenario.calendar.per_day
        first = self.scenario.calendar.first
        earliest = self.network.latest_timestamp() // length + per_day
        return first + max(0, -(-(earliest - first) // per_day)) * per_day if earliest > first else first

    @property
    def _relayer(self) -> Relayer:
        return self._entry.relayer

    @property
    def _client(self) -> MarketClient:
        return self._market.client

    def _keep(self, appointment: Appointment, log: IntervalLog) -> None:
        step = {
            Action.PUBLISH_ENVELOPE: self._publish_envelope,
            Action.POST: self._post,
            Action.COMMIT: self._commit,
            Action.REVEAL: self._reveal,
            Action.CLEAR: self._clear,
            Action.REPORT: self._report,
            Action.ATTEST: self._attest,
            Action.OVERRULE: self._overrule,
            Action.SETTLE: self._settle,
        }[appointment.action]
        self._now = appointment.time
        step(log)

    def _at_appointment(self) -> None:
        """Let the next block be mined at the appointment's time."""
        if self._committee is not None:
            # Waiting for a report takes as long as it takes.
            self._now = max(self._now, self.network.latest_timestamp() + 1)
        self.network.set_next_timestamp(self._now)

    def _next_second(self) -> int:
        """Let the next block be mined at a second of its own, from the appointment's on."""
        self._at_appointment()
        now, self._now = self._now, self._now + 1
        return now

    def _differ(self, log: IntervalLog, difference: str) -> None:
        """Note in what chain and twin differ, if they do."""
        if difference:
            self._mismatches.add(log.number)
            self._first_difference = self._first_difference or difference

    def _check_conservation(self) -> None:
        error = self._books.conservation_error + self._entry.bond_error
        self._conservation_error = max(self._conservation_error, error)

    def _envelope_s(self) -> int:
        """How long before the posting envelopes are begun: a second a page, or the time of whole turns."""
        pages = envelope_pages(self.scenario)
        return pages if self._committee is None or not pages else ENVELOPE_LEAD_S - POST_S

    # The steps of an interval. Without a batch an interval does not exist on chain: its homes are billed
    # at the tariff, and the oracle's check is only for the record.

    def _publish_envelope(self, log: IntervalLog) -> None:
        if self._committee is None:
            self._publish_inside(log)
        else:
            self._at_appointment()
            until = self.scenario.market.gate_closure(log.number) - POST_S - 1
            published = self._committee.await_envelopes(log.number, envelope_pages(self.scenario), until)
            take_published(self._client, self._market.twin, published, log)
        log.shrunk = tuple(
            home.account
            for home in self.scenario.participants
            if is_shrunk(self.scenario, home, log, self.seed)
        )

    def _publish_inside(self, log: IntervalLog) -> None:
        publish_envelopes(
            self.scenario,
            self._members,
            self._client,
            self._market.twin,
            self._neighbourhood.forecast(log.position),
            log,
            self._next_second,
            self._say,
        )

    def _post(self, log: IntervalLog) -> None:
        if self._entry.accept(log, self.seed):
            self._differ(log, self._entry.post(log, self._next_second))

    def _commit(self, log: IntervalLog) -> None:
        if self._entry.accept(log, self.seed):
            self._entry.commit(log, self._next_second)
            # From here to the reveal a bond is out.
            self._check_conservation()

    def _reveal(self, log: IntervalLog) -> None:
        if log.orders:
            self._differ(log, self._entry.reveal(log, self._next_second))

    def _clear(self, log: IntervalLog) -> None:
        number, length = log.number, self.scenario.market.interval_length
        if not log.records:
            log.cleared = ClearedInterval(number, length, log.clearing, bytes(32), ())
            return
        self._at_appointment()
        auction = self._client.clear(number)
        log.gas += auction.gas
        log.traded = auction.volume
        self._market.twin.clear(number, now=self._now)
        log.cleared = ClearedInterval(number, length, auction.clearing, auction.clearing_hash, (log.records,))

    def _report(self, log: IntervalLog) -> None:
        assert log.cleared is not None
        quorum = collect_quorum(
            self._members,
            log.cleared,
            self._neighbourhood.forecast(log.position, log.limits),
            self._client.domain,
            self.scenario.committee.quorum,
        )
        judgement = log.judgement = quorum.judgement
        if not log.records:
            return
        if self._committee is None:
            self._at_appointment()
            receipt = self._client.report(
                judgement.report, judgement.decisions, quorum.signers, quorum.signatures
            )
        else:
            receipt = self._committee.await_verdict(log.number)
            self._now = self.network.latest_timestamp()
        log.gas += receipt["gasUsed"]
        log.verdict = self._client.interval(log.number).terms.verdict
        if log.verdict == Verdict.EXPIRED:
            judgement = log.judgement = expired(judgement)
            self._market.twin.expire(log.number, now=self._now)
        else:
            self._market.twin.report(judgement.report, judgement.decisions, now=self._now)
        for batch, decisions in enumerate(judgement.decisions):
            self._relayer.queue.note_decisions(log.number, batch, decisions)
        stands = accepted_by_batch(
            log.records,
            b"".join(judgement.decisions),
            self._market.twin.interval(log.number).terms,
            self.scenario.market,
        )
        log.positions = {record.participant: at for record, at in zip(log.records, stands, strict=True)}

    def _attest(self, log: IntervalLog) -> None:
        self._points.deliver(log)
        if log.records:
            self._points.attest(log, self._next_second)

    def _overrule(self, log: IntervalLog) -> None:
        if log.lost:
            self._points.overrule(log, self._next_second)

    def _settle(self, log: IntervalLog) -> None:
        if not log.records:
            return
        before = self._books
        self._at_appointment()
        [receipt] = self._relayer.settle(log.number)
        log.gas += receipt["gasUsed"]
        self._market.twin.settle(log.number, 0, now=self._now)
        self._books = read_books(self._client, len(before.balances))
        log.cash = tuple(
            now[0] - then[0] for now, then in zip(self._books.balances, before.balances, strict=True)
        )
        settled = SettledOnChain(
            *self._client.settled_by(receipt), (self._client.batch_commitment(log.number, 0),), self._books
        )
        for difference in differences(settled, self._market.twin, log.number):
            self._differ(log, difference)
        self._check_conservation()
