"""The meters' say: attested readings of an interval, and meters that overrule them."""

from collections.abc import Sequence
from typing import Final

from peerwatt.market.config import MarketConfig, Tariff
from peerwatt.market.errors import (
    AlreadyAttested,
    MeterSignedReading,
    NotAttestedByOperator,
    UnknownBatch,
    VolumeTooLarge,
)
from peerwatt.market.interval import Batch, Interval, Phase
from peerwatt.market.metering import EnergyLimits, readings_of
from peerwatt.market.report_gate import ReportGate
from peerwatt.market.settlement import delivered_by_batch
from peerwatt.messages import (
    MAX_READING,
    READING_LENGTH,
    Domain,
    MeterAttestation,
    Reading,
    ReadingStatus,
    SignedReading,
    decode_readings,
    encode_readings,
    readings_hash,
    require_ascending,
)

FIRST_RUN: Final = 1
"""Number of the settlement run that corrections correct."""


class MeteredMarket(ReportGate):
    """Readings.

    Attributes:
        metering_operator: Address whose key signs attestations.
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
        super().__init__(config, tariff, domain, check_signatures=check_signatures)
        self.metering_operator = metering_operator

    def attest(
        self,
        interval: int,
        readings: Sequence[bytes],
        delivered: int,
        signature: bytes = b"",
        *,
        now: int | None = None,
    ) -> None:
        """Take the metering operator's readings of all batches.

        Args:
            interval: The delivery period.
            readings: One packed string per batch.
            delivered: Peer energy delivered by them, Wh.
            signature: The operator's, over the ``MeterAttestation`` of run 1.
            now: Unix time, or None to leave the clock out.

        Raises:
            WrongPhase: The interval has no verdict yet.
            TooEarly: Delivery is not over.
            TooLate: The attestation's deadline has passed.
            AlreadyAttested: It was attested before.
            VolumeTooLarge: More is claimed than was accepted.
            BatchCountMismatch: There is not one string per batch.
            VectorTooLong: A string has more entries than there are accounts.
            NotAttestedByOperator: The signature is not the metering operator's.
            MeterSignedReading: A reading claims its meter's signature.
        """
        state = self._in_phase(interval, Phase.GATED)
        self._require_from(self.config.end(interval), now)
        self._require_before(self.config.attest_deadline(interval), now)
        if state.attested:
            raise AlreadyAttested(f"Interval {interval} is attested: correct it after its settlement.")
        if delivered > state.volume:
            raise VolumeTooLarge(f"{delivered} Wh are claimed as delivered: {state.volume} were accepted.")
        self._require_vectors(readings, len(state.batches), "readings")
        self._require_attested(interval, FIRST_RUN, readings, delivered, signature)
        for packed in readings:
            _require_unsigned(packed)

        for batch, packed in zip(state.batches, readings, strict=True):
            # An empty string commits to nothing: all of the batch's readings are missing.
            batch.readings = packed or None
        state.attested = True
        state.delivered = delivered

    def overrule(
        self, interval: int, batch: int, signed: Sequence[SignedReading], *, now: int | None = None
    ) -> tuple[int, ...]:
        """Replace readings of one batch by what the meters themselves signed.

        A meter speaks once: an entry that is meter-signed already stays. So does one whose new reading is not
        signed by its meter, or does not fit a packed reading.

        Args:
            interval: The delivery period.
            batch: Number of the batch in it.
            signed: The meters' readings, positions strictly ascending.
            now: Unix time, or None to leave the clock out.

        Returns:
            The positions that were skipped.

        Raises:
            WrongPhase: The interval has no verdict yet.
            TooEarly: The metering operator may still attest.
            TooLate: The readings' deadline has passed.
            UnknownBatch: The interval has no such batch.
            CodecError: The positions do not ascend strictly.
        """
        state = self._in_phase(interval, Phase.GATED)
        opens = self.config.end(interval) if state.attested else self.config.attest_deadline(interval)
        self._require_from(opens, now)
        self._require_before(self.config.readings_deadline(interval), now)
        target = batch_of(state, batch)
        require_ascending(signed)

        readings = list(readings_of(target.readings or b"", len(target.records)))
        skipped = []
        for new in signed:
            if self._may_overrule(state, target, readings, new):
                readings[new.position] = Reading(ReadingStatus.METER_SIGNED, new.imported, new.exported)
            else:
                skipped.append(new.position)

        before = self._delivered(target, state)
        target.readings = encode_readings(readings)
        change = self._delivered(target, state) - before
        # An attestation may have claimed anything up to the volume: what it leaves no room for is not
        # credited.
        state.delivered = max(0, min(state.delivered + change, state.volume))
        return tuple(skipped)

    def _require_attested(
        self, interval: int, run: int, readings: Sequence[bytes], delivered: int, signature: bytes
    ) -> None:
        attestation = MeterAttestation(interval, run, readings_hash(readings), delivered)
        if not self._is_signed(attestation, signature, self.metering_operator):
            raise NotAttestedByOperator(
                f"Run {run} of interval {interval} is not signed by {self.metering_operator}."
            )

    def _may_overrule(
        self, state: Interval, batch: Batch, readings: Sequence[Reading], new: SignedReading
    ) -> bool:
        if new.position >= len(batch.records) or max(new.imported, new.exported) > MAX_READING:
            return False
        if readings[new.position].status == ReadingStatus.METER_SIGNED:
            return False
        account = batch.records[new.position].participant
        message = new.message(state.number, account)
        return self._is_signed(message, new.signature, self.participant(account).meter_key)

    def _delivered(self, batch: Batch, state: Interval) -> int:
        """Peer energy that the batch's sellers delivered by its readings, Wh."""
        return delivered_by_batch(
            batch.records,
            batch.decisions or b"",
            batch.readings or b"",
            self._limits(batch),
            state.terms,
            self.config,
        )

    def _limits(self, batch: Batch) -> tuple[EnergyLimits, ...]:
        return tuple(self.energy_limits(record.participant) for record in batch.records)


def _require_unsigned(packed: bytes) -> None:
    """Refuse readings that claim a meter's signature: only ``overrule`` sees one."""
    whole = len(packed) // READING_LENGTH * READING_LENGTH
    for position, reading in enumerate(decode_readings(packed[:whole])):
        if reading.status == ReadingStatus.METER_SIGNED:
            raise MeterSignedReading(
                f"Position {position} is marked as signed by its meter: attest it as attested."
            )


def batch_of(state: Interval, number: int) -> Batch:
    """A batch by its number.

    Raises:
        UnknownBatch: The interval has no such batch.
    """
    if not 0 <= number < len(state.batches):
        raise UnknownBatch(
            f"Interval {state.number} has {len(state.batches)} batches: there is no batch {number}."
        )
    return state.batches[number]
