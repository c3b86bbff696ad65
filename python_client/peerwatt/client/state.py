"""What a market says of an interval, decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace

from peerwatt.market.interval_ring import Phase
from peerwatt.market.order_book import SkippedOrder
from peerwatt.messages import (
    ZERO_HASH,
    Clearing,
    Record,
    TermsWord,
    decode_records,
    gated_commitment,
    posted_commitment,
)


@dataclass(frozen=True)
class IntervalState:
    """Where an interval stands on chain.

    Attributes:
        number: the interval.
        phase: how far it has come.
        attested: whether the metering operator's readings are in.
        batches: how many batches were posted.
        settled: how many of them are settled.
        terms_word: what it is settled by, packed; what the gate decides has no value before it, and its place
            holds what `peerwatt.messages.terms` draws.
        clearing_word: the auction's outcome as the gate left it, packed.
    """

    number: int
    phase: Phase
    attested: bool
    batches: int
    settled: int
    terms_word: int
    clearing_word: int

    @property
    def terms(self) -> TermsWord:
        """The terms, decoded."""
        terms = TermsWord.unpack(self.terms_word)
        if self.phase == Phase.GATED:
            return terms
        matched = 0 if self.phase == Phase.OPEN else terms.volume
        return replace(terms, volume=matched, delivered=0, loss_rate=0)

    @property
    def accounts(self) -> int | None:
        """How many accounts the interval knows; None once it is cleared, when nobody needs it any more."""
        return TermsWord.unpack(self.terms_word).volume if self.phase == Phase.OPEN else None

    @property
    def clearing(self) -> Clearing:
        """The clearing, decoded."""
        return Clearing.unpack(self.clearing_word)


@dataclass(frozen=True)
class ClearedAuction:
    """What the auction came to.

    Attributes:
        clearing: the outcome.
        volume: what was matched, Wh.
        clearing_hash: 32 bytes, what a report must name.
        gas: what the transaction used.
    """

    clearing: Clearing
    volume: int
    clearing_hash: bytes
    gas: int


@dataclass(frozen=True)
class BatchData:
    """What a call supplies again of a batch; the market checks it against its commitment.

    Attributes:
        records: as the batch was posted.
        decisions: the report's, empty when it carried none.
        readings: as they stand, empty when there are none.
        previous: 32 bytes, the commitment to the batch before as it was posted; zero for the first.
    """

    records: bytes
    decisions: bytes = b""
    readings: bytes = b""
    previous: bytes = ZERO_HASH

    def unread(self, interval: int, batch: int) -> bytes:
        """32 bytes, the batch's word before there are readings of it."""
        posted = posted_commitment(interval, batch, self.previous, self.records)
        return gated_commitment(posted, self.decisions) if self.decisions else posted

    @property
    def abi(self) -> tuple[bytes, bytes, bytes, bytes]:
        """As the contract's struct."""
        return self.records, self.decisions, self.readings, self.previous


@dataclass(frozen=True)
class PostedBatch:
    """What a transaction that posts orders left behind.

    Attributes:
        batch: number of the batch in its interval; None when every order was skipped.
        packed: the records as the market committed to them.
        previous: 32 bytes, the commitment to the batch before as it was posted; zero for the first.
        skipped: orders that were left out.
        gas: what the transaction used.
    """

    batch: int | None
    packed: bytes
    previous: bytes
    skipped: tuple[SkippedOrder, ...]
    gas: int

    @property
    def records(self) -> tuple[Record, ...]:
        """The records, decoded."""
        return decode_records(self.packed) if self.packed else ()

    @property
    def data(self) -> BatchData:
        """The batch as it is supplied again, while the report and the meters have added nothing."""
        return BatchData(self.packed, previous=self.previous)
