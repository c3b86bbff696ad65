"""The default scenario and its feeder's solver, which most of these tests judge with."""

import pytest

from peerwatt.grid.power_flow import PowerFlow
from peerwatt.pilot.scenario import Scenario, load_scenario


@pytest.fixture(scope="session")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="session")
def solver(scenario: Scenario) -> PowerFlow:
    return PowerFlow(scenario.feeder)
