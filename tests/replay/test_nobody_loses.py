"""Nobody loses by joining: no home pays more than without a market, but for what its forecasts missed.

Every home and every interval under the four rules that promise it.
"""

from __future__ import annotations

from itertools import product

import pytest

from peerwatt.record.bills import bill_lines, forecast_error_cost, interval_terms
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import under

PROMISED = ("uniform", "mid-market", "sdr", "mcafee")
ZONES = ("brooklyn-300/rural", "brooklyn-300/suburban", "brooklyn-300/urban")
SEEDS = range(1, 21)


def day_of(name: str, day: int) -> Scenario:
    scenario = load_scenario(name)
    return from_interval(scenario, day * scenario.calendar.per_day)


def require_nobody_loses(scenario: Scenario, seed: int, rules: tuple[str, ...]) -> None:
    """Rehearse one day under each rule, and look at each home in each interval."""
    feeder, tariff = SolvedFeeder(scenario, seed), scenario.tariff
    for rule in rules:
        found = rehearse_scenario(under(scenario, rule), seed, scenario.calendar.per_day, feeder=feeder)
        assert found.summary.accepted_wh > 0
        terms = interval_terms(found.intervals, found.orders)
        for settled in found.settlements:
            of_interval = terms[settled.interval]
            without = tariff.retail * settled.imported_wh - tariff.feed_in * settled.without_market_wh
            saving = without - bill_lines(settled, of_interval, tariff).total
            missed = forecast_error_cost(settled, of_interval, tariff)
            assert saving + missed >= 0, f"{rule}, seed {seed}: {settled} saves {saving} and missed {missed}"
        assert not any(home.loses for home in found.participants)


@pytest.mark.parametrize(("day", "seed"), [(0, 1), (1, 7), (2, 12), (3, 3), (4, 20), (6, 15)])
def test_no_home_of_the_week_loses_in_any_interval(day: int, seed: int) -> None:
    require_nobody_loses(day_of("brooklyn-10", day), seed, PROMISED)


@pytest.mark.parametrize(("day", "seed"), [(5, 2), (17, 9), (29, 18)])
def test_no_home_of_the_month_loses_in_any_interval(day: int, seed: int) -> None:
    require_nobody_loses(day_of("brooklyn-10-month", day), seed, PROMISED)


@pytest.mark.parametrize(("zone", "rule", "seed"), [(ZONES[0], "uniform", 5), (ZONES[2], "mcafee", 13)])
def test_no_home_among_a_hundred_loses_in_any_interval(zone: str, rule: str, seed: int) -> None:
    require_nobody_loses(day_of(zone, 0), seed, (rule,))


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("name", "day"),
    [
        *(("brooklyn-10", day) for day in range(7)),
        *(("brooklyn-10-month", day) for day in range(30)),
        *product(ZONES, (0,)),
    ],
)
def test_no_home_loses_on_any_shipped_day_under_seeds_1_to_20(name: str, day: int, seed: int) -> None:
    require_nobody_loses(day_of(name, day), seed, PROMISED)


def test_without_charges_nobody_is_charged_beyond_its_limits() -> None:
    """A seller nets at least its ask, a buyer pays at most its bid and the network fee, in each interval."""
    scenario = day_of("brooklyn-10", 0)
    found = rehearse_scenario(scenario, 4, scenario.calendar.per_day)
    least: dict[tuple[int, str], int] = {}
    for step in found.orders:
        sign = 1 if step.side == "sell" else -1
        key = step.interval, step.participant
        least[key] = least.get(key, 0) + sign * step.price * step.accepted_wh
    charged = 0
    terms = interval_terms(found.intervals, found.orders)
    for settled in found.settlements:
        income, cost = terms[settled.interval].peer_cash(settled)
        charged += settled.loss_cost
        assert income - cost - settled.loss_cost >= least.get((settled.interval, settled.participant), 0)
    assert charged > 0
