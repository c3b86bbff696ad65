"""Settling what is due from the chain's events alone: for a stranger with ether, and without any notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from peerwatt.chain import ContractReverted
from peerwatt.client import IntervalView, MarketClient, MarketView
from peerwatt.client.complete_events import catch_up
from peerwatt.market.interval_ring import Phase
from peerwatt.market.market_rules import MarketConfig


class Step(StrEnum):
    """What was done for an interval, or what keeps it."""

    CLEARED = "cleared"
    EXPIRED = "expired"
    SETTLED = "settled"
    DUE = "due"
    """Nobody sends: it could be done now."""
    WAITS = "waits"
    """Its time has not come."""
    REFUSED = "refused"
    """The market says no."""


@dataclass(frozen=True)
class Outcome:
    """What became of an interval, or of one of its batches.

    Attributes:
        interval: the interval.
        step: what was done, or why nothing was.
        batch: number of the batch; None where all of the interval is meant.
        until: for what is waited for, Unix time, s.
        reason: what the market says where it refuses.
    """

    interval: int
    step: Step
    batch: int | None = None
    until: int | None = None
    reason: str = ""


class Settler:
    """Settles one market once, by what its chain says.

    Attributes:
        config: the market's parameters.
    """

    def __init__(self, client: MarketClient, *, sends: bool) -> None:
        """
        Args:
            client: the market, through the key of who pays the gas.
            sends: whether to send anything, or only to tell what is due.
        """
        self.config: MarketConfig = client.config()
        self._client = client
        self._sends = sends
        self._view = MarketView(client.network, client.deployment, self.config.ring_size)

    def settle(self, only: int | None = None) -> Iterator[Outcome]:
        """Clear, expire and settle whatever is due, the oldest interval first.

        Args:
            only: an interval, where no other shall be looked at.

        Raises:
            ChainError: the chain does not answer, or does not give all of its events.
        """
        catch_up(self._view)
        for interval in sorted(self._view.intervals):
            if only in (None, interval):
                yield from self._settle(interval)

    def _settle(self, interval: int) -> Iterator[Outcome]:
        view = self._view.interval(interval)
        if not view.records or view.is_settled:
            return
        calls, config = self._client, self.config
        for step, phase, due, call in (
            (Step.CLEARED, Phase.OPEN, config.book_closure(interval), lambda: calls.clear(interval)),
            (Step.EXPIRED, Phase.CLEARED, config.report_deadline(interval), lambda: calls.expire(interval)),
        ):
            if _phase(self._view.interval(interval)) == phase:
                moved = self._move(Outcome(interval, step), due, call)
                yield moved
                if moved.step != step:
                    return
                catch_up(self._view)
        view = self._view.interval(interval)
        for batch in range(len(view.records)):
            if batch not in view.settled:
                yield self._settle_batch(view, batch)

    def _settle_batch(self, view: IntervalView, batch: int) -> Outcome:
        interval, data = view.number, view.data(batch)
        due = self.config.readings_deadline(interval)
        done = Outcome(interval, Step.SETTLED, batch)
        return self._move(done, due, lambda: self._client.settle(interval, batch, data))

    def _move(self, done: Outcome, due: int, call: Callable[[], object]) -> Outcome:
        """Make a call whose time has come; `done` is what became of it if it is taken."""
        if self._client.network.latest_timestamp() < due:
            return Outcome(done.interval, Step.WAITS, done.batch, due)
        if not self._sends:
            return Outcome(done.interval, Step.DUE, done.batch)
        try:
            call()
        except ContractReverted as refused:
            return Outcome(done.interval, Step.REFUSED, done.batch, reason=str(refused))
        return done


def _phase(view: IntervalView) -> Phase:
    """How far an interval's events say that it has come."""
    if view.verdict is not None:
        return Phase.GATED
    return Phase.OPEN if view.cleared is None else Phase.CLEARED
