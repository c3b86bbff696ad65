"""Carrying meters' own readings to the market, where the attestation has none of them."""

from __future__ import annotations

from peerwatt.client import MarketClient, MarketView
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.settlement import readings_of
from peerwatt.messages import Domain, ReadingStatus, SignedReading, decode_records, require_own_registers
from peerwatt.roles.all_of import all_of
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import OwnReading, is_signed_by
from peerwatt.roles.relayer.queue import OrderQueue


def require_own_reading(own: OwnReading, view: MarketView, config: MarketConfig, domain: Domain) -> None:
    """Refuse a reading that is not signed by the meter of the order in whose place it is.

    Raises:
        InputError: it is not, there is no such order, the reading contradicts its own registers, or it comes
            too late.
    """
    signed, where = own.signed, f"reading for interval {own.interval}, batch {own.batch}"
    if own.interval not in view.intervals or view.head is None:
        view.follow()
    deadline = config.readings_deadline(own.interval)
    if view.head is not None and view.head.time >= deadline:
        raise InputError(f"{where}: {view.head.time - deadline} s after the readings' deadline")
    known = view.intervals.get(own.interval)
    records = decode_records(known.records[own.batch]) if known and own.batch < len(known.records) else ()
    if signed.position >= len(records):
        raise InputError(f"{where}: no order is at position {signed.position}")
    account = records[signed.position].participant
    meter = view.participants[account].meter_key
    message = signed.message(own.interval, account)
    if not is_signed_by(message, signed.signature, domain, meter):
        raise InputError(f"{where}: not signed by the meter of account {account}, {meter}")
    require_own_registers(message, where)


class Overruling:
    """A relayer's readings that wait, and what it does with them."""

    def __init__(
        self, client: MarketClient, config: MarketConfig, queue: OrderQueue, view: MarketView
    ) -> None:
        """
        Args:
            client: the market, through the relayer's key.
            config: its clock.
            queue: where the readings wait.
            view: of the market's chain.
        """
        self._client = client
        self._config = config
        self._queue = queue
        self._view = view

    def step(self, now: int) -> None:
        """Carry the readings whose time has come, those of a batch in one transaction.

        Args:
            now: Unix time, s.

        Raises:
            Exception: a batch's could not be carried; all others were.
        """
        waiting = self._queue.readings()
        if waiting:
            self._view.follow()
        all_of(waiting, lambda place: self._overrule(*place, waiting[place], now))

    def _overrule(self, interval: int, batch: int, own: list[SignedReading], now: int) -> None:
        """Carry what the market does not have; kept until the deadline, as a reorganisation may drop it."""
        config = self._config
        if self._client.network.latest_timestamp() >= config.readings_deadline(interval):
            self._queue.drop_readings(interval, batch)
            return
        if now < due(config, Action.OVERRULE, interval) or now >= config.readings_deadline(interval):
            return
        view = self._view.interval(interval)
        if batch >= len(view.records):
            return
        records = decode_records(view.records[batch])
        standing = readings_of(view.readings.get(batch, b""), len(records))
        missing = [
            signed
            for signed in own
            if signed.position < len(standing)
            and standing[signed.position].status != ReadingStatus.METER_SIGNED
            and self._is_own(interval, records[signed.position].participant, signed)
        ]
        if missing:
            self._client.overrule(interval, batch, view.data(batch), missing)

    def _is_own(self, interval: int, account: int, signed: SignedReading) -> bool:
        """Whether the account's meter signed it: a reorganised chain may hold another batch there."""
        meter = self._view.participants[account].meter_key
        return is_signed_by(signed.message(interval, account), signed.signature, self._client.domain, meter)
