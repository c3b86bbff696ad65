"""What the market has of an interval besides what a member followed: it judges whole intervals or none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from peerwatt.chain import ContractReverted
from peerwatt.client import Head, IntervalState, MarketClient
from peerwatt.market.interval_ring import Phase
from peerwatt.market.market_rules import MarketConfig
from peerwatt.oracle.chain_follower import ChainFollower


@dataclass(frozen=True)
class Checked:
    """One interval, as the market's newest state has it.

    Attributes:
        state: the market's.
        lacks: what of it was not followed yet, one line; empty where nothing.
    """

    state: IntervalState
    lacks: str


class MarketCheck:
    """Compares what was followed with the market, by a call for every interval that is not decided.

    A node's logs may lag behind its state, or be those of another node. What is missing comes with the next
    blocks, and until then `Checked.lacks` says what it is; where it does not come, it is read again.
    """

    def __init__(self, client: MarketClient, config: MarketConfig, follower: ChainFollower) -> None:
        """
        Args:
            client: the market.
            config: its clock.
            follower: what was followed.
        """
        self._client = client
        self._config = config
        self._follower = follower
        self._since: dict[int, tuple[str, int]] = {}
        self._read_at = 0

    def check(self, undecided: Iterable[int], head: Head) -> dict[int, Checked]:
        """The undecided intervals that the market has, those of which nothing was followed included.

        Args:
            undecided: those that were followed.
            head: the newest block.
        """
        closed = {interval for interval in undecided if head.time >= self._config.book_closure(interval)}
        seen = self._follower.followed
        wanted = closed | {number for number in self._reported_now(head) if seen.verdict(number) is None}
        found: dict[int, Checked] = {}
        for interval in sorted(wanted):
            try:
                state = self._client.interval(interval)
            except ContractReverted:
                # Nobody posted to it, or its slot holds another one by now.
                continue
            if state.batches:
                found[interval] = Checked(state, self._lacks(state))
        self._read_again_what_stays_away(found, head)
        return found

    def _reported_now(self, head: Head) -> range:
        """The intervals whose report may be due."""
        config = self._config
        newest = (head.time + config.gate_lead - config.reveal_window) // config.interval_length
        length = config.report_window // config.interval_length + 2
        return range(max(0, newest - length + 1), newest + 1)

    def _lacks(self, state: IntervalState) -> str:
        seen, interval = self._follower.followed, state.number
        missing = state.batches - seen.batches(interval)
        if missing > 0:
            return f"{missing} of {state.batches} batches are missing"
        if state.phase >= Phase.CLEARED and seen.clearing(interval) is None:
            return "its clearing is missing"
        if state.phase >= Phase.GATED and seen.verdict(interval) is None:
            return "its verdict is missing"
        return ""

    def _read_again_what_stays_away(self, found: dict[int, Checked], head: Head) -> None:
        """What is missing for longer than confirmations take was left out of the logs."""
        lacking = {interval: each.lacks for interval, each in found.items() if each.lacks}
        self._since = {
            interval: self._since[interval]
            if self._since.get(interval, ("", 0))[0] == lacks
            else (lacks, head.number)
            for interval, lacks in lacking.items()
        }
        patience = self._follower.confirmations + 2
        late = [n for n, (_, since) in self._since.items() if head.number - since > patience]
        if late and head.number - self._read_at > patience and not self._follower.waits:
            self._read_at = head.number
            self._follower.read_again()
