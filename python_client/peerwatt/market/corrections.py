"""What stands between the metering operator's correction and the accounts: time, meters, and a bound."""

from collections.abc import Sequence
from dataclasses import dataclass

from peerwatt.market.errors import (
    AboveCorrectionCap,
    AlreadyContested,
    AlreadyProposed,
    ContestedReading,
    IsCancelled,
    MeterSignedReading,
    NotAttestedByOperator,
    NotInCorrection,
    NotProposed,
    NotSignedByMeter,
)
from peerwatt.market.interval_ring import Batch
from peerwatt.market.market_rules import require_before, require_from
from peerwatt.market.metering import Metering
from peerwatt.market.settlement import Entries, readings_of
from peerwatt.messages import (
    MAX_READING,
    READING_LENGTH,
    MeterCorrection,
    MeterReading,
    ReadingStatus,
    metered_commitment,
)
from peerwatt.units import DAY_S


@dataclass(slots=True)
class _Proposal:
    """From when on it can be booked, whose word it is, and whether the operator has cancelled it."""

    since: int | None
    by: str
    cancelled: bool = False


class Corrections:
    """Proposed corrections of one market, and what meters say against them.

    A correction is proposed with its readings and booked by the market from the correction delay on. Until
    then every meter may contradict it, and the operator may cancel it. What a meter has said once binds every
    correction of that interval. On one day corrections move no more cash than the correction cap.

    Attributes:
        moved: The last day on which a correction was booked, days since 1970, and what it moved, base units.
    """

    def __init__(self, market: Metering) -> None:
        self._market = market
        self._proposals: dict[MeterCorrection, _Proposal] = {}
        self._contested: dict[tuple[int, int], tuple[int, int]] = {}
        self.moved = 0, 0

    def propose(
        self,
        interval: int,
        batch: int,
        run: int,
        delivered: int,
        unread: bytes,
        readings: bytes,
        signature: bytes = b"",
        *,
        now: int | None = None,
    ) -> MeterCorrection:
        """Propose corrected readings of a batch under the metering operator's signature.

        Args:
            interval: The delivery period.
            batch: Number of the batch in it.
            run: Number of the settlement run that it is for.
            delivered: Peer energy delivered by the corrected readings, Wh.
            unread: 32 bytes, the batch's word before any readings.
            readings: The corrected readings of the batch, packed.
            signature: The operator's, over the ``MeterCorrection`` that these make.
            now: Unix time, or None to leave the clock out.

        Returns:
            What the metering operator signed, by which the correction is known.

        Raises:
            TooEarly: Meters may still overrule.
            TooLate: The correction deadline has passed.
            NotAttestedByOperator: The signature is not the metering operator's.
            AlreadyProposed: It was proposed before.
        """
        config = self._market.config
        require_from(config.readings_deadline(interval), now)
        require_before(config.correction_deadline(interval), now)
        said = MeterCorrection(interval, batch, run, metered_commitment(unread, readings), delivered)
        self._market.require_attested(said, signature)
        if said in self._proposals:
            raise AlreadyProposed(f"Run {run} of interval {interval}, batch {batch}, was proposed before.")
        since = None if now is None else now + config.correction_delay
        self._proposals[said] = _Proposal(since, self._market.metering_operator)
        return said

    def contest(self, reading: MeterReading, signature: bytes = b"", *, now: int | None = None) -> None:
        """Hand in what a meter recorded, under its own signature.

        Raises:
            TooEarly: Delivery is not over.
            NotSignedByMeter: It is not signed by the account's meter, or fits no packed reading.
            AlreadyContested: The meter has spoken before.
        """
        require_from(self._market.config.end(reading.interval), now)
        account = reading.participant
        fits = max(reading.imported, reading.exported) <= MAX_READING
        if not (fits and self._market.is_meters(reading, signature)):
            raise NotSignedByMeter(
                f"The reading of interval {reading.interval} is not signed by account {account}'s meter."
            )
        place = reading.interval, account
        if place in self._contested:
            raise AlreadyContested(
                f"The meter of account {account} has spoken on interval {reading.interval}: that counts."
            )
        self._contested[place] = reading.imported, reading.exported

    def cancel(self, said: MeterCorrection) -> None:
        """Cancel a proposed correction; the market's operator does.

        Raises:
            NotProposed: Nobody has proposed it.
        """
        self._proposal(said).cancelled = True

    def left(self, now: int | None = None) -> int:
        """What corrections may still move today, base units."""
        day, moved = self.moved
        return self._market.config.correction_cap - (moved if self._today(now) == day else 0)

    def require_in_force(self, said: MeterCorrection, now: int | None) -> None:
        """Refuse a correction that may not be booked now.

        Raises:
            NotProposed: Nobody has proposed it.
            IsCancelled: The operator has cancelled it.
            NotAttestedByOperator: Another one is the metering operator now.
            TooEarly: Its delay is not over.
            TooLate: The time for booking it is over.
        """
        proposal = self._proposal(said)
        if proposal.cancelled:
            raise IsCancelled(f"Run {said.run} of interval {said.interval} is cancelled: propose another.")
        if proposal.by != self._market.metering_operator:
            raise NotAttestedByOperator(
                f"{proposal.by}, who proposed it, is the metering operator no more: propose it anew."
            )
        if proposal.since is not None:
            require_from(proposal.since, now)
        require_before(self._market.config.booking_deadline(said.interval), now)

    def require_readings(self, interval: int, batch: Batch, readings: bytes) -> None:
        """Refuse new readings that are not one for each order, change what a meter signed or claim that one
        did, or contradict a meter.

        Raises:
            NotInCorrection: There is not one for every order.
            MeterSignedReading: One is the meter's own to sign.
            ContestedReading: A meter says otherwise.
        """
        orders = len(batch.records)
        if len(readings) != orders * READING_LENGTH:
            raise NotInCorrection(
                f"{len(readings) // READING_LENGTH} readings for {orders} orders: give one for each."
            )
        both = zip(readings_of(batch.readings or b"", orders), readings_of(readings, orders), strict=True)
        for position, (old, new) in enumerate(both):
            if old == new:
                continue
            if max(old.status, new.status) >= ReadingStatus.METER_SIGNED:
                raise MeterSignedReading(
                    f"Position {position} is the meter's own to sign: repeat its reading in the correction."
                )
            account = batch.records[position].participant
            own = self._contested.get((interval, account))
            same = new.status != ReadingStatus.MISSING and own == (new.imported, new.exported)
            if own is not None and not same:
                raise ContestedReading(
                    f"The meter of account {account} says that it imported {own[0]} and exported {own[1]} Wh."
                )

    def counted(self, difference: Sequence[Entries], now: int | None) -> tuple[int, int]:
        """The day, and what corrections have moved on it after this one, each participant's change counted as
        if it were up.

        Raises:
            AboveCorrectionCap: That is more than may be moved on a day.
        """
        moved, left = sum(abs(entries.participant_cash) for entries in difference), self.left(now)
        if moved > left:
            raise AboveCorrectionCap(
                f"The correction moves {moved} base units: {left} may still be moved today. Book it on "
                "another day, or correct fewer readings at once."
            )
        return self._today(now), self._market.config.correction_cap - left + moved

    def _today(self, now: int | None) -> int:
        return self.moved[0] if now is None else now // DAY_S

    def _proposal(self, said: MeterCorrection) -> _Proposal:
        if said not in self._proposals:
            raise NotProposed(
                f"Run {said.run} of interval {said.interval}, batch {said.batch}: propose it first."
            )
        return self._proposals[said]
