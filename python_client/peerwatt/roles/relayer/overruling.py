"""Carrying meters' own readings to the market, where the attestation has none of them."""

from __future__ import annotations

from peerwatt.client import MarketClient, MarketView
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.settlement import readings_of
from peerwatt.messages import Domain, ReadingStatus, SignedReading, decode_records, require_own_registers
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.ports import OwnReading, is_signed_by
from peerwatt.roles.relayer.all_of import all_of
from peerwatt.roles.relayer.queue import OrderQueue


def require_own_reading(own: OwnReading, view: MarketView, domain: Domain) -> None:
    """Refuse a reading that is not signed by the meter of the order in whose place it is.

    Raises:
        InputError: it is not, there is no such order, or the reading contradicts its own registers.
    """
    signed, where = own.signed, f"reading for interval {own.interval}, batch {own.batch}"
    if own.interval not in view.intervals:
        view.follow()
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
        if now < due(self._config, Action.OVERRULE, interval):
            return
        view = self._view.interval(interval)
        if now < self._config.readings_deadline(interval) and batch < len(view.records):
            records = decode_records(view.records[batch])
            standing = readings_of(view.readings[batch] if view.readings else b"", len(records))
            missing = [
                signed
                for signed in own
                # A chain that was reorganised may hold another batch there by now.
                if signed.position < len(standing)
                and standing[signed.position].status != ReadingStatus.METER_SIGNED
            ]
            if missing:
                self._client.overrule(interval, batch, view.data(batch), missing)
        self._queue.drop_readings(interval, batch)
