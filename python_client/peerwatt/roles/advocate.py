"""A meter's advocate: keeps what meters signed, and contradicts a correction that says otherwise."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from peerwatt.client import CorrectionBoard, MarketClient, MarketTransaction, MarketView
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import MeterReading, ReadingStatus, decode_readings, decode_records
from peerwatt.roles.all_of import all_of
from peerwatt.roles.ports import MeterSignedReading, is_signed_by

log: Final = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Proposed:
    """A correction on the chain, and the block that it is in."""

    interval: int
    batch: int
    readings: bytes
    block: int


class Advocate:
    """Whoever stands up for meters: for those of its own home, or of all who hand it their readings.

    It takes readings as the metering desk does (`Readings`), and its key pays for its transactions' gas. What
    a meter said once on an interval binds every correction, so it says it once.
    """

    def __init__(self, client: MarketClient, config: MarketConfig, view: MarketView) -> None:
        """
        Args:
            client: the market, through the advocate's key.
            config: its parameters.
            view: of the market's chain, which nobody has followed yet.
        """
        self._board = CorrectionBoard(client)
        self._domain = client.domain
        self._config = config
        self._view = view
        self._readings: dict[int, dict[int, MeterSignedReading]] = {}
        self._records: dict[int, list[tuple[bytes, int]]] = {}
        self._proposed: list[_Proposed] = []
        self._spoken: dict[tuple[int, int], int] = {}
        view.tell(self)

    def accept(self, signed: MeterSignedReading) -> None:
        """As `Readings` has it.

        Raises:
            InputError: it is not signed by the account's meter, or another one was handed in before.
        """
        reading = signed.reading
        where = f"reading of account {reading.participant}, interval {reading.interval}"
        if reading.participant not in self._view.participants:
            self._view.follow()
        meter = self._view.participants.get(reading.participant)
        if meter is None:
            raise InputError(f"{where}: nobody is registered under that account")
        if not is_signed_by(reading, signed.signature, self._domain, meter.meter_key):
            raise InputError(f"{where}: not signed by the account's meter, {meter.meter_key}")
        taken = self._readings.setdefault(reading.interval, {})
        if taken.setdefault(reading.participant, signed).reading != reading:
            raise InputError(f"{where}: another reading was taken before, and a meter speaks once")

    def step(self, now: int) -> None:
        """Contradict every proposed correction that says something else of a meter than the meter itself.

        Args:
            now: Unix time, s.

        Raises:
            Exception: a contest could not be sent; all others were.
        """
        self._view.follow()
        wrong = {
            (said.reading.interval, said.reading.participant): said
            for proposed in self._proposed
            for said in self._contradicted(proposed)
        }
        all_of((said for place, said in wrong.items() if place not in self._spoken), self._contest)
        for interval in [past for past in self._readings if now >= self._config.booking_deadline(past)]:
            del self._readings[interval]
            self._records.pop(interval, None)
        self._proposed = [each for each in self._proposed if each.interval in self._readings]

    def _contest(self, said: MeterSignedReading) -> None:
        reading = said.reading
        log.warning(
            "interval %d: a correction contradicts the meter of account %d: contested",
            reading.interval,
            reading.participant,
        )
        self._board.contest(reading, said.signature)

    def _contradicted(self, proposed: _Proposed) -> list[MeterSignedReading]:
        """The readings of its meters that a correction contradicts."""
        own, batches = self._readings.get(proposed.interval, {}), self._records.get(proposed.interval, [])
        if not own or proposed.batch >= len(batches):
            return []
        records = decode_records(batches[proposed.batch][0])
        if len(proposed.readings) % 8 or len(proposed.readings) // 8 != len(records):
            return []
        return [
            own[record.participant]
            for record, new in zip(records, decode_readings(proposed.readings), strict=True)
            if record.participant in own
            and (
                new.status == ReadingStatus.MISSING
                or _flows(own[record.participant].reading) != (new.imported, new.exported)
            )
        ]

    # As an observer of the chain

    def take(self, transaction: MarketTransaction) -> None:
        """As `Observer` has it."""
        for said in transaction.named("BatchPosted"):
            kept = self._records.setdefault(int(said["interval"]), [])
            kept.append((bytes(said["records"]), transaction.block))
        for said in transaction.named("CorrectionProposed"):
            self._proposed.append(
                _Proposed(
                    int(said["interval"]), int(said["batch"]), bytes(said["readings"]), transaction.block
                )
            )
        for said in transaction.named("Contested"):
            self._spoken[int(said["interval"]), int(said["account"])] = transaction.block

    def take_back(self, block: int) -> None:
        """As `Observer` has it."""
        self._proposed = [each for each in self._proposed if each.block <= block]
        self._spoken = {place: found for place, found in self._spoken.items() if found <= block}
        for interval, batches in self._records.items():
            self._records[interval] = [batch for batch in batches if batch[1] <= block]


def _flows(reading: MeterReading) -> tuple[int, int]:
    return reading.imported, reading.exported
