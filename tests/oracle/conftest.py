"""The default scenario and its feeder's solver, which most of these tests judge with."""

import pytest

from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="session")
def solver(scenario: Scenario) -> PowerFlow:
    return PowerFlow(scenario.feeder)
