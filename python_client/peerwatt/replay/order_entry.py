"""How a replay's orders reach the market: posted in the open, or committed to and revealed."""

from __future__ import annotations

from collections.abc import Callable

from peerwatt.client import PostedBatch
from peerwatt.market.order_book import Posting
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.replay.market_setup import PilotMarket
from peerwatt.roles.relayer import OrderQueue, Relayer, SealedRelayer
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

NextSecond = Callable[[], int]
"""Lets the next transaction be mined at a second of its own, and says which."""


class OrderEntry:
    """The relayer of a replay, next to the reference twin.

    Attributes:
        relayer: carries the orders, and settles what it posted.
    """

    def __init__(self, scenario: Scenario, keys: PilotKeys, market: PilotMarket, queue: OrderQueue) -> None:
        self.relayer: Relayer
        self._scenario = scenario
        self._keys = keys
        self._market = market
        self._sealed: SealedRelayer | None = None
        if market.sealed is None:
            self.relayer = Relayer(market.client, queue)
        else:
            self.relayer = self._sealed = SealedRelayer(market.client, queue, keys.salt)

    def accept(self, log: IntervalLog, seed: int) -> bool:
        """Hand the homes' signed orders of an interval to the relayer; whether there are any."""
        domain = self._market.client.domain
        orders = [
            order_of(self._scenario, home, log.position, seed, log.number, log.limits.get(home.account))
            for home in self._scenario.participants
        ]
        log.orders = tuple(
            order.signed(domain, bytes(self._keys.order_key(order.participant).key))
            for order in orders
            if order is not None
        )
        for signed in log.orders:
            self.relayer.accept(signed)
        return bool(log.orders)

    def post(self, log: IntervalLog, next_second: NextSecond) -> str:
        """Post what was accepted for an interval.

        Returns:
            How chain and twin differ in it; empty when they do not.
        """
        now = next_second()
        posted = self.relayer.post(log.number)
        assert posted is not None
        return self._note(log, posted, self._market.twin.post(log.number, log.orders, now=now))

    def commit(self, log: IntervalLog, next_second: NextSecond) -> None:
        """Commit to what was accepted for an interval."""
        assert self._sealed is not None
        assert self._market.sealed is not None
        now = next_second()
        [receipt] = self._sealed.commit(log.number)
        log.gas += receipt["gasUsed"]
        [row] = self._sealed.queue.sealed.of_interval(log.number)
        self._market.sealed.commit(row.relayer, log.number, row.batch.seal, now=now)

    def reveal(self, log: IntervalLog, next_second: NextSecond) -> str:
        """Reveal what was committed to for an interval; returns as `post` does."""
        assert self._sealed is not None
        assert self._market.sealed is not None
        now = next_second()
        [posted] = self._sealed.reveal(log.number)
        [row] = self._sealed.queue.sealed.of_interval(log.number)
        expected = self._market.sealed.reveal(
            row.relayer, log.number, row.batch.orders, row.batch.salt, now=now
        )
        return self._note(log, posted, expected or Posting(None, (), ()))

    @property
    def bond_error(self) -> int:
        """By how much bonds that are out, on chain and in the twin, and what the relayer has left of its
        tokens do not add up, base units; 0 when all is right, and in an open market.
        """
        if self._sealed is None or self._market.sealed is None:
            return 0
        client, held = self._market.client, self._sealed.phase.held()
        left = int(client.payment_token.functions.balanceOf(client.sender.address).call())
        return abs(held - self._market.sealed.held) + abs(left + held - self._market.purse)

    def _note(self, log: IntervalLog, posted: PostedBatch, expected: Posting) -> str:
        log.posted = posted
        log.gas += posted.gas
        skipped = [(s.position, s.participant, s.reason) for s in posted.skipped]
        same = log.records == expected.records and skipped == [
            (s.position, s.participant, s.reason) for s in expected.skipped
        ]
        return "" if same else f"interval {log.number}: the reference takes other orders"
