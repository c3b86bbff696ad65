"""The grid gate of a market: the committee's report, or its silence, decides what of a clearing stands."""

from collections.abc import Sequence

from peerwatt.market.errors import (
    BadVerdict,
    BatchCountMismatch,
    DecisionsMismatch,
    LossRateTooHigh,
    OtherClearing,
    VectorTooLong,
    VolumeTooLarge,
)
from peerwatt.market.gate import gate
from peerwatt.market.interval import Phase
from peerwatt.market.order_book import OrderBook
from peerwatt.messages import DECISION_LENGTH, NetworkReport, Verdict, decisions_hash


class ReportGate(OrderBook):
    """Reporting.

    Whether a report bears the signatures of its committee's quorum is the chain's to check: here it does.
    """

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
            VolumeTooLarge: It would let more stand than was matched.
            BadVerdict: Its verdict is none that a committee gives, or its volume contradicts it.
            DecisionsMismatch: The decisions are not those that it carries the hash of, or it curtails without
                any.
            BatchCountMismatch: There is not one string of decisions per batch.
            VectorTooLong: A string has more entries than there are accounts.
        """
        state = self._in_phase(report.interval, Phase.CLEARED)
        self._require_before(self.config.report_deadline(report.interval), now)
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
        self._require_from(self.config.report_deadline(interval), now)
        state.verdict = Verdict.EXPIRED
        state.volume = 0
        state.phase = Phase.GATED

    def _check_decisions(self, report: NetworkReport, decisions: Sequence[bytes], batches: int) -> None:
        """Refuse decisions that are not those that the report was signed over."""
        if decisions:
            self._require_vectors(decisions, batches, "decisions")
        if decisions_hash(decisions) != report.decisions_hash:
            raise DecisionsMismatch(
                f"The decisions hash to {decisions_hash(decisions).hex()}: "
                f"the report carries {report.decisions_hash.hex()}."
            )

    def _require_vectors(self, vectors: Sequence[bytes], batches: int, what: str) -> None:
        """Refuse packed strings that are not one per batch, or that no batch can be as long as.

        What could be taken but not supplied again would leave its batch unsettled.

        Raises:
            BatchCountMismatch: There are more or fewer.
            VectorTooLong: One has more entries than there are accounts.
        """
        if len(vectors) != batches:
            raise BatchCountMismatch(
                f"{len(vectors)} strings of {what} for {batches} batches: give one for each."
            )
        most = len(self.ledger) * DECISION_LENGTH
        for batch, packed in enumerate(vectors):
            if len(packed) > most:
                raise VectorTooLong(
                    f"The {what} of batch {batch} have {len(packed)} bytes: at most {most} make sense."
                )


def _check_verdict(report: NetworkReport, matched: int, *, has_decisions: bool) -> None:
    """Refuse a verdict and a volume that do not go together, or that add to what was matched."""
    most = 0 if report.verdict == Verdict.VOID else matched
    if report.volume > most:
        raise VolumeTooLarge(f"The report lets {report.volume} Wh stand: {most} is the most that it can.")
    if report.verdict not in (Verdict.ACCEPT, Verdict.CAP, Verdict.CURTAIL, Verdict.VOID):
        raise BadVerdict(f"The report's verdict is {report.verdict}: use accept, cap, curtail or void.")
    if report.verdict == Verdict.ACCEPT and report.volume != matched:
        raise BadVerdict(f"The report accepts {report.volume} of {matched} Wh: accept all of it, or cap.")
    if report.verdict == Verdict.CURTAIL and not has_decisions:
        raise DecisionsMismatch("The report curtails without decisions: give one packed string per batch.")
