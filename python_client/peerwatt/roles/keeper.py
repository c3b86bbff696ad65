"""The keeper: clears, expires and settles what is due. Anybody may be one, with ether and the chain alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from peerwatt.chain import ContractReverted
from peerwatt.client import BatchData, IntervalView, MarketClient, MarketView
from peerwatt.market.market_rules import MarketConfig
from peerwatt.roles.appointments import Action, due

log: Final = logging.getLogger(__name__)


class Keeper:
    """One keeper, with a key that pays for gas. Everything that it supplies it has read from the chain."""

    actions: Final = frozenset({Action.CLEAR, Action.SETTLE})

    def __init__(self, client: MarketClient, config: MarketConfig, view: MarketView) -> None:
        """
        Args:
            client: the market, through the keeper's key.
            config: its clock.
            view: of the market's chain.
        """
        self._client = client
        self._config = config
        self._view = view

    def step(self, now: int) -> None:
        """Move every interval on whose next step is due and waits for nobody else.

        Raises:
            ChainError: the chain does not answer; what was done stays done.
        """
        self._view.follow()
        for view in sorted(self._view.intervals.values(), key=lambda view: view.number):
            if view.records and not view.is_settled:
                self._move_on(view, now)

    def _move_on(self, view: IntervalView, now: int) -> None:
        interval = view.number
        if view.cleared is None:
            if now >= due(self._config, Action.CLEAR, interval):
                self._try("clear", interval, lambda: self._client.clear(interval))
        elif view.verdict is None:
            if now >= self._config.report_deadline(interval):
                self._try("expire", interval, lambda: self._client.expire(interval))
        elif now >= due(self._config, Action.SETTLE, interval):
            for batch in range(len(view.records)):
                if batch not in view.settled:
                    self._settle(interval, batch, view.data(batch))

    def _settle(self, interval: int, batch: int, data: BatchData) -> None:
        self._try("settle", interval, lambda: self._client.settle(interval, batch, data))

    def _try(self, what: str, interval: int, call: Callable[[], object]) -> None:
        try:
            call()
        except ContractReverted as refused:
            # Mostly somebody else was faster, and the chain's next events say so.
            log.info("interval %d: %s not needed: %s", interval, what, refused)
