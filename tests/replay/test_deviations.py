"""No home gains by staying out or by orders that are not meant, and none moves what flows."""

from __future__ import annotations

import pytest

from peerwatt.messages import Order, Side, SkipReason, Step
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.deviations import (
    DEVIATIONS,
    Day,
    Deviating,
    Deviation,
    asks,
    buys_from_itself,
    scaled,
    sham_bid,
    stays_out,
)
from peerwatt.replay.rehearsal import Rehearsal
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

INTERVALS = 96
NOON = range(36, 60)
SHAMS: dict[str, Deviation] = {
    "oversells": scaled(300),
    "sham bid at the floor": sham_bid(82, 5_000),
    "sham bid at the ceiling": sham_bid(10_000, 5_000),
    "buys from itself": buys_from_itself,
}


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="module")
def feeder(scenario: Scenario) -> SolvedFeeder:
    return SolvedFeeder(scenario, scenario.seed)


@pytest.fixture(scope="module")
def day(scenario: Scenario, feeder: SolvedFeeder) -> Day:
    return Day(scenario, feeder)


def require_staying_out_never_pays(scenario: Scenario, feeder: SolvedFeeder, day: Day) -> None:
    """Neither all day, nor only where the network operator limits exports, which everybody can foresee."""
    limited = [t for t in range(INTERVALS) if feeder.without_market.allowed(t) is not None]
    for home in scenario.participants:
        out = day.payments({home.name: stays_out})[home.account]
        own = day.usual[home.account]
        assert sum(out) >= sum(own), f"{home.name} saves {sum(own) - sum(out)} by staying out all day"
        gain = sum(own[t] - out[t] for t in limited)
        assert gain <= 0, f"{home.name} saves {gain} by staying out where exports are limited"


def test_staying_out_never_pays_on_the_default_day(
    scenario: Scenario, feeder: SolvedFeeder, day: Day
) -> None:
    assert sum(feeder.without_market.allowed(t) is not None for t in range(INTERVALS)) > 20
    require_staying_out_never_pays(scenario, feeder, day)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 6))
@pytest.mark.parametrize("number", range(7))
def test_staying_out_never_pays_on_any_day_of_the_week(number: int, seed: int) -> None:
    scenario = from_interval(load_scenario("brooklyn-10"), number * INTERVALS)
    feeder = SolvedFeeder(scenario, seed)
    require_staying_out_never_pays(scenario, feeder, Day(scenario, feeder))


@pytest.mark.parametrize("name", SHAMS)
@pytest.mark.parametrize("who", ["works", "ada"])
def test_orders_that_are_not_meant_earn_nothing(day: Day, name: str, who: str) -> None:
    assert day.gain({who: SHAMS[name]}) <= 0


def test_two_who_buy_and_sell_to_one_another_what_is_not_there_pay_for_it(day: Day) -> None:
    assert day.gain({"works": scaled(200), "ada": sham_bid(10_000, 5_000, limited_only=True)}) < 0


def logs_of(scenario: Scenario, feeder: SolvedFeeder, deviations: dict[str, Deviation]) -> list[IntervalLog]:
    residents = {
        home.account: Deviating(scenario, home, deviations[home.name], feeder)
        for home in scenario.participants
        if home.name in deviations
    }
    return list(Rehearsal(scenario, feeder.seed, INTERVALS, residents=residents, feeder=feeder).run().logs)


@pytest.mark.parametrize("names", [("works",), ("works", "ada")])
def test_no_order_of_one_or_two_homes_moves_what_flows(
    scenario: Scenario, feeder: SolvedFeeder, names: tuple[str, ...]
) -> None:
    usual = logs_of(scenario, feeder, {})
    for deviation in (scaled(300), sham_bid(10_000, 5_000)):
        found = logs_of(scenario, feeder, dict.fromkeys(names, deviation))
        assert [log.flows for log in found] == [log.flows for log in usual]
        assert any(found[t].orders != usual[t].orders for t in NOON)


def test_an_order_that_buys_from_itself_is_skipped(scenario: Scenario, feeder: SolvedFeeder) -> None:
    noon = logs_of(scenario, feeder, {"works": buys_from_itself})[48]
    [works] = [home.account for home in scenario.participants if home.name == "works"]
    assert (works, SkipReason.MALFORMED_STEPS) in [(skip.participant, skip.reason) for skip in noon.skipped]


def test_who_asks_more_gains_only_by_the_price_that_it_moves(scenario: Scenario, day: Day) -> None:
    """Market power is real under a uniform price: the largest seller gains, and this much."""
    [works] = [home.account for home in scenario.participants if home.name == "works"]
    paid = day.payments({"works": asks(240)})
    assert 0 < sum(day.usual[works]) - sum(paid[works]) < 1_500_000
    assert sum(sum(day.usual[other]) - sum(paid[other]) for other in paid if other != works) < 0


def test_only_intervals_in_which_somebody_deviates_are_rehearsed_again_and_nothing_else_changes(
    scenario: Scenario, feeder: SolvedFeeder, day: Day
) -> None:
    found = day.payments({"works": asks(240), "bakery": scaled(50)})
    logs = logs_of(scenario, feeder, {"works": asks(240), "bakery": scaled(50)})
    for log in logs:
        for account in log.accepted:
            assert found[account][log.index] == -log.cash[account]


def test_every_deviation_of_the_search_is_an_order_or_none(scenario: Scenario, feeder: SolvedFeeder) -> None:
    for name, deviation in DEVIATIONS.items():
        for home in scenario.participants:
            resident = Deviating(scenario, home, deviation, feeder)
            for index in (0, 20, 48, 80):
                order = resident.order(scenario.calendar.first + index)
                if order is None:
                    continue
                ascending = Order(order.interval, order.participant, tuple(sorted(order.steps)))
                assert order == ascending, name
                assert 0 < len(order.steps) <= 8, name
                assert order.total(Side.SELL) <= scenario.connection(home).export_wh, name
                assert order.total(Side.BUY) <= scenario.connection(home).import_wh, name
                assert all(isinstance(step, Step) and step.quantity > 0 for step in order.steps)
