"""Without a market the same feeder limits the same exports, whatever the market would be."""

from __future__ import annotations

import pytest

from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import Clearing
from peerwatt.oracle import ClearedInterval, judge
from peerwatt.scenario.counterfactual import Counterfactual, counterfactual
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import chosen

NIGHT, NOON = 8, 44


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="module")
def without_market(scenario: Scenario) -> Counterfactual:
    return counterfactual(scenario)


def test_at_noon_everybody_who_exports_is_limited_and_at_night_nobody(
    without_market: Counterfactual, scenario: Scenario
) -> None:
    assert without_market.allowed(NIGHT) is None
    allowed = without_market.allowed(NOON)
    assert allowed is not None
    for home in scenario.participants:
        flow = without_market.flow(NOON, home)
        assert flow.exported <= allowed[home.account]
        paid = scenario.tariff.retail * flow.imported - scenario.tariff.feed_in * flow.exported
        assert without_market.payment(NOON, home) == paid


def test_the_limits_are_those_of_the_oracle_on_the_documents_that_its_members_have(
    without_market: Counterfactual, scenario: Scenario
) -> None:
    solver, forecasts = PowerFlow(scenario.feeder), ScenarioForecasts(scenario, scenario.seed, 0)
    for index in (NIGHT, 36, NOON, 60):
        forecast = forecasts.forecast(index).on(scenario.feeder)
        nothing = ClearedInterval(index, scenario.calendar.length_s, Clearing(), b"\x07" * 32, ())
        assert judge(nothing, forecast, solver, scenario.rules).allowed_export() == without_market.allowed(
            index
        )


def test_it_is_the_same_under_every_rule_sealed_and_enveloped(
    without_market: Counterfactual, scenario: Scenario
) -> None:
    home = scenario.participants[0]
    for mechanism, sealed, envelope in (
        ("mid-market", None, None),
        ("mcafee", True, None),
        (None, None, True),
    ):
        other = counterfactual(chosen(scenario, mechanism, sealed, envelope))
        assert other.payment(NOON, home) == without_market.payment(NOON, home)


def test_another_seed_is_another_forecast(without_market: Counterfactual, scenario: Scenario) -> None:
    assert counterfactual(scenario, 99).allowed(NOON) != without_market.allowed(NOON)
