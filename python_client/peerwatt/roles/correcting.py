"""What the metering desk does about readings that were wrong: it proposes others, and books them later."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from peerwatt.chain import ContractReverted
from peerwatt.client import BatchData, CorrectionBoard, IntervalView, MarketClient, MarketView, correction_of
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.settlement import delivered_by_batch, readings_of
from peerwatt.market.terms import Terms
from peerwatt.messages import (
    Clearing,
    Reading,
    ReadingStatus,
    TermsWord,
    decode_records,
    encode_readings,
)
from peerwatt.roles.all_of import all_of

log: Final = logging.getLogger(__name__)
LATER: Final = frozenset({"TooEarly", "AboveCorrectionCap", "SupplierShort"})
"""Why a correction is not booked now and may be later."""


@dataclass(frozen=True)
class Waiting:
    """A correction that was proposed, with all that booking it takes."""

    interval: int
    batch: int
    data: BatchData
    settled_by: tuple[int, int]
    run: int
    delivered: int
    readings: bytes
    since: int


class Correcting:
    """The metering operator's corrections, from their proposal to their booking."""

    def __init__(self, client: MarketClient, config: MarketConfig, view: MarketView, key: bytes) -> None:
        """
        Args:
            client: the market, through the metering operator's key.
            config: its parameters.
            view: of the market's chain.
            key: 32 bytes, signs corrections.
        """
        self._client = client
        self._board = CorrectionBoard(client)
        self._config = config
        self._view = view
        self._key = key
        self.waiting: list[Waiting] = []

    def propose(self, interval: int, read: Mapping[int, tuple[int, int]]) -> tuple[Waiting, ...]:
        """Propose other readings of a settled interval, batch by batch.

        Args:
            interval: the interval.
            read: imported and exported energy by account, Wh; all others stay as they are.

        Raises:
            InputError: the interval is not settled or not known, a meter signed what would be changed, or an
                account has no order in it.
        """
        self._view.follow()
        view = self._view.interval(interval)
        if not view.records or not view.is_settled:
            raise InputError(f"interval {interval}: not settled yet, or so long ago that it is forgotten")
        before = [
            list(readings_of(view.readings.get(batch, b""), len(decode_records(records))))
            for batch, records in enumerate(view.records)
        ]
        after = [self._corrected(view, batch, old, read) for batch, old in enumerate(before)]
        known = {record.participant for packed in view.records for record in decode_records(packed)}
        for account in sorted(set(read) - known):
            raise InputError(f"interval {interval}: account {account} has no order in it: nothing to correct")
        packed = [encode_readings(readings) for readings in after]
        delivered = sum(self._delivered(view, batch, readings) for batch, readings in enumerate(packed))
        proposed = []
        for batch, readings in enumerate(packed):
            terms = TermsWord.unpack(view.settled[batch][0])
            # What was delivered counts in every batch: buyers are credited their share of it.
            if after[batch] != before[batch] or delivered != terms.delivered:
                proposed.append(self._propose(view, batch, terms.run + 1, delivered, readings))
        self.waiting += proposed
        return tuple(proposed)

    def step(self, now: int) -> None:
        """Book what has waited long enough; what was contested or cancelled is dropped.

        Args:
            now: Unix time, s.

        Raises:
            Exception: the chain does not answer; all others that are due were booked.
        """
        all_of([each for each in self.waiting if now >= each.since], self._book)

    def _book(self, due: Waiting) -> None:
        try:
            self._client.correct(
                due.interval, due.batch, due.data, due.settled_by, due.run, due.delivered, due.readings
            )
        except ContractReverted as refused:
            if refused.name in LATER:
                return
            log.warning("interval %d, batch %d: correction dropped: %s", due.interval, due.batch, refused)
        self.waiting.remove(due)

    def _propose(self, view: IntervalView, batch: int, run: int, delivered: int, readings: bytes) -> Waiting:
        data, interval = view.data(batch), view.number
        said = correction_of(interval, batch, data, run, delivered, readings)
        signature = said.sign(self._client.domain, self._key)
        proposed = self._board.propose(interval, batch, data, run, delivered, readings, signature)
        return Waiting(interval, batch, data, view.settled[batch], run, delivered, readings, proposed.since)

    def _corrected(
        self, view: IntervalView, batch: int, old: Sequence[Reading], read: Mapping[int, tuple[int, int]]
    ) -> list[Reading]:
        after = []
        for record, reading in zip(decode_records(view.records[batch]), old, strict=True):
            new = reading
            if record.participant in read:
                new = Reading(ReadingStatus.ATTESTED, *read[record.participant])
                if reading.status == ReadingStatus.METER_SIGNED:
                    raise InputError(
                        f"interval {view.number}: the meter of account {record.participant} signed its "
                        "reading: nobody corrects it"
                    )
            after.append(new)
        return after

    def _delivered(self, view: IntervalView, batch: int, readings: bytes) -> int:
        said = TermsWord.unpack(view.settled[batch][0])
        terms = Terms(
            clearing=Clearing.unpack(view.settled[batch][1]),
            verdict=said.verdict,
            loss_rate=said.loss_rate,
            volume=said.volume,
            delivered=said.delivered,
            tariff=Tariff(said.retail, said.feed_in, said.network_fee),
        )
        records, energy = decode_records(view.records[batch]), self._config.energy_limit
        found = [self._view.participants[record.participant].limits for record in records]
        limits = [EnergyLimits(energy(each.imported), energy(each.exported)) for each in found]
        decisions = view.decisions.get(batch, b"")
        return delivered_by_batch(records, decisions, readings, limits, terms, self._config)

    def save(self) -> Any:
        """What it would have on disk: the corrections that wait."""
        return list(self.waiting)

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        self.waiting = saved
