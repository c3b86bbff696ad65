"""A scenario's market on its chain, and who looks on: its view, the reference twin and the recorder."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peerwatt.chain import Deployment, Network, Sender
from peerwatt.client import MarketClient, MarketView
from peerwatt.errors import InputError
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.founding import deploy_scenario, fund_market, fund_roles
from peerwatt.replay.recorder import Recorder
from peerwatt.replay.twin_observer import TwinObserver
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """A market, and who looks on.

    Attributes:
        client: the market, through the relayer's key.
        first: interval on chain of the scenario's first one.
        initial: cash of every account before the first interval, base units.
        view: what the chain tells.
        twin: the reference.
        recorder: of the intervals.
    """

    client: MarketClient
    first: int
    initial: tuple[int, ...]
    view: MarketView
    twin: TwinObserver
    recorder: Recorder

    def observe(self) -> None:
        """Look at what the chain has new, and compare."""
        self.view.follow()
        self.twin.check()

    def finish(self, interval: int) -> IntervalLog:
        """The log of an interval that is over; nothing but the chain holds it any more."""
        self.twin.forget(interval - self.view.keep)
        return self.recorder.finish(interval)

    def save(self) -> object:
        """Everything that is not on the chain, for `restored`."""
        return (
            *(self.client.deployment, self.first, self.initial),
            *(self.view.save(), self.twin.save(), self.recorder.save()),
        )


def founded(
    network: Network, scenario: Scenario, keys: PilotKeys, intervals: int, deployments: Path | None = None
) -> Watched:
    """A scenario's market, new on its chain.

    Args:
        network: the chain.
        scenario: whose market.
        keys: of everybody.
        intervals: how many shall be replayed.
        deployments: folder in which its addresses are kept; None where nobody needs them later.
    """
    deployment = deploy_scenario(network, scenario, keys)
    if deployments is not None:
        try:
            log.info("the market's addresses: %s", deployment.keep(deployments))
        except InputError as error:
            log.warning("the market's addresses are not kept: %s", error)
    client, view, twin = _watch(network, scenario, keys, deployment)
    fund_market(network, scenario, deployment, keys, intervals)
    first = _first_on_chain(network, scenario)
    recorder = Recorder(scenario.market, view, first, scenario.calendar.first, intervals)
    view.follow()
    view.tell(recorder)
    twin.settled = recorder.settled
    twin.read_books()
    fund_roles(network, scenario, keys)
    initial = tuple(cash for cash, _ in twin.books.balances)
    return Watched(client, first, initial, view, twin, recorder)


def restored(network: Network, scenario: Scenario, keys: PilotKeys, intervals: int, saved: Any) -> Watched:
    """A market that is on its chain already, watched on from its newest block.

    Args:
        network: the chain, in the state in which `saved` was.
        scenario: whose market.
        keys: of everybody.
        intervals: how many shall be replayed.
        saved: what `Watched.save` gave.
    """
    deployment, first, initial, seen, compared, recorded = saved
    client, view, twin = _watch(network, scenario, keys, deployment)
    recorder = Recorder(scenario.market, view, first, scenario.calendar.first, intervals)
    view.restore(seen)
    twin.restore(compared)
    recorder.restore(recorded)
    view.tell(recorder)
    twin.settled = recorder.settled
    return Watched(client, first, initial, view, twin, recorder)


def _watch(
    network: Network, scenario: Scenario, keys: PilotKeys, deployment: Deployment
) -> tuple[MarketClient, MarketView, TwinObserver]:
    client = MarketClient(network, deployment, Sender(network, keys.relayer))
    view = client.watch()
    twin = TwinObserver(client, scenario.market, scenario.tariff, keys.metering_operator.address)
    view.tell(twin)
    return client, view, twin


def _first_on_chain(network: Network, scenario: Scenario) -> int:
    """The interval that the scenario's first one is replayed as.

    Itself, or where the chain's clock is past it already, the next one at the same time of day.
    """
    first, per_day = scenario.calendar.first, scenario.calendar.per_day
    earliest = network.latest_timestamp() // scenario.market.interval_length + per_day
    return first + max(0, -(-(earliest - first) // per_day)) * per_day if earliest > first else first
