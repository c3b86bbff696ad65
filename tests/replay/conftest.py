"""One whole default day on the embedded chain, replayed once for all the tests that look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from peerwatt.chain import open_network
from peerwatt.record.derivation import results
from peerwatt.record.replayed import Replayed
from peerwatt.record.results import ReplayResult
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

DAY = 96


@dataclass(frozen=True)
class Day:
    """A replay, and the results that were derived from it."""

    replayed: Replayed
    result: ReplayResult


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="session")
def replayed_on(scenario: Scenario) -> Callable[[str, int, int], Day]:
    """A function that replays some intervals on a chain under a seed."""

    def replay(chain: str, seed: int, intervals: int) -> Day:
        genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
        with open_network(chain, genesis_time=genesis, sealed=True) as network:
            replayed = Replay(scenario, network, seed, intervals).run()
        return Day(replayed, results(replayed))

    return replay


@pytest.fixture(scope="session")
def default_day(scenario: Scenario, replayed_on: Callable[[str, int, int], Day]) -> Day:
    return replayed_on("eth-tester", scenario.seed, DAY)
