"""One member of the committee: follows the chain, judges, signs, and sees to it that somebody reports.

A member trusts the chain, its own feeder and its own forecast. It judges once a quorum of members has the
same forecast, or half of the report window is over. From the others it takes signatures under exactly the
report that it derived itself; with a quorum of them, whoever's turn it is sends it. The turn goes round by
interval and passes on when nothing happens, so that no member is needed.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from peerwatt.chain import UnreachableChain
from peerwatt.client import Head, published_limits
from peerwatt.errors import PeerwattError
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.interval_ring import Phase
from peerwatt.messages import Verdict
from peerwatt.oracle.chain_follower import ChainFollower
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.envelope_publisher import EnvelopePublisher
from peerwatt.oracle.followed_chain import Cleared
from peerwatt.oracle.forecast_file import ForecastDocument, ForecastSource
from peerwatt.oracle.forecast_notice import ForecastNotice, NoticeBoard
from peerwatt.oracle.market_check import Checked, MarketCheck
from peerwatt.oracle.report_inputs import ReportInputs
from peerwatt.oracle.seat import Seat, short
from peerwatt.oracle.signing_record import SignedReport, SigningRecord
from peerwatt.oracle.votes import Votes
from peerwatt.roles.appointments import Action

log: Final = logging.getLogger(__name__)


class Member:
    """One member.

    Attributes:
        actions: what it has appointments for.
        follower: brings what it saw of the chain up to date.
        record: what it signed.
    """

    actions: Final = frozenset({Action.PUBLISH_ENVELOPE, Action.REPORT})

    def __init__(
        self,
        seat: Seat,
        derivations: Derivations,
        forecasts: ForecastSource,
        rules: GridRules,
        follower: ChainFollower,
        record: SigningRecord,
        notices: NoticeBoard,
        peers: Votes,
        envelopes: EnvelopePublisher | None = None,
    ) -> None:
        """
        Args:
            seat: in the committee.
            derivations: on the member's feeder model.
            forecasts: where its forecasts come from.
            rules: by which the grid decides.
            record: of its reports.
            notices: where it shows which forecasts it has.
            peers: the other members.
            envelopes: what it does for operating envelopes, in a market that has them.
        """
        self.follower = follower
        self.record = record
        self._seat = seat
        self._derivations = derivations
        self._forecasts = forecasts
        self._rules = rules
        self._notices = notices
        self._peers = peers
        self._envelopes = envelopes
        self._config = seat.config
        self._check = MarketCheck(seat.client, seat.config, follower)
        self._on_chain: dict[int, Checked] = {}
        self._waiting: set[int] = set()

    def save(self) -> object:
        """From which block on it has to see the chain again. What it signed follows from that once more."""
        return self.follower.followed.undecided_since()

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave, with an empty state."""
        if saved is not None:
            self.follower.begin_at(saved)

    def step(self, now: int = 0) -> Head:
        """Do everything that can be done now.

        Args:
            now: Unix time, s; the chain's newest block counts where it is later.

        Raises:
            UnreachableChain: the chain does not answer; the next step begins where this one ended.
            sqlite3.Error: the state cannot be read or written.
        """
        newest, reorganised = self.follower.follow()
        head = replace(newest, time=max(newest.time, now))
        undecided = self.follower.followed.undecided()
        self._on_chain = self._check.check(undecided, head) if self._asks else {}
        undecided = sorted({*undecided, *self._on_chain})
        self._tell_missed(undecided)
        due = [] if self._envelopes is None else self._envelopes.due(head)
        self._seat.keep({*undecided, *due}, reorganised)
        for interval in undecided:
            self._try(self._attend, interval, head)
        for interval in due:
            assert self._envelopes is not None
            self._try(self._envelopes.attend, interval, head)
        return head

    @property
    def waits(self) -> list[str]:
        """What it waits for, a line each."""
        lacking = [
            f"interval {interval}: {found.lacks}" for interval, found in self._on_chain.items() if found.lacks
        ]
        return [self.follower.waits, *lacking] if self.follower.waits else lacking

    @property
    def _asks(self) -> bool:
        """Whether logs may lag behind: not on a chain whose blocks this program alone seals."""
        return not self._seat.client.network.controls_time

    def _tell_missed(self, undecided: list[int]) -> None:
        """Say of each interval that got no report in time what kept the member from it."""
        for interval in sorted(self._waiting - set(undecided)):
            if self.follower.followed.verdict(interval) == Verdict.EXPIRED:
                why = self._seat.last_told(interval) or "no report reached the chain"
                log.warning("interval %d: missed, it expired without a report: %s", interval, why)
        self._waiting = set(undecided)

    def _try(self, attend: Callable[[int, Head], None], interval: int, head: Head) -> None:
        """Whatever is wrong with one interval must not keep the member from the others."""
        try:
            attend(interval, head)
        except (UnreachableChain, sqlite3.Error):
            raise
        except PeerwattError as error:
            self._seat.tell(interval, str(error))
        except Exception as error:
            self._seat.tell(interval, f"{type(error).__name__}: {error}")

    def _attend(self, interval: int, head: Head) -> None:
        seat, closure = self._seat, self._config.book_closure(interval)
        if head.time < closure:
            return
        turn = seat.turn_s(interval, self._config.report_window)
        cleared = self.follower.followed.clearing(interval)
        deadline, phase = self._config.report_deadline(interval), self._phase(interval)
        functions = seat.client.market.functions
        if phase == Phase.OPEN:
            if seat.habits.advance and seat.my_turn(interval, closure, turn, head):
                seat.send("clear", interval, functions.clear(interval), turn, head)
        elif phase == Phase.CLEARED and head.time >= deadline:
            since = deadline if cleared is None else max(deadline, cleared.time)
            if seat.habits.advance and seat.my_turn(interval, since, turn, head):
                seat.send("expire", interval, functions.expire(interval), turn, head)
        elif phase == Phase.CLEARED and cleared is not None and self._is_told(interval):
            signed = self.record.find(cleared.hash)
            if signed is None:
                # Reported with the next step: by then the others have signed the same, or never will.
                self._sign(cleared, head)
            elif seat.my_turn(interval, cleared.time, turn, head):
                self._report(signed, turn, head)

    def _phase(self, interval: int) -> Phase:
        """How far an interval has come: by the market, or where it is not asked by what was followed."""
        found = self._on_chain.get(interval)
        if found is not None:
            return found.state.phase
        if self._asks:
            # The market does not have it: a reorganisation, whose blocks are followed with the next step.
            return Phase.NONE
        return Phase.OPEN if self.follower.followed.clearing(interval) is None else Phase.CLEARED

    def _is_told(self, interval: int) -> bool:
        """Whether everything was followed that the market has of an interval; said once where it was not."""
        found = self._on_chain.get(interval)
        if found is None or not found.lacks:
            return True
        self._seat.tell(interval, f"{found.lacks} in the node's logs: asked again, nothing is signed before")
        return False

    def _sign(self, cleared: Cleared, head: Head) -> None:
        """Sign a report on a clearing, if all is there that it takes."""
        interval, tell = cleared.interval, self._seat.tell
        if not self._seat.taken(interval):
            return
        posted = self.follower.followed.posted(cleared, self._config.interval_length)
        if posted.clearing_hash != cleared.hash:
            # A node may have left events out, and have them by now.
            if tell(interval, "some of its records are missing: the chain is read again"):
                self.follower.read_again()
            return
        forecast = self._forecasts.forecast(interval)
        if forecast is None:
            tell(interval, "no forecast yet: nothing signed")
            return
        if head.time < self._alone_from(interval) and not self._shared(forecast):
            return
        client = self._seat.client
        forecast = forecast.within(published_limits(client, interval))
        inputs = ReportInputs(client.domain, posted, forecast, self._rules)
        judgement = self._derivations.judge(inputs)
        signed = self.record.sign_once(inputs, judgement, client.domain, self._seat.sign)
        report = signed.report
        tell(
            interval,
            f"signed {report.verdict}, {report.volume} Wh, digest {short(signed.digest)}",
        )

    def _shared(self, forecast: ForecastDocument) -> bool:
        """Whether a quorum of members shows this forecast; the member's own notice is shown by this."""
        domain, interval = self._seat.client.domain, forecast.interval
        shown = self._notices.show(ForecastNotice.of(forecast), domain, self._seat.sign)
        found = self._seat.quorum(
            interval,
            "forecast",
            shown.notice.digest(domain),
            shown.signature,
            lambda members, enough: self._peers.collect_notices(interval, domain, members, enough),
        )
        return found is not None

    def _alone_from(self, interval: int) -> int:
        """When a member judges by its forecast whatever the others have: half-way to the deadline."""
        return self._config.book_closure(interval) + self._config.report_window // 2

    def _report(self, signed: SignedReport, turn: int, head: Head) -> None:
        report, client = signed.report, self._seat.client
        if not self._seat.may_send("report", report.interval, turn, head):
            return
        found = self._seat.quorum(
            report.interval,
            "report",
            signed.digest,
            signed.signature,
            lambda members, enough: self._peers.collect(report.clearing_hash, client.domain, members, enough),
        )
        if found is not None:
            call = client.report_call(report, signed.decisions, *found)
            self._seat.send("report", report.interval, call, turn, head)
