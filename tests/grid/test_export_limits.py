"""What flows is judged by forecasts: no order moves the limits of anybody's export."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment_rules import fair_cut, least_cut
from peerwatt.grid.gate.decision import decide
from peerwatt.grid.gate.export_limits import export_limits
from peerwatt.grid.gate.network import network_of
from peerwatt.grid.gate.rules import GridRules
from peerwatt.verdict import Verdict
from tests.grid.small_feeders import lane, ring, square, street

Interval = Callable[[int], Exchange]


def without_orders(x: Exchange) -> Exchange:
    none = np.zeros_like(x.sell_wh)
    return replace(x, sell_wh=none, buy_wh=none)


def random_trades(x: Exchange, draws: np.random.Generator) -> Exchange:
    """Fills of orders that have nothing to do with what is forecast: sales, purchases, of some their own."""
    n = len(x.participants)
    sell = draws.integers(0, 12_000, n) * draws.integers(0, 2, n)
    buy = np.roll(sell, int(draws.integers(0, n)))
    return replace(x, sell_wh=sell, buy_wh=buy)


def test_a_purchase_beyond_the_forecast_is_no_load(solver: PowerFlow, interval: Interval) -> None:
    noon = interval(44)
    own = np.full_like(noon.sell_wh, 5_000)
    before = decide(solver, without_orders(noon), rule=fair_cut)
    bought = decide(solver, replace(noon, sell_wh=own, buy_wh=own), rule=fair_cut)
    assert before.violations_before
    np.testing.assert_array_equal(bought.sell_wh + bought.surplus_wh, before.surplus_wh)
    assert bought.after.u_pu.tobytes() == before.after.u_pu.tobytes()


@pytest.mark.parametrize("volt_var", [False, True])
@pytest.mark.parametrize("k", [36, 44, 56, 4])
def test_no_orders_move_what_anybody_may_feed_in(
    k: int, volt_var: bool, solver: PowerFlow, interval: Interval
) -> None:
    draws, rules = np.random.default_rng(k), GridRules(volt_var=volt_var)
    noon, rating = interval(k), np.full(len(interval(k).nodes), 12e3)
    alone = rules.export_limits(solver, without_orders(noon), rating)
    for _ in range(4):
        found = rules.decide(solver, random_trades(noon, draws), rating)
        if alone.bind:
            assert found.allowed_wh is not None
            np.testing.assert_array_equal(found.allowed_wh, alone.most_wh)
            np.testing.assert_array_equal(found.sell_wh + found.surplus_wh, alone.most_wh)
        else:
            assert found.allowed_wh is None
        assert int(found.sell_wh.sum()) == int(found.buy_wh.sum())


def test_sales_beyond_the_forecast_that_the_feeder_cannot_carry_are_cut_to_it_and_surplus_flows(
    solver: PowerFlow, interval: Interval
) -> None:
    calm = interval(4)
    sell = np.full_like(calm.sell_wh, 30_000)
    oversold = replace(calm, sell_wh=sell, buy_wh=sell)
    assert not decide(solver, without_orders(calm), rule=fair_cut).violations_before
    found = decide(solver, oversold, rule=fair_cut)
    assert found.violations_before
    np.testing.assert_array_equal(found.sell_wh, calm.export_wh)
    assert found.allowed_wh is None
    assert found.verdict == (Verdict.CURTAIL if calm.export_wh.any() else Verdict.VOID)
    assert not found.violations_after


def test_sales_beyond_the_forecast_that_the_feeder_can_carry_stand(
    solver: PowerFlow, interval: Interval
) -> None:
    calm = interval(4)
    sell = calm.export_wh + 10
    found = decide(solver, replace(calm, sell_wh=sell, buy_wh=sell), rule=fair_cut)
    assert found.verdict == Verdict.ACCEPT
    np.testing.assert_array_equal(found.sell_wh, sell)


def test_sales_that_would_hold_up_a_low_voltage_change_no_limit() -> None:
    """A load too heavy for the feeder beside sun that is not: what an order makes up mends nothing."""
    solver = PowerFlow(lane())
    none, nodes = np.zeros(3, dtype=np.int64), np.array([2, 3, 4])
    drawn, export = np.array([0, 0, 100_000]), np.array([4_000, 0, 0])
    empty = np.zeros((solver.nodes, 3))
    x = Exchange(3600, range(3), nodes, none, none, export, drawn, empty, None, np.zeros(3, dtype=np.int64))
    alone = decide(solver, x, rule=fair_cut)
    assert {v.quantity for v in alone.violations_before} >= {"undervoltage"}
    assert alone.verdict == Verdict.ACCEPT
    sold = replace(x, sell_wh=np.array([0, 0, 60_000]), buy_wh=np.array([60_000, 0, 0]))
    found = decide(solver, sold, rule=fair_cut)
    assert found.without_market.most_wh.tobytes() == alone.without_market.most_wh.tobytes()
    assert found.allowed_wh is None


def test_the_same_share_of_the_forecast_is_kept_by_all_who_weigh_on_a_limit(
    solver: PowerFlow, interval: Interval
) -> None:
    noon = interval(44)
    limits = export_limits(network_of(solver, noon), noon.export_wh, noon.w_per_wh)
    there = noon.export_wh > 0
    shares = limits.most_wh[there] / noon.export_wh[there]
    assert np.ptp(shares) < 1e-3
    assert not find_violations(solver.feeder, limits.flow)


def test_least_lets_those_who_trade_keep_more_than_they_would_without_a_market(
    solver: PowerFlow, interval: Interval
) -> None:
    """Which is why it does not promise that nobody loses."""
    noon = interval(44)
    found = decide(solver, noon, rule=least_cut)
    assert found.allowed_wh is not None
    assert (found.allowed_wh > found.without_market.most_wh).any()
    assert (found.allowed_wh < found.without_market.most_wh).any()


@pytest.mark.parametrize(("build", "watts"), [(street, 60e3), (lane, 30e3), (square, 60e3), (ring, 4e6)])
def test_no_orders_move_limits_on_phases_and_rings(build: Callable[[], Feeder], watts: float) -> None:
    solver, k, bound = PowerFlow(build()), 5, 0
    three = solver.feeder.three_phase
    for seed in range(4):
        draws = np.random.default_rng([seed, 7])
        where, phases = draws.integers(1 + three, solver.nodes, k), draws.integers(0, 4, k)
        export, drawn = draws.integers(0, int(watts), k), draws.integers(0, int(watts / 15), k)
        none, empty = np.zeros(k, dtype=np.int64), np.zeros((solver.nodes, 3) if three else solver.nodes)
        connected = phases if three else None
        x = Exchange(3600, range(k), where, none, none, export, drawn, empty, None, connected)
        alone = decide(solver, x, rule=fair_cut)
        found = decide(solver, random_trades(x, draws), rule=fair_cut)
        assert (found.allowed_wh is None) == (alone.allowed_wh is None)
        if alone.allowed_wh is not None and found.allowed_wh is not None:
            bound += 1
            np.testing.assert_array_equal(found.allowed_wh, alone.allowed_wh)
            assert found.after.u_pu.tobytes() == alone.after.u_pu.tobytes()
    assert bound
