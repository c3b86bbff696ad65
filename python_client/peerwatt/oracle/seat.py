"""A member's seat in the committee: whose turn it is, who agrees with it, and calls that nobody waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from peerwatt.chain import Call, ContractReverted
from peerwatt.client import Head, MarketClient
from peerwatt.messages.signature import sign_digest
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.oracle.votes import Enough, Vote

log: Final = logging.getLogger(__name__)

Collect = Callable[[list[ChecksumAddress], Enough], list[Vote]]
"""Asks the peers for a committee's votes until they suffice."""


@dataclass(frozen=True)
class Habits:
    """How a member behaves.

    Attributes:
        patience_s: how long it lets the members before it in turn try, s of the chain's clock.
        advance: whether it also clears and expires intervals, so that the market goes on.
        envelope_lead_s: how long before gate closure it signs and publishes operating envelopes, s.
    """

    patience_s: int = 30
    advance: bool = True
    envelope_lead_s: int = 300


class Seat:
    """One member's.

    Attributes:
        client: the market, through the member's key.
        config: of the market.
        habits: of the member.
    """

    def __init__(self, client: MarketClient, key: LocalAccount, habits: Habits) -> None:
        self.client = client
        self.config = client.config()
        self.habits = habits
        self._key = key
        self._committees: dict[int, tuple[list[ChecksumAddress], int]] = {}
        self._sent: dict[tuple[str, int], int] = {}
        self._told: dict[int, dict[str, None]] = {}

    def keep(self, intervals: Collection[int], reorganised: bool) -> None:
        """Forget everything but these intervals, and after a reorganisation what was sent for them too."""
        self._committees = {n: known for n, known in self._committees.items() if n in intervals}
        self._told = {n: known for n, known in self._told.items() if n in intervals}
        self._sent = {
            sent: time for sent, time in self._sent.items() if sent[1] in intervals and not reorganised
        }

    def committee(self, interval: int) -> list[ChecksumAddress]:
        """The keys at the gate, in the order of their bits."""
        return self._committee(interval)[0]

    def _committee(self, interval: int) -> tuple[list[ChecksumAddress], int]:
        if interval not in self._committees:
            self._committees[interval] = self.client.committee(interval)
        return self._committees[interval]

    def taken(self, interval: int) -> bool:
        """Whether the member is in an interval's committee; said once where it is not."""
        if self._key.address in self.committee(interval):
            return True
        self.tell(interval, f"{self._key.address} is not in this interval's committee: nothing signed")
        return False

    def sign(self, digest: bytes) -> bytes:
        """The member's signature, 64 bytes."""
        return sign_digest(digest, bytes(self._key.key))

    # Turns

    def turn_s(self, interval: int, window_s: int) -> int:
        """How long one turn lasts, s: everyone must have one in a window, and time be left at its end."""
        return min(self.habits.patience_s, window_s // (len(self.committee(interval)) + 1))

    def my_turn(self, interval: int, since: int, turn_s: int, head: Head) -> bool:
        """Whether those who come before in this interval have had their time since some moment."""
        members = self.committee(interval)
        if self._key.address not in members:
            return False
        before = (members.index(self._key.address) - interval) % len(members)
        return head.time >= since + before * turn_s

    # Agreement

    def quorum(
        self, interval: int, what: str, digest: bytes, signature: bytes, collect: Collect
    ) -> tuple[int, bytes] | None:
        """The signatures of as many members as the gate asks for, under what this one signed.

        Args:
            interval: of the message.
            what: it is, for people.
            digest: of the message.
            signature: the member's own.
            collect: asks the others.

        Returns:
            Their bits and their signatures in member order; None while too few agree.
        """
        members, quorum = self._committee(interval)
        own = Vote(members.index(self._key.address), digest, signature)

        def agreeing(votes: Iterable[Vote]) -> dict[int, Vote]:
            return {vote.member: vote for vote in (*votes, own) if vote.digest == digest}

        votes = collect(members, lambda votes: len(agreeing(votes)) >= quorum)
        same = agreeing(votes)
        for vote in votes:
            if vote.member not in same:
                self.tell(
                    interval,
                    f"member {vote.member} signed another {what} (digest {short(vote.digest)}): compare "
                    "feeder files and forecasts",
                )
        chosen = sorted(same)[:quorum]
        if len(chosen) < quorum:
            self.tell(
                interval,
                f"{len(chosen)} of {len(members)} members agree, {quorum} are needed for the {what}: "
                "asking on",
            )
            return None
        return sum(1 << member for member in chosen), b"".join(same[member].signature for member in chosen)

    # Calls

    def may_send(self, action: str, interval: int, turn_s: int, head: Head) -> bool:
        """Whether a call was not sent, or so long ago that it must have got lost."""
        sent = self._sent.get((action, interval))
        return sent is None or not 0 <= head.time - sent < turn_s

    def send(self, action: str, interval: int, call: Call, turn_s: int, head: Head) -> None:
        """Hand a call over without waiting for it; what becomes of it the chain will say."""
        if not self.may_send(action, interval, turn_s, head):
            return
        sender = self.client.sender
        # Another process may have used this key since: the node knows the next nonce.
        self.client.network.nonces.pop(sender.address, None)
        self._sent[action, interval] = head.time
        try:
            transaction = sender.submit(call)
        except ContractReverted as refused:
            # Mostly somebody else was faster, and the chain's next events say so.
            self.tell(interval, f"{action} not needed: {refused}")
            return
        self.tell(interval, f"{action} sent as {short(transaction)}")

    def last_told(self, interval: int) -> str:
        """What was said last of an interval; empty where nothing was."""
        return next(reversed(self._told.get(interval, {})), "")

    def tell(self, interval: int, message: str) -> bool:
        """Say something of an interval, once; whether it was said now."""
        told = self._told.setdefault(interval, {})
        if message in told:
            return False
        told[message] = None
        log.info("interval %d: %s", interval, message)
        return True


def short(data: bytes) -> str:
    """Enough of a hash for people to tell it from others."""
    return f"{as_hex(data[:4])}…"
