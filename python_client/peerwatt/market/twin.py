"""The reference twin of the market contract: the same rules in plain Python, to the Wh and the base unit."""

from collections.abc import Sequence
from dataclasses import replace

from peerwatt.market.errors import (
    AlreadySettled,
    MeterSignedReading,
    NotCommitted,
    NotInCorrection,
    OldRun,
    SupplierShort,
)
from peerwatt.market.interval import Batch, Correction, Phase
from peerwatt.market.metered_market import FIRST_RUN, MeteredMarket, batch_of
from peerwatt.market.metering import readings_of
from peerwatt.market.settlement import Entries, settle_batch
from peerwatt.market.terms import Terms
from peerwatt.messages import ReadingStatus


class MarketTwin(MeteredMarket):
    """A market in memory: what the contract would do, call by call.

    The life of an interval is told in four chapters, each a base class in a file of its own: money and
    admission (``MarginAccounts``), posting and clearing (``OrderBook``), the grid's verdict (``ReportGate``),
    the meters' readings (``MeteredMarket``). Settlement and correction are here.

    Every call checks what the contract checks and raises the error of the same name. The calls that the
    contract binds to a time take ``now`` (Unix time); without it the clock is left out. Two things are the
    chain's alone and not repeated: who sends a transaction, and whether a report bears its committee's
    quorum.
    """

    def settle(self, interval: int, batch: int, *, now: int | None = None) -> tuple[Entries, ...]:
        """Settle one batch.

        Returns:
            What was booked, per order.

        Raises:
            WrongPhase: The interval has no verdict yet.
            TooEarly: Readings may still change.
            UnknownBatch: The interval has no such batch.
            AlreadySettled: The batch was settled before.
        """
        state = self._in_phase(interval, Phase.GATED)
        self._require_from(self.config.readings_deadline(interval), now)
        target = batch_of(state, batch)
        if target.settled:
            raise AlreadySettled(f"Batch {batch} of interval {interval} is settled: correct it instead.")
        entries = self._settlement(target, target.readings or b"", state.terms)
        self._book(target, entries)
        target.settled = state.terms
        return entries

    def attest_correction(
        self,
        interval: int,
        run: int,
        readings: Sequence[bytes],
        delivered: int,
        signature: bytes = b"",
        *,
        now: int | None = None,
    ) -> None:
        """Take the metering operator's corrected readings of an interval.

        Args:
            interval: The delivery period.
            run: Number of the settlement run, higher than any before it.
            readings: One packed string per batch.
            delivered: Peer energy delivered by them, Wh; what exceeds the accepted volume is credited to
                nobody.
            signature: The operator's, over the ``MeterAttestation`` of that run.
            now: Unix time, or None to leave the clock out.

        Raises:
            WrongPhase: The interval was never opened.
            OldRun: The run is not higher than the last.
            TooEarly: The first readings may still change.
            TooLate: The correction deadline has passed.
            NotAttestedByOperator: The signature is not the metering operator's.
        """
        state = self.interval(interval)
        latest = state.correction.run if state.correction else FIRST_RUN
        if run <= latest:
            raise OldRun(
                f"Run {run} of interval {interval} is not above {latest}, the latest: give a higher one."
            )
        self._require_from(self.config.readings_deadline(interval), now)
        self._require_before(self.config.correction_deadline(interval), now)
        self._require_attested(interval, run, readings, delivered, signature)
        state.correction = Correction(run, tuple(readings), delivered)

    def correct(self, interval: int, batch: int) -> tuple[Entries, ...]:
        """Book the difference that the newest corrected readings make to a settled batch.

        The first settlement and its corrections together equal a settlement with the newest readings,
        exactly.

        Returns:
            What was booked, per order.

        Raises:
            WrongPhase: The interval was never opened.
            UnknownBatch: It has no such batch.
            NotCommitted: The batch is not settled.
            OldRun: There is no correction newer than what the batch was last settled by.
            NotInCorrection: The correction has no readings for the batch.
            MeterSignedReading: The correction would change what a meter signed.
            SupplierShort: The supplier could not bear it.
        """
        state = self.interval(interval)
        target = batch_of(state, batch)
        old, correction = target.settled, state.correction
        if old is None:
            raise NotCommitted(f"Batch {batch} of interval {interval} is not settled: settle it first.")
        if correction is None or correction.run <= old.run:
            raise OldRun(
                f"Batch {batch} of interval {interval} is settled by run {old.run}, and none is newer."
            )
        if batch >= len(correction.readings):
            raise NotInCorrection(
                f"Run {correction.run} of interval {interval} has no readings for batch {batch}."
            )
        readings = correction.readings[batch]
        _require_signed_kept(target, readings)

        new = replace(old, delivered=correction.delivered, run=correction.run)
        before = self._settlement(target, target.readings or b"", old)
        after = self._settlement(target, readings, new)
        difference = tuple(late - early for late, early in zip(after, before, strict=True))
        self._book_correction(target, difference)
        target.readings, target.settled = readings, new
        return difference

    def _settlement(self, batch: Batch, readings: bytes, terms: Terms) -> tuple[Entries, ...]:
        return settle_batch(
            batch.records, batch.decisions or b"", readings, self._limits(batch), terms, self.config
        )

    def _book(self, batch: Batch, entries: Sequence[Entries]) -> None:
        accounts = [record.participant for record in batch.records]
        self.ledger.book_all(zip(accounts, entries, strict=True))

    def _book_correction(self, batch: Batch, difference: Sequence[Entries]) -> None:
        """Book a correction unless it would push the supplier into debt, or deeper into it."""
        before = self.ledger.supplier_equity
        self._book(batch, difference)
        equity = self.ledger.supplier_equity
        if equity < min(0, before):
            self._book(batch, [Entries() - entries for entries in difference])
            raise SupplierShort(
                f"The correction would leave the supplier at {equity} base units: deposit them first."
            )


def _require_signed_kept(batch: Batch, readings: bytes) -> None:
    """Refuse corrected readings that differ where a meter signed."""
    orders = len(batch.records)
    both = zip(readings_of(batch.readings or b"", orders), readings_of(readings, orders), strict=True)
    for position, (old, new) in enumerate(both):
        if old.status == ReadingStatus.METER_SIGNED and new != old:
            raise MeterSignedReading(
                f"Position {position} was signed by its meter: repeat its reading in the correction."
            )
