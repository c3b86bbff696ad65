"""Carrying meters' own readings to the market, where the attestation has none of them."""

from __future__ import annotations

from peerwatt.client import MarketClient, MarketView
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.settlement import readings_of
from peerwatt.messages import ReadingStatus, SignedReading, decode_records
from peerwatt.roles.appointments import Action, due
from peerwatt.roles.relayer.all_of import all_of
from peerwatt.roles.relayer.queue import OrderQueue


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
                signed for signed in own if standing[signed.position].status != ReadingStatus.METER_SIGNED
            ]
            if missing:
                self._client.overrule(interval, batch, view.data(batch), missing)
        self._queue.drop_readings(interval, batch)
