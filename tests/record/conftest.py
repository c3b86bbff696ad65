"""Half a day of brooklyn-10 on the embedded chain: trades, cuts, imbalance and losses, really settled."""

from __future__ import annotations

import pytest

from peerwatt.record.results import ReplayResult
from peerwatt.replay.run import replay_scenario
from peerwatt.scenario.loading import load_scenario

TO_NOON = 50


@pytest.fixture(scope="session")
def settled() -> ReplayResult:
    return replay_scenario(load_scenario("brooklyn-10"), "eth-tester", 1, TO_NOON)
