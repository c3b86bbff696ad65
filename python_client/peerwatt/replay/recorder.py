"""Collects what happens in every interval: from the chain, and where it says nothing from the parties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from peerwatt.agents.home import Flow
from peerwatt.client import IntervalState, MarketTransaction, MarketView
from peerwatt.market.interval_ring import Phase
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.settlement import readings_of
from peerwatt.messages import (
    ROSTER_PAGE,
    Clearing,
    MeterReading,
    ReadingStatus,
    SignedOrder,
    Verdict,
    decode_limits,
    decode_records,
)
from peerwatt.oracle import ClearedInterval, Judgement
from peerwatt.record.interval_log import IntervalLog
from peerwatt.roles.accepted_orders import accepted_orders, terms_of


class Recorder:
    """The record of a replay, whose chain is never reorganised; it holds what is not finished."""

    def __init__(
        self, config: MarketConfig, view: MarketView, first: int, first_in_scenario: int, count: int
    ) -> None:
        """
        Args:
            config: the market's parameters.
            view: of its chain, told of each transaction before this.
            first: number of the first interval on chain.
            first_in_scenario: its number in the scenario.
            count: how many intervals are recorded.
        """
        self._config = config
        self._view = view
        self._first = first
        self._first_in_scenario = first_in_scenario
        self._unfinished = range(first, first + count)
        self._logs: dict[int, IntervalLog] = {}

    def finish(self, interval: int) -> IntervalLog:
        """Let an interval's log go: nothing more is noted of it, nor of those before it."""
        log = self._log(interval)
        assert log is not None, "it was not finished before"
        self._unfinished = range(interval + 1, self._unfinished.stop)
        del self._logs[interval]
        return log

    def save(self) -> object:
        """What it holds."""
        return self._unfinished.start, dict(self._logs)

    def restore(self, saved: Any) -> None:
        """Go on from what `save` gave."""
        start, self._logs = saved
        self._unfinished = range(start, self._unfinished.stop)

    def _log(self, interval: int | None) -> IntervalLog | None:
        """An interval's; None where it is not recorded, or not any more."""
        if interval is None or interval not in self._unfinished:
            return None
        if interval not in self._logs:
            index = interval - self._first
            self._logs[interval] = IntervalLog(interval, self._first_in_scenario + index, index)
        return self._logs[interval]

    # What the follower tells

    def take(self, transaction: MarketTransaction) -> None:
        """As `Observer` has it."""
        log = self._log(transaction.interval)
        if log is None:
            return
        log.gas += transaction.gas
        if transaction.call in ("post", "reveal"):
            log.posted = (*log.posted, self._view.interval(log.number).posted_by(transaction))
        for said in transaction.said:
            note = _NOTES.get(said.name)
            if note is not None:
                note(self, log, said.arguments)

    def take_back(self, block: int) -> None:
        """As `Observer` has it; it does not come to that."""

    def _enveloped(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        energy, first = self._config.energy_limit, int(said["page"]) * ROSTER_PAGE
        for account, limits in enumerate(decode_limits(bytes(said["limits"])), first):
            log.limits[account] = EnergyLimits(energy(limits.imported), energy(limits.exported))

    def _cleared(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        view = self._view.interval(log.number)
        log.traded = said["volume"]
        log.cleared = ClearedInterval(
            log.number,
            self._config.interval_length,
            Clearing.unpack(said["clearing"]),
            bytes(said["clearingHash"]),
            tuple(decode_records(packed) for packed in view.records),
        )

    def _reported(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        log.verdict = Verdict(said["verdict"])

    def _expired(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        log.verdict = Verdict.EXPIRED

    def _attested(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        view = self._view.interval(log.number)
        log.lost = tuple(
            record.participant
            for batch, records in enumerate(map(decode_records, view.records))
            for record, reading in zip(
                records, readings_of(view.readings.get(batch, b""), len(records)), strict=True
            )
            if reading.status == ReadingStatus.MISSING
        )

    def _settled(self, log: IntervalLog, said: Mapping[str, Any]) -> None:
        view = self._view.interval(log.number)
        state = IntervalState(
            log.number,
            Phase.GATED,
            view.attested,
            len(view.records),
            len(view.settled),
            said["terms"],
            said["clearing"],
        )
        log.accepted = accepted_orders(view, terms_of(state), self._config)

    # What parties say of what the chain does not see

    def ordered(self, interval: int, order: SignedOrder, shrunk: bool) -> None:
        """As `Diary` has it."""
        if (log := self._log(interval)) is not None:
            log.orders = (*log.orders, order)
            if shrunk:
                log.shrunk = (*log.shrunk, order.order.participant)

    def withheld(self, interval: int, account: int) -> None:
        """As `Diary` has it."""
        if (log := self._log(interval)) is not None:
            log.shrunk = (*log.shrunk, account)

    def flowed(self, interval: int, account: int, flow: Flow, reading: MeterReading) -> None:
        """As `Diary` has it."""
        if (log := self._log(interval)) is not None:
            log.flows[account] = flow
            log.readings[account] = reading

    def judged(self, interval: int, judgement: Judgement) -> None:
        """As `Diary` has it."""
        if (log := self._log(interval)) is not None:
            log.judgement = judgement

    def settled(self, interval: int, cash: Sequence[int]) -> None:
        """What an interval's settlement changed, base units, by account."""
        if (log := self._log(interval)) is not None:
            log.cash = tuple(cash)


_NOTES = {
    "EnvelopePublished": Recorder._enveloped,
    "Cleared": Recorder._cleared,
    "Reported": Recorder._reported,
    "Expired": Recorder._expired,
    "Attested": Recorder._attested,
    "BatchSettled": Recorder._settled,
}
