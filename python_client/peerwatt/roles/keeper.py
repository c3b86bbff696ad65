"""The keeper: clears, expires and settles what is due. Anybody may be one, with ether and the chain alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from peerwatt.chain import ContractReverted
from peerwatt.client import BatchData, IntervalView, MarketClient, MarketView
from peerwatt.market.market_rules import MarketConfig
from peerwatt.roles.all_of import all_of
from peerwatt.roles.appointments import Action, due

log: Final = logging.getLogger(__name__)

MOST_IN_VAIN: Final = 8
"""How often the chain is read again because a batch cannot be settled, twice as far each time."""


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
        self._asked: int | None = None
        self._said: set[str] = set()
        self._in_vain: dict[int, int] = {}

    def step(self, now: int) -> None:
        """Move every interval on whose next step is due and waits for nobody else.

        Raises:
            Exception: something could not be done; whatever else was due is done.
        """
        self._view.follow()
        if not self._client.network.controls_time:
            self._ask_for_unseen(now)
        views = sorted(self._view.intervals.values(), key=lambda view: view.number)
        open_now = [view for view in views if view.records and not view.is_settled]
        all_of(open_now, lambda view: self._move_on(view, now))

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
        if self._try("settle", interval, lambda: self._client.settle(interval, batch, data)):
            return
        # A meter's own readings are in no count: what was supplied may lack them.
        in_vain = self._in_vain[interval] = self._in_vain.get(interval, 0) + 1
        if in_vain <= MOST_IN_VAIN and not self._client.network.controls_time:
            self._view.read_again()

    def _try(self, what: str, interval: int, call: Callable[[], object]) -> bool:
        """Whether a call was made; where it was refused, its interval is compared with the market."""
        try:
            call()
        except ContractReverted as refused:
            # Mostly somebody else was faster, and the chain's next events say so.
            log.info("interval %d: %s not needed: %s", interval, what, refused)
            self._compare(interval)
            return False
        self._in_vain.pop(interval, None)
        return True

    def _ask_for_unseen(self, now: int) -> None:
        """Ask the market for every interval whose book has closed since the last time.

        A node whose logs lag may have told nothing of one, and a slot that nobody settles is busy for ever.
        """
        config = self._config
        newest = (now + config.gate_lead - config.reveal_window) // config.interval_length
        first = newest - config.ring_size + 1 if self._asked is None else self._asked + 1
        for interval in range(max(0, first), newest + 1):
            self._compare(interval)
        self._asked = max(newest, self._asked or 0)

    def _compare(self, interval: int) -> None:
        """Look at the chain again where the market has more of an interval than was seen."""
        try:
            state = self._client.interval(interval)
        except ContractReverted:
            # Nobody posted to it, or its slot holds another one.
            return
        lacks = self._view.lacks(state)
        if lacks and not self._view.waits:
            self._view.read_again()
        if lacks and lacks not in self._said:
            log.info("%s: %s", lacks, self._view.waits or "the chain is read again")
        self._said = {lacks}
