"""The reference twin of the market contract: the same rules in plain Python, to the Wh and the base unit."""

from collections.abc import Sequence
from dataclasses import replace

from peerwatt.market.accepted import gate
from peerwatt.market.corrections import Corrections
from peerwatt.market.errors import (
    AlreadySettled,
    BadVerdict,
    DecisionsMismatch,
    LossRateTooHigh,
    NotCommitted,
    OldRun,
    OtherClearing,
    SupplierShort,
    VolumeTooLarge,
    WrongPhase,
)
from peerwatt.market.interval_ring import Batch, Phase
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff, require_before, require_from
from peerwatt.market.metering import Metering
from peerwatt.market.settlement import Entries, settle_batch
from peerwatt.market.terms import Terms
from peerwatt.messages import (
    Domain,
    MeterCorrection,
    NetworkReport,
    Verdict,
    decisions_hash,
    metered_commitment,
)


class MarketTwin(Metering):
    """A market in memory: what the contract would do, call by call.

    It is told in chapters under the names of the contract's, each a base class in a file of its own: the
    intervals (``IntervalRing``), money and admission (``MarginAccounts``), posting and clearing
    (``OrderBook``), the meters' readings (``Metering``). The grid's verdict, settlement and correction are
    here.

    Every call checks what the contract checks and raises the error of the same name. The calls that the
    contract binds to a time take ``now`` (Unix time); without it the clock is left out. Two things are the
    chain's alone and not repeated: who sends a transaction, and whether a report bears its committee's
    quorum.

    Attributes:
        corrections: Where corrections are proposed and contested.
    """

    def __init__(
        self,
        config: MarketConfig,
        tariff: Tariff,
        domain: Domain,
        metering_operator: str,
        *,
        check_signatures: bool = True,
    ) -> None:
        super().__init__(config, tariff, domain, metering_operator, check_signatures=check_signatures)
        self.corrections = Corrections(self)

    def report(
        self, report: NetworkReport, decisions: Sequence[bytes] = (), *, now: int | None = None
    ) -> None:
        """Apply the oracle committee's verdict on a clearing.

        Args:
            report: The report.
            decisions: None, or one packed string per batch.
            now: Unix time, or None to leave the clock out.

        Raises:
            WrongPhase: The interval is not cleared, or has a verdict already.
            TooLate: The report's deadline has passed.
            OtherClearing: The report judges another outcome.
            LossRateTooHigh: It charges more than the market's maximum.
            VolumeTooLarge: It would accept more than was matched.
            BadVerdict: Its verdict is none that a committee gives, or its volume contradicts it.
            DecisionsMismatch: The decisions are not those that it carries the hash of, or it curtails without
                any.
            BatchCountMismatch: There is not one string of decisions per batch.
            VectorTooLong: A string is longer than that of a full batch.
        """
        state = self._in_phase(report.interval, Phase.CLEARED)
        require_before(self.config.report_deadline(report.interval), now)
        if report.clearing_hash != state.clearing_hash:
            raise OtherClearing(
                f"The report judges {report.clearing_hash.hex()}: interval {state.number} cleared to "
                f"{state.clearing_hash.hex()}."
            )
        if report.loss_rate > self.config.max_loss_rate:
            raise LossRateTooHigh(
                f"The report charges {report.loss_rate} ppm: at most {self.config.max_loss_rate} are allowed."
            )
        _check_verdict(report, state.volume, has_decisions=bool(decisions))
        self._check_decisions(report, decisions, len(state.batches))

        if decisions:
            for batch, packed in zip(state.batches, decisions, strict=True):
                # An empty string commits to nothing, so that the batch can be settled without one.
                batch.decisions = packed or None
        state.gated = gate(state.book, state.cleared, report.verdict, report.volume)
        state.verdict = Verdict(report.verdict)
        state.volume = report.volume
        state.loss_rate = report.loss_rate
        state.phase = Phase.GATED

    def expire(self, interval: int, *, now: int | None = None) -> None:
        """Move on when the committee was silent: nothing is accepted, everybody is on the grid tariff.

        Raises:
            WrongPhase: The interval is not cleared, or has a verdict already.
            TooEarly: The committee may still report.
        """
        state = self._in_phase(interval, Phase.CLEARED)
        require_from(self.config.report_deadline(interval), now)
        state.expire()

    def settle(self, interval: int, batch: int, *, now: int | None = None) -> tuple[Entries, ...]:
        """Settle one batch, also of an interval that was left behind.

        Returns:
            What was booked, per order.

        Raises:
            WrongPhase: The interval has no verdict yet.
            SupplierShort: Nobody's margin stands for it any more, and the supplier could not bear it.
            TooEarly: Readings may still change.
            UnknownBatch: The interval has no such batch.
            AlreadySettled: The batch was settled before.
        """
        state = self._gated(interval)
        require_from(self.config.readings_deadline(interval), now)
        target = state.batch(batch)
        if target.settled:
            raise AlreadySettled(f"Batch {batch} of interval {interval} is settled: correct it instead.")
        entries = self._settlement(target, target.readings or b"", state.terms)
        if self._is_late(interval, now):
            self._book_outside_margins(target, entries)
        else:
            self._book(target, entries)
        target.settled = state.terms
        return entries

    def give_up(self, interval: int, *, now: int | None = None) -> None:
        """Give up what is left to settle of an interval that was left behind.

        Raises:
            WrongPhase: No such interval was left behind.
            TooEarly: Its correction deadline has not passed.
        """
        place = interval % self.config.batch_ring
        left = self._left.get(place)
        if left is None or left.number != interval:
            raise WrongPhase(f"Interval {interval} was not left behind: settle it.")
        require_from(self.config.correction_deadline(interval), now)
        left.forgotten = True
        del self._left[place]

    def correct(
        self, interval: int, batch: int, run: int, delivered: int, readings: bytes, *, now: int | None = None
    ) -> tuple[Entries, ...]:
        """Book the difference that a proposed correction makes to a settled batch.

        The first settlement and its corrections together equal a settlement with the newest readings,
        exactly.

        Args:
            interval: The delivery period.
            batch: Number of the batch in it.
            run: Number of the settlement run, higher than any that the batch was settled by.
            delivered: Peer energy delivered by the corrected readings, Wh; what exceeds the accepted volume
                is credited to nobody.
            readings: The corrected readings of the batch, packed.
            now: Unix time, or None to leave the clock out.

        Returns:
            What was booked, per order.

        Raises:
            NotCommitted: The batch is not settled, or there is none.
            OldRun: The batch was settled by this run or a higher one.
            NotProposed: Nobody has proposed the correction.
            IsCancelled: The operator has cancelled it.
            NotAttestedByOperator: Who proposed it is not the metering operator any more.
            TooEarly: Meters may still contradict it.
            TooLate: The time for booking it is over.
            NotInCorrection: There is not one reading for every order of the batch.
            MeterSignedReading: The correction would change what a meter signed.
            ContestedReading: A meter says otherwise.
            AboveCorrectionCap: It moves more than corrections may today.
            SupplierShort: It would take the supplier below its margin.
        """
        target, old = self._settled_batch(interval, batch)
        if run <= old.run:
            raise OldRun(
                f"Run {run} of interval {interval} is not above {old.run}, which settled batch {batch}:"
                " give a higher one."
            )
        metered = metered_commitment(target.unread, readings) if readings else target.unread
        self.corrections.require_in_force(MeterCorrection(interval, batch, run, metered, delivered), now)
        self.corrections.require_readings(interval, target, readings)

        new = replace(old, delivered=delivered, run=run)
        before = self._settlement(target, target.readings or b"", old)
        after = self._settlement(target, readings, new)
        difference = tuple(late - early for late, early in zip(after, before, strict=True))
        counted = self.corrections.counted(difference, now)
        self._book_outside_margins(target, difference)
        self.corrections.moved = counted
        target.readings, target.settled = readings, new
        return difference

    def _check_decisions(self, report: NetworkReport, decisions: Sequence[bytes], batches: int) -> None:
        """Refuse decisions that are not those that the report was signed over."""
        if decisions:
            self._require_vectors(decisions, batches, "decisions")
        if decisions_hash(decisions) != report.decisions_hash:
            raise DecisionsMismatch(
                f"The decisions hash to {decisions_hash(decisions).hex()}: "
                f"the report carries {report.decisions_hash.hex()}."
            )

    def _settled_batch(self, interval: int, number: int) -> tuple[Batch, Terms]:
        """A batch and what it was last settled by."""
        state = self._intervals.get(interval)
        batch = state.batches[number] if state and number < len(state.batches) else None
        if batch is None or batch.settled is None:
            raise NotCommitted(f"Batch {number} of interval {interval} is not settled: settle it first.")
        return batch, batch.settled

    def _settlement(self, batch: Batch, readings: bytes, terms: Terms) -> tuple[Entries, ...]:
        return settle_batch(
            batch.records, batch.decisions or b"", readings, self._limits(batch), terms, self.config
        )

    def _book(self, batch: Batch, entries: Sequence[Entries]) -> None:
        accounts = [record.participant for record in batch.records]
        self.ledger.book_all(zip(accounts, entries, strict=True))

    def _book_outside_margins(self, batch: Batch, difference: Sequence[Entries]) -> None:
        """Book what no margin stands for, unless it takes the supplier below its own, or further below it."""
        before = self.free_balance(SystemAccount.SUPPLIER)
        self._book(batch, difference)
        free = self.free_balance(SystemAccount.SUPPLIER)
        if free < min(0, before):
            self._book(batch, [Entries() - entries for entries in difference])
            raise SupplierShort(
                f"It would leave the supplier {-free} base units below its margin: deposit them first."
            )


def _check_verdict(report: NetworkReport, matched: int, *, has_decisions: bool) -> None:
    """Refuse a verdict and a volume that do not go together, or that add to what was matched."""
    most = 0 if report.verdict == Verdict.VOID else matched
    if report.volume > most:
        raise VolumeTooLarge(f"The report accepts {report.volume} Wh: {most} is the most that it can.")
    if report.verdict not in (Verdict.ACCEPT, Verdict.CAP, Verdict.CURTAIL, Verdict.VOID):
        raise BadVerdict(f"The report's verdict is {report.verdict}: use accept, cap, curtail or void.")
    if report.verdict == Verdict.ACCEPT and report.volume != matched:
        raise BadVerdict(f"The report accepts {report.volume} of {matched} Wh: accept all of it, or cap.")
    if report.verdict == Verdict.CURTAIL and not has_decisions:
        raise DecisionsMismatch("The report curtails without decisions: give one packed string per batch.")
