"""What everybody can read of a market from its chain: enough to clear, report, attest and settle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from peerwatt.chain import Deployment, Head, Network
from peerwatt.client.market_follower import MarketFollower, MarketTransaction, Observer
from peerwatt.client.state import BatchData, IntervalState, PostedBatch
from peerwatt.market.interval_ring import Phase
from peerwatt.market.order_book import SkippedOrder
from peerwatt.messages import (
    ROSTER_PAGE,
    ZERO_HASH,
    Clearing,
    EnvelopeLimits,
    SkipReason,
    Verdict,
    decode_limits,
    gated_commitment,
    posted_commitments,
)
from peerwatt.messages.batch_word import GATED_TAG


@dataclass(frozen=True)
class ClearingOnChain:
    """An interval's auction.

    Attributes:
        clearing: the outcome.
        hash: 32 bytes, what a report must name.
        volume: what was matched, Wh.
        time: of its block, s since the epoch.
    """

    clearing: Clearing
    hash: bytes
    volume: int
    time: int


@dataclass
class IntervalView:
    """One interval, as its transactions tell it.

    Attributes:
        number: of the interval.
        envelope: limits of the published operating envelopes, by account, units of 100 W.
        records: of each batch, packed, in posting order.
        cleared: the auction's outcome, once there is one.
        verdict: of the grid gate, once there is one.
        decisions: of each batch that the report names any for, packed.
        attested: whether the metering operator's readings are in.
        readings: of each batch that has any, packed, as they stand.
        settled: the terms word and the clearing word that each settled batch was settled by.
        transactions: all of them.
    """

    number: int
    envelope: dict[int, EnvelopeLimits] = field(default_factory=dict)
    records: list[bytes] = field(default_factory=list)
    cleared: ClearingOnChain | None = None
    verdict: Verdict | None = None
    decisions: dict[int, bytes] = field(default_factory=dict)
    attested: bool = False
    readings: dict[int, bytes] = field(default_factory=dict)
    settled: dict[int, tuple[int, int]] = field(default_factory=dict)
    transactions: list[MarketTransaction] = field(default_factory=list)

    @property
    def is_settled(self) -> bool:
        """Whether every batch is settled."""
        return self.verdict is not None and len(self.settled) == len(self.records)

    def unread(self) -> list[bytes]:
        """The words of the batches before there are readings of them."""
        posted = posted_commitments(self.number, self.records)
        named = [self.decisions.get(batch) for batch in range(len(posted))]
        return [gated_commitment(word, of) if of else word for word, of in zip(posted, named, strict=True)]

    def data(self, batch: int) -> BatchData:
        """A batch as the market wants to see it again."""
        before = posted_commitments(self.number, self.records[:batch])
        return BatchData(
            self.records[batch],
            self.decisions.get(batch, b""),
            self.readings.get(batch, b""),
            before[-1] if before else ZERO_HASH,
        )

    def batches(self) -> Iterator[PostedBatch]:
        """What each transaction that posted orders left behind, in their order."""
        for transaction in self.transactions:
            if transaction.call in ("post", "reveal"):
                yield self.posted_by(transaction)

    def posted_by(self, transaction: MarketTransaction) -> PostedBatch:
        """What a transaction that posted orders left behind."""
        posted = [said for said in transaction.named("BatchPosted") if said["interval"] == self.number]
        batch = int(posted[0]["batch"]) if posted else None
        before = posted_commitments(self.number, self.records[:batch]) if batch else ()
        return PostedBatch(
            batch=batch,
            packed=bytes(posted[0]["records"]) if posted else b"",
            previous=before[-1] if before else ZERO_HASH,
            skipped=tuple(
                SkippedOrder(said["position"], said["participant"], SkipReason(said["reason"]))
                for said in transaction.named("OrderSkipped")
            ),
            gas=transaction.gas,
        )

    def take(self, transaction: MarketTransaction) -> None:
        """Take a transaction in that is about this interval, and maybe about others too."""
        self.transactions.append(transaction)
        for said in transaction.said:
            note = _NOTES.get(said.name)
            if note is not None and said.arguments["interval"] == self.number:
                note(self, transaction, said.arguments)

    def _enveloped(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        first = int(said["page"]) * ROSTER_PAGE
        self.envelope |= dict(enumerate(decode_limits(bytes(said["limits"])), first))

    def _posted(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.records.append(bytes(said["records"]))

    def _cleared(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.cleared = ClearingOnChain(
            Clearing.unpack(said["clearing"]), bytes(said["clearingHash"]), said["volume"], transaction.time
        )

    def _reported(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.verdict = Verdict(said["verdict"])

    def _expired(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.verdict = Verdict.EXPIRED

    def _supplied(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        vectors = self.decisions if said["tag"] == GATED_TAG else self.readings
        vectors[int(said["batch"])] = bytes(said["vector"])

    def _attested(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.attested = True

    def _overruled(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.readings[int(said["batch"])] = bytes(said["readings"])

    def _settled(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        self.settled[int(said["batch"])] = int(said["terms"]), int(said["clearing"])

    def _corrected(self, transaction: MarketTransaction, said: Mapping[str, Any]) -> None:
        batch = int(said["batch"])
        if batch not in self.settled or "newReadings" not in transaction.arguments:
            return
        self.readings[batch] = bytes(transaction.arguments["newReadings"])
        self._settled(transaction, said)


_NOTES = {
    "EnvelopePublished": IntervalView._enveloped,
    "BatchPosted": IntervalView._posted,
    "Cleared": IntervalView._cleared,
    "Reported": IntervalView._reported,
    "Expired": IntervalView._expired,
    "Attested": IntervalView._attested,
    "Supplied": IntervalView._supplied,
    "ReadingsOverruled": IntervalView._overruled,
    "BatchSettled": IntervalView._settled,
    "BatchCorrected": IntervalView._corrected,
}


@dataclass(frozen=True)
class Registered:
    """A participant as the registry has it.

    Attributes:
        order_key: address whose key signs its orders.
        meter_key: address whose key signs its meter's readings.
        limits: of its connection, units of 100 W.
        block: of its registration.
    """

    order_key: str
    meter_key: str
    limits: EnvelopeLimits
    block: int


class MarketView:
    """A market as its chain tells it: who takes part, and the intervals that are not settled or were last.

    Attributes:
        participants: by account.
        intervals: by number.
        keep: how many settled intervals are kept.
        head: the chain's newest block when it was followed last; None before that.
    """

    def __init__(self, network: Network, deployment: Deployment, keep: int, confirmations: int = 0) -> None:
        """
        Args:
            network: the chain.
            deployment: the market's contracts.
            keep: how many settled intervals are kept: as many as may be taken back.
            confirmations: how many blocks must lie on top of one before it is believed.
        """
        self.participants: dict[int, Registered] = {}
        self.intervals: dict[int, IntervalView] = {}
        self.keep = keep
        self.head: Head | None = None
        self._newest_settled = -1
        self._follower = MarketFollower(network, deployment, [self], confirmations)

    def follow(self) -> Head:
        """Catch up with the chain.

        Raises:
            ChainError: the chain does not answer.
        """
        self.head = self._follower.follow()
        return self.head

    @property
    def waits(self) -> str:
        """What it waits for before it tells of newer blocks, one line; empty where nothing."""
        return self._follower.waits

    def knows(self, interval: int) -> bool:
        """Whether it tells everything of an interval that it has followed: it was not forgotten since."""
        return interval > self._newest_settled - self.keep or interval in self.intervals

    def lacks(self, state: IntervalState) -> str:
        """What a contract says of an interval that the followed blocks do not, one line; empty where nothing.

        Args:
            state: of the interval, as the market has it now.
        """
        seen = self.interval(state.number)
        told = (
            ("batches", len(seen.records), state.batches),
            ("clearing", int(seen.cleared is not None), int(state.phase >= Phase.CLEARED)),
            ("verdict", int(seen.verdict is not None), int(state.phase >= Phase.GATED)),
            ("attestation", int(seen.attested), int(state.attested)),
            ("settlements", len(seen.settled), state.settled),
        )
        missing = [f"{what} {known} of {has}" for what, known, has in told if known < has]
        return f"interval {state.number}: seen so far: {', '.join(missing)}" if missing else ""

    def read_again(self) -> None:
        """Read the newest blocks again with the next `follow`: a contract has what they did not tell."""
        self._follower.read_again()

    def tell(self, observer: Observer) -> None:
        """Tell an observer too, after this, of every transaction that comes from now on."""
        self._follower.tell(observer)

    def save(self) -> object:
        """What it knows, for a view of the same chain at the same block."""
        return dict(self.participants), dict(self.intervals)

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave, at the chain's newest block."""
        self.participants, self.intervals = saved
        self._newest_settled = max((n for n, view in self.intervals.items() if view.is_settled), default=-1)
        self._follower.skip()

    def interval(self, number: int) -> IntervalView:
        """One interval; without anything where the chain knows nothing of it."""
        return self.intervals.get(number) or IntervalView(number)

    def take(self, transaction: MarketTransaction) -> None:
        """As `Observer` has it."""
        for said in transaction.named("ParticipantRegistered"):
            self.participants[int(said["index"])] = Registered(
                said["orderKey"],
                said["meterKey"],
                EnvelopeLimits(said["importLimit"], said["exportLimit"]),
                transaction.block,
            )
        for number in transaction.intervals:
            # A correction may be of an interval that was forgotten long ago.
            if not self.knows(number):
                continue
            view = self.intervals.setdefault(number, IntervalView(number))
            view.take(transaction)
            if view.is_settled:
                self._forget(number)

    def take_back(self, block: int) -> None:
        """As `Observer` has it."""
        self.participants = {
            account: found for account, found in self.participants.items() if found.block <= block
        }
        for number, view in list(self.intervals.items()):
            if view.transactions[-1].block > block:
                again = IntervalView(number)
                for transaction in view.transactions:
                    if transaction.block <= block:
                        again.take(transaction)
                self.intervals[number] = again
                if not again.transactions:
                    del self.intervals[number]

    def _forget(self, newest: int) -> None:
        self._newest_settled = max(newest, self._newest_settled)
        for number, view in list(self.intervals.items()):
            if number <= newest - self.keep and view.is_settled:
                del self.intervals[number]
