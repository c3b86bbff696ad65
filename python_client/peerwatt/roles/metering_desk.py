"""The metering operator's desk: collects readings and attests those of an interval under one signature."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from peerwatt.client import IntervalState, IntervalView, MarketClient, MarketView
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.settlement import delivered_by_batch
from peerwatt.messages import (
    MISSING,
    MeterAttestation,
    MeterReading,
    Reading,
    ReadingStatus,
    decode_records,
    encode_readings,
    metered_hash,
    require_own_registers,
    require_succession,
)
from peerwatt.roles.accepted_orders import terms_of
from peerwatt.roles.all_of import all_of
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.correcting import Correcting, Waiting
from peerwatt.roles.ports import MeterSignedReading, is_signed_by

log: Final = logging.getLogger(__name__)

AHEAD_S: Final = 86_400
"""How far a meter's clock may be ahead, s."""


class MeteringDesk:
    """The desk, with the metering operator's key, which also pays for its transactions' gas."""

    actions: Final = frozenset({Action.ATTEST})

    def __init__(
        self,
        client: MarketClient,
        config: MarketConfig,
        view: MarketView,
        key: bytes,
    ) -> None:
        """
        Args:
            client: the market, through the metering operator's key.
            config: its parameters.
            view: of the market's chain.
            key: 32 bytes, signs attestations.
        """
        self._client = client
        self._config = config
        self._view = view
        self._key = key
        self._correcting = Correcting(client, config, view, key)
        self._readings: dict[int, dict[int, MeterReading]] = {}
        # Of each account the newest reading of an interval that is over, which the next one must follow.
        self._last_over: dict[int, MeterReading] = {}

    def accept(self, signed: MeterSignedReading) -> None:
        """As `Readings` has it. A meter may hand in the same reading twice, not two different ones."""
        reading = signed.reading
        where = f"reading of account {reading.participant}, interval {reading.interval}"
        meter = self._view.participants.get(reading.participant)
        if meter is None:
            raise InputError(f"{where}: nobody is registered under that account")
        if not is_signed_by(reading, signed.signature, self._client.domain, meter.meter_key):
            raise InputError(f"{where}: not signed by the account's meter, {meter.meter_key}")
        self._require_time(reading.interval, where)
        taken = self._readings.setdefault(reading.interval, {})
        if taken.get(reading.participant, reading) != reading:
            raise InputError(f"{where}: another reading was taken before: corrections have runs of their own")
        self._require_registers(reading, where)
        taken[reading.participant] = reading

    def _require_time(self, interval: int, where: str) -> None:
        """Refuse what no attestation will hold: of an account no more is kept than a day and a ring have."""
        head = self._view.head or self._view.follow()
        ahead = self._config.last_open(head.time + AHEAD_S) + self._config.ring_size
        deadline = self._config.attest_deadline(interval)
        if interval > ahead:
            raise InputError(f"{where}: far ahead of the chain's clock: set the meter's")
        if head.time >= deadline:
            raise InputError(
                f"{where}: {head.time - deadline} s after the deadline for attestations: hand the meter's "
                "own reading to a relayer"
            )

    def _require_registers(self, reading: MeterReading, where: str) -> None:
        """Refuse a reading that contradicts its own registers, or those of the meter's readings around it."""
        account, limits = reading.participant, self._limits(reading.participant)
        most = (limits.imported, limits.exported)
        known = {interval: taken[account] for interval, taken in self._readings.items() if account in taken}
        if account in self._last_over:
            known.setdefault(self._last_over[account].interval, self._last_over[account])
        earlier = max((interval for interval in known if interval < reading.interval), default=None)
        later = min((interval for interval in known if interval > reading.interval), default=None)
        if earlier is None:
            require_own_registers(reading, where)
        else:
            require_succession(known[earlier], reading, most, where)
        if later is not None:
            require_succession(reading, known[later], most, where)

    def save(self) -> object:
        """What it would have on disk: the readings that it collected."""
        readings = {interval: dict(taken) for interval, taken in self._readings.items()}
        return readings, dict(self._last_over), self._correcting.save()

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        self._readings, self._last_over, corrections = saved
        self._correcting.restore(corrections)

    def correct(self, interval: int, read: Mapping[int, tuple[int, int]]) -> tuple[Waiting, ...]:
        """Propose other readings of a settled interval; `step` books them when their delay is over.

        Args:
            interval: the interval.
            read: imported and exported energy by account, Wh; all others stay as they are.

        Raises:
            InputError: the interval is not settled or not known, a meter signed what would be changed, or an
                account has no order in it.
        """
        return self._correcting.propose(interval, read)

    def step(self, now: int) -> None:
        """Attest every interval that is over and not attested, and book corrections that are due.

        Raises:
            Exception: an interval could not be attested, as the chain does not answer or the market
                refused; all others that are due were.
        """
        head = self._view.follow()
        waiting = [
            view
            for view in sorted(self._view.intervals.values(), key=lambda view: view.number)
            if view.records and view.verdict is not None and not view.attested
            if due(self._config, Action.ATTEST, view.number)
            <= now
            < self._config.attest_deadline(view.number)
        ]
        all_of(waiting, self._attest_if_told)
        self._correcting.step(now)
        for interval in sorted(self._readings):
            # Until then a reorganisation may drop an attestation, by the chain's clock and not the caller's.
            if min(now, head.time) >= self._config.attest_deadline(interval):
                for account, reading in self._readings.pop(interval).items():
                    if account not in self._last_over or self._last_over[account].interval < interval:
                        self._last_over[account] = reading

    def _attest_if_told(self, view: IntervalView) -> None:
        """Attest an interval, unless it was attested or has batches that were not seen."""
        state = self._client.interval(view.number)
        lacks = self._view.lacks(state)
        if lacks:
            log.info("%s: the chain is read again", lacks)
            self._view.read_again()
        else:
            self._attest(view, state)

    def _attest(self, view: IntervalView, state: IntervalState) -> None:
        terms, known = terms_of(state), self._readings.get(view.number, {})
        packed, delivered = [], 0
        for batch, vector in enumerate(view.records):
            records = decode_records(vector)
            accounts = [record.participant for record in records]
            packed.append(encode_readings(_entry(known.get(account)) for account in accounts))
            delivered += delivered_by_batch(
                records,
                view.decisions.get(batch, b""),
                packed[-1],
                [self._limits(account) for account in accounts],
                terms,
                self._config,
            )
        statement = MeterAttestation(view.number, metered_hash(view.unread(), packed), delivered)
        signature = statement.sign(self._client.domain, self._key)
        self._client.attest(view.number, packed, delivered, signature)

    def _limits(self, account: int) -> EnergyLimits:
        limits, energy = self._view.participants[account].limits, self._config.energy_limit
        return EnergyLimits(energy(limits.imported), energy(limits.exported))


def _entry(reading: MeterReading | None) -> Reading:
    """A reading as an attestation has it; missing where none was handed in."""
    if reading is None:
        return MISSING
    return Reading(ReadingStatus.ATTESTED, reading.imported, reading.exported)
