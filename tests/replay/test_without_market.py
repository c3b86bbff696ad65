"""Whatever is ordered, what flows is what would flow without a market: a saving is the trade's own margin."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.record.bills import bill_lines, forecast_error_cost, interval_terms
from peerwatt.record.results import ReplayResult
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.scenario import variants
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

DAY, MORNING = 96, 30


def rehearsed(scenario: Scenario, seed: int, mechanism: str, intervals: int = DAY) -> ReplayResult:
    return rehearse_scenario(variants.under(scenario, mechanism), seed, intervals)


def assert_nobody_loses(scenario: Scenario, result: ReplayResult) -> None:
    """For every home and interval, in integers."""
    terms, tariff = interval_terms(result.intervals, result.orders), scenario.tariff
    for each in result.settlements:
        assert each.exported_wh == each.without_market_wh, each
        assert each.unpaid_surplus_wh == 0, each
        without = tariff.retail * each.imported_wh - tariff.feed_in * each.without_market_wh
        saving = without - bill_lines(each, terms[each.interval], tariff).total
        missed = forecast_error_cost(each, terms[each.interval], tariff)
        assert missed >= 0, each
        assert saving + missed >= 0, each


@pytest.mark.parametrize("mechanism", ["uniform", "mid-market", "sdr", "mcafee", "pay-as-bid"])
def test_nobody_is_poorer_on_the_default_day_than_without_a_market_but_for_missed_forecasts(
    scenario: Scenario, mechanism: str
) -> None:
    result = rehearsed(scenario, scenario.seed, mechanism)
    assert_nobody_loses(scenario, result)
    assert result.summary.verdicts["curtail"] > 0
    assert not any(p.loses for p in result.participants)


@pytest.mark.parametrize("zone", ["rural", "suburban", "urban"])
def test_nor_in_the_zones_of_a_pilot(zone: str) -> None:
    scenario = from_interval(load_scenario(f"brooklyn-300/{zone}"), MORNING)
    assert_nobody_loses(scenario, rehearsed(scenario, scenario.seed, "mcafee", 24))


def test_nor_with_inverters_that_support_the_voltage(scenario: Scenario) -> None:
    noon = replace(from_interval(scenario, MORNING), rules=replace(scenario.rules, volt_var=True))
    assert_nobody_loses(noon, rehearsed(noon, 1, "uniform", 24))


def test_under_the_least_total_who_does_not_trade_may_lose(scenario: Scenario) -> None:
    """Which is why it does not promise what equal shares do."""
    least = replace(scenario, rules=replace(scenario.rules, curtailment="least"))
    result = rehearsed(least, 1, "uniform")
    assert any(each.exported_wh < each.without_market_wh for each in result.settlements)


def test_within_envelopes_exports_are_those_of_the_envelope(scenario: Scenario) -> None:
    """Published limits bind also where the forecast alone breaks nothing: they may hold more back."""
    enveloped = variants.enveloped(from_interval(scenario, MORNING), True)
    result = rehearsed(enveloped, 1, "uniform", 24)
    assert any(each.exported_wh < each.without_market_wh for each in result.settlements)
    assert result.summary.verdicts["curtail"] == result.summary.verdicts["void"] == 0
