"""One member of the committee: follows the chain, judges, signs, and sees to it that somebody reports.

A member trusts the chain, its own feeder and its own forecast. From the others it takes signatures under
exactly the report that it derived itself; with a quorum of them, whoever's turn it is sends it. The turn goes
round by interval and passes on when nothing happens, so that no member is needed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.contract.contract import ContractFunction

from peerwatt.chain import ContractReverted, UnreachableChain
from peerwatt.client import MarketClient, published_limits
from peerwatt.errors import PeerwattError
from peerwatt.grid.power_flow import PowerFlow
from peerwatt.grid.rules import GridRules
from peerwatt.messages.signature import sign_digest
from peerwatt.oracle.chain_follower import ChainFollower, Head
from peerwatt.oracle.followed_chain import Cleared
from peerwatt.oracle.forecast_file import ForecastSource
from peerwatt.oracle.peers import Peers, Vote
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.oracle.report_inputs import ReportInputs
from peerwatt.oracle.signing_record import SignedReport, SigningRecord

Say = Callable[[str], None]


@dataclass(frozen=True)
class Habits:
    """How a member behaves.

    Attributes:
        patience_s: how long it lets the members before it in turn try, s of the chain's clock.
        advance: whether it also clears and expires intervals, so that the market goes on.
    """

    patience_s: int = 30
    advance: bool = True


class Member:
    """One member.

    Attributes:
        client: the market, through the member's key.
        follower: brings what it saw of the chain up to date.
        record: what it signed.
    """

    def __init__(
        self,
        client: MarketClient,
        key: LocalAccount,
        solver: PowerFlow,
        forecasts: ForecastSource,
        rules: GridRules,
        follower: ChainFollower,
        record: SigningRecord,
        peers: Peers,
        habits: Habits,
        say: Say,
    ) -> None:
        self.client = client
        self.follower = follower
        self.record = record
        self._key = key
        self._solver = solver
        self._forecasts = forecasts
        self._rules = rules
        self._peers = peers
        self._habits = habits
        self._say = say
        self._config = client.config()
        self._committees: dict[int, tuple[list[ChecksumAddress], int]] = {}
        self._sent: dict[tuple[str, int], int] = {}
        self._told: dict[int, set[str]] = {}

    def step(self) -> Head:
        """Do everything that can be done now.

        Raises:
            UnreachableChain: the chain does not answer; the next step begins where this one ended.
            sqlite3.Error: the state cannot be read or written.
        """
        head, reorganised = self.follower.follow()
        undecided = self.follower.followed.undecided()
        if reorganised:
            self._sent.clear()
        for known in (self._committees, self._told):
            for interval in set(known) - set(undecided):
                del known[interval]
        self._sent = {sent: time for sent, time in self._sent.items() if sent[1] in undecided}
        for interval in undecided:
            try:
                self._attend(interval, head)
            except (UnreachableChain, sqlite3.Error):
                raise
            except PeerwattError as error:
                self._tell(interval, str(error))
            except Exception as error:
                # Whatever is wrong with one interval must not keep the member from the others.
                self._tell(interval, f"{type(error).__name__}: {error}")
        return head

    def _attend(self, interval: int, head: Head) -> None:
        if head.time < self._config.book_closure(interval):
            return
        cleared = self.follower.followed.clearing(interval)
        deadline = self._config.report_deadline(interval)
        if cleared is None:
            if self._habits.advance and self._my_turn(interval, self._config.book_closure(interval), head):
                self._send("clear", interval, self.client.market.functions.clear(interval), head)
        elif head.time < deadline:
            signed = self._signed(cleared)
            if signed is not None and self._my_turn(interval, cleared.time, head):
                self._report(signed, head)
        elif self._habits.advance and self._my_turn(interval, max(deadline, cleared.time), head):
            self._send("expire", interval, self.client.market.functions.expire(interval), head)

    # Whose turn it is

    def _committee(self, interval: int) -> tuple[list[ChecksumAddress], int]:
        if interval not in self._committees:
            self._committees[interval] = self.client.committee(interval)
        return self._committees[interval]

    def _my_turn(self, interval: int, since: int, head: Head) -> bool:
        """Whether those who come before in this interval have had their time since some moment."""
        members, _ = self._committee(interval)
        if self._key.address not in members:
            return False
        before = (members.index(self._key.address) - interval) % len(members)
        return head.time >= since + before * self._patience(interval)

    def _patience(self, interval: int) -> int:
        """How long one turn lasts, s: everyone must have one, and time be left, before the deadline."""
        members, _ = self._committee(interval)
        return min(self._habits.patience_s, self._config.report_window // (len(members) + 1))

    # Signing

    def _signed(self, cleared: Cleared) -> SignedReport | None:
        """The member's report on a clearing, signed now unless it was before; None where it cannot."""
        signed = self.record.find(cleared.hash)
        if signed is not None:
            return signed
        if self._key.address not in self._committee(cleared.interval)[0]:
            self._tell(
                cleared.interval, f"{self._key.address} is not in this interval's committee: nothing signed"
            )
            return None
        posted = self.follower.followed.posted(cleared, self._config.interval_length)
        if posted.clearing_hash != cleared.hash:
            # A node may have left events out, and have them by now.
            if self._tell(cleared.interval, "some of its records are missing: the chain is followed again"):
                self.follower.start_again()
            return None
        forecast = self._forecasts.forecast(cleared.interval)
        if forecast is None:
            self._tell(cleared.interval, "no forecast yet: nothing signed")
            return None
        forecast = forecast.within(published_limits(self.client, cleared.interval))
        inputs = ReportInputs(self.client.domain, posted, forecast, self._rules)
        judgement = inputs.judge(self._solver)
        signed = self.record.sign_once(
            inputs, judgement, self.client.domain, lambda digest: sign_digest(digest, bytes(self._key.key))
        )
        report = signed.report
        self._tell(
            report.interval,
            f"signed {report.verdict.name.lower()}, {report.volume} Wh, digest {_short(signed.digest)}",
        )
        return signed

    # Reporting

    def _report(self, signed: SignedReport, head: Head) -> None:
        interval = signed.report.interval
        if not self._may_send("report", interval, head):
            return
        members, quorum = self._committee(interval)
        own = Vote(members.index(self._key.address), signed.digest, signed.signature)

        def agreeing(votes: dict[int, Vote]) -> dict[int, Vote]:
            return {own.member: own} | {
                member: vote
                for member, vote in votes.items()
                if vote.digest == signed.digest and member != own.member
            }

        votes = self._peers.collect(
            signed.report.clearing_hash,
            self.client.domain,
            members,
            lambda votes: len(agreeing(votes)) >= quorum,
        )
        for vote in votes.values():
            if vote.digest != signed.digest:
                self._tell(
                    interval,
                    f"member {vote.member} signed another report (digest {_short(vote.digest)}): compare "
                    "feeder files and forecasts",
                )
        chosen = sorted(agreeing(votes))[:quorum]
        if len(chosen) < quorum:
            self._tell(
                interval, f"{len(chosen)} of {len(members)} members agree, {quorum} are needed: asking on"
            )
            return
        signatures = b"".join(agreeing(votes)[member].signature for member in chosen)
        call = self.client.report_call(
            signed.report, signed.decisions, sum(1 << member for member in chosen), signatures
        )
        self._send("report", interval, call, head)

    def _may_send(self, action: str, interval: int, head: Head) -> bool:
        """Whether a call was not sent, or so long ago that it must have got lost."""
        sent = self._sent.get((action, interval))
        return sent is None or not 0 <= head.time - sent < self._patience(interval)

    def _send(self, action: str, interval: int, call: ContractFunction, head: Head) -> None:
        """Hand a call over without waiting for it; what becomes of it the chain will say."""
        if not self._may_send(action, interval, head):
            return
        sender = self.client.sender
        # Another process may have used this key since: the node knows the next nonce.
        self.client.network.nonces.pop(sender.address, None)
        self._sent[action, interval] = head.time
        try:
            transaction = sender.submit(call)
        except ContractReverted as refused:
            # Mostly somebody else was faster, and the chain's next events say so.
            self._tell(interval, f"{action} not needed: {refused}")
            return
        self._tell(interval, f"{action} sent as {_short(transaction)}")

    def _tell(self, interval: int, message: str) -> bool:
        """Say something of an interval, once; whether it was said now."""
        told = self._told.setdefault(interval, set())
        if message in told:
            return False
        told.add(message)
        self._say(f"interval {interval}: {message}")
        return True


def _short(data: bytes) -> str:
    """Enough of a hash for people to tell it from others."""
    return f"{as_hex(data[:4])}…"
