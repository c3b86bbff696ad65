"""The readings of an interval: attested by the metering operator, overruled by what meters signed."""

from collections.abc import Sequence

from peerwatt.addresses import checked_address
from peerwatt.market.errors import (
    AlreadyAttested,
    BatchCountMismatch,
    MeterSignedReading,
    NotAttestedByOperator,
    VectorTooLong,
    VolumeTooLarge,
)
from peerwatt.market.interval_ring import Batch, Interval, Phase
from peerwatt.market.market_rules import MarketConfig, Tariff, require_before, require_from
from peerwatt.market.order_book import OrderBook
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.settlement import delivered_by_batch, readings_of
from peerwatt.market.signed_readings import overrule
from peerwatt.messages import (
    DECISION_LENGTH,
    READING_LENGTH,
    Domain,
    MeterAttestation,
    MeterCorrection,
    MeterReading,
    ReadingStatus,
    SignedReading,
    decode_readings,
    encode_readings,
    metered_hash,
    require_ascending,
)


class Metering(OrderBook):
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
        self.metering_operator = metering_operator and checked_address(metering_operator, "metering operator")

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
            signature: The operator's, over the ``MeterAttestation``.
            now: Unix time, or None to leave the clock out.

        Raises:
            WrongPhase: The interval has no verdict yet.
            TooEarly: Delivery is not over.
            TooLate: The attestation's deadline has passed.
            AlreadyAttested: It was attested before.
            VolumeTooLarge: More is claimed than was accepted.
            BatchCountMismatch: There is not one string per batch.
            VectorTooLong: A string is longer than that of a full batch.
            NotAttestedByOperator: The signature is not the metering operator's.
            MeterSignedReading: A reading claims its meter's signature.
        """
        state = self._in_phase(interval, Phase.GATED)
        require_from(self.config.end(interval), now)
        require_before(self.config.attest_deadline(interval), now)
        if state.attested:
            raise AlreadyAttested(f"Interval {interval} is attested: correct it after its settlement.")
        if delivered > state.volume:
            raise VolumeTooLarge(f"{delivered} Wh are claimed as delivered: {state.volume} were accepted.")
        self._require_vectors(readings, len(state.batches), "readings")
        metered = metered_hash((batch.unread for batch in state.batches), readings)
        self.require_attested(MeterAttestation(interval, metered, delivered), signature)
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

        A reading is replaced once: an entry that is meter-signed already is kept. It is also kept when the
        new reading is not signed by its meter, or does not fit a packed reading.

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
        require_from(opens, now)
        require_before(self.config.readings_deadline(interval), now)
        target = state.batch(batch)
        require_ascending(signed)

        def is_signed(new: SignedReading) -> bool:
            account = target.records[new.position].participant
            return self.is_meters(new.message(interval, account), new.signature)

        readings = readings_of(target.readings or b"", len(target.records))
        overruled, skipped = overrule(readings, signed, is_signed)

        before = self._delivered(target, state)
        target.readings = encode_readings(overruled)
        change = self._delivered(target, state) - before
        # The operator may have attested any energy up to the volume. What goes beyond the volume with the
        # meters' readings is credited to nobody.
        state.delivered = max(0, min(state.delivered + change, state.volume))
        return skipped

    def is_meters(self, reading: MeterReading, signature: bytes) -> bool:
        """Whether the meter of a reading's account signed it."""
        participant = self._participants.get(reading.participant)
        return participant is not None and self._is_signed(reading, signature, participant.meter_key)

    def require_attested(self, statement: MeterAttestation | MeterCorrection, signature: bytes) -> None:
        """Refuse a statement that the metering operator did not sign.

        Raises:
            NotAttestedByOperator: It did not.
        """
        if not self._is_signed(statement, signature, self.metering_operator):
            raise NotAttestedByOperator(
                f"The readings of interval {statement.interval} are not signed by {self.metering_operator}."
            )

    def _require_vectors(self, vectors: Sequence[bytes], batches: int, what: str) -> None:
        """Refuse packed strings that are not one per batch, or longer than any batch's can be.

        A string that is taken but too long to be supplied again would leave its batch unsettled.

        Raises:
            BatchCountMismatch: There are more or fewer.
            VectorTooLong: One is longer than that of a full batch.
        """
        if len(vectors) != batches:
            raise BatchCountMismatch(
                f"{len(vectors)} strings of {what} for {batches} batches: give one for each."
            )
        most = self.config.batch_orders * DECISION_LENGTH
        for batch, packed in enumerate(vectors):
            if len(packed) > most:
                raise VectorTooLong(
                    f"The {what} of batch {batch} have {len(packed)} bytes: at most {most} make sense."
                )

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
    """Refuse readings that claim a meter's signature, or the status above it: only ``overrule`` sees one."""
    whole = len(packed) // READING_LENGTH * READING_LENGTH
    for position, reading in enumerate(decode_readings(packed[:whole])):
        if reading.status >= ReadingStatus.METER_SIGNED:
            raise MeterSignedReading(
                f"Position {position} is marked as signed by its meter: attest it as attested."
            )
