"""Network charges recover their total to the base unit; envelopes are safe and adapt to the state of the
network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.grid.connection import spread
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.operating_envelope import operating_envelope
from peerwatt.grid.rounding import bounded_largest_remainder, largest_remainder
from peerwatt.grid.shares.network_charges import CHARGE_RULES, by_zone, network_charges
from tests.grid.conftest import Background

Interval = Callable[..., Exchange]


@pytest.mark.parametrize("rule", sorted(CHARGE_RULES))
@pytest.mark.parametrize("total", [0, 1, 999_983])
def test_charges_recover_the_total_exactly(feeder: Feeder, interval: Interval, rule: str, total: int) -> None:
    x = interval(44)
    charges = network_charges(feeder, x.nodes, x.sell_wh, x.buy_wh, total, CHARGE_RULES[rule])
    assert int(charges.sum()) == total
    assert (charges >= 0).all()
    assert not charges[(x.sell_wh == 0) & (x.buy_wh == 0)].any()


def test_the_farther_buyer_pays_more_by_distance_and_the_same_uniformly(feeder: Feeder) -> None:
    nodes = np.array([feeder.node(f"LV2.101 Bus {k}") for k in (40, 61, 41)])
    sell, buy = np.array([1000, 0, 0]), np.array([0, 500, 500])
    for rule in ("distance_thevenin", "distance_ptdf"):
        near, far = network_charges(feeder, nodes, sell, buy, 10_000, CHARGE_RULES[rule])[1:]
        assert near < far
    assert network_charges(feeder, nodes, sell, buy, 10_000).tolist() == [0, 5_000, 5_000]


def test_the_uniform_rule_is_the_network_fee_of_a_market_without_named_charges(
    feeder: Feeder, interval: Interval
) -> None:
    x = interval(44)
    fee = 15
    charges = network_charges(feeder, x.nodes, x.sell_wh, x.buy_wh, fee * int(x.buy_wh.sum()))
    assert charges.tolist() == (fee * x.buy_wh).tolist()


def test_trades_across_zones_pay_both_zones(feeder: Feeder) -> None:
    nodes = np.array([feeder.node(f"LV2.101 Bus {k}") for k in (40, 61, 41)])
    zones = {"LV2.101 Bus 40": "a", "LV2.101 Bus 61": "a", "LV2.101 Bus 41": "b"}
    sell, buy = np.array([1000, 0, 0]), np.array([0, 500, 500])
    charges = network_charges(feeder, nodes, sell, buy, 8_000, by_zone(zones, {"a": 1.0, "b": 2.0}))
    assert charges.tolist() == [4_000, 1_000, 3_000]
    with pytest.raises(FeederError, match="is in no zone"):
        network_charges(feeder, nodes, sell, buy, 8_000, by_zone({"LV2.101 Bus 40": "a"}))


@given(
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50)), min_size=1, max_size=12),
    st.floats(0, 1),
)
def test_a_bounded_share_keeps_its_bound_and_the_total(each: list[tuple[float, int]], share: float) -> None:
    weights, most = np.array([w for w, _ in each]), np.array([m for _, m in each])
    total = int(share * most.sum())
    shares = bounded_largest_remainder(weights, total, most)
    assert int(shares.sum()) == total
    assert ((shares >= 0) & (shares <= most)).all()
    if (largest_remainder(weights + 1e-9, total) <= most).all() and weights.min() > 0.1:
        np.testing.assert_array_equal(shares, largest_remainder(weights, total))


def test_a_charge_beyond_its_bound_falls_to_the_others(feeder: Feeder) -> None:
    nodes = np.array([feeder.node(f"LV2.101 Bus {k}") for k in (40, 61, 41)])
    sell, buy = np.array([1000, 0, 0]), np.array([0, 500, 500])
    rule, most = CHARGE_RULES["distance_ptdf"], np.array([5_000, 5_000, 2_600])
    free = network_charges(feeder, nodes, sell, buy, 10_000, rule)
    bounded = network_charges(feeder, nodes, sell, buy, 10_000, rule, most)
    assert free[2] > 2_600 == bounded[2]
    assert int(bounded.sum()) == 10_000
    with pytest.raises(ValueError, match="cannot share 10000"):
        network_charges(feeder, nodes, sell, buy, 10_000, rule, np.array([100, 100, 100]))


def test_envelopes_are_feasible_when_fully_used_and_shrink_with_the_sun(
    solver: PowerFlow, interval: Interval, background: Background
) -> None:
    x = interval(0)
    export = np.array([22_600, 9_800, 11_000, 27_600, 83_300, 0, 0, 0, 0, 0])
    drawn = np.full(10, 24_100)
    found = {}
    for name, k in (("night", 4), ("noon", 44)):
        p, q = background.p_w[k], background.q_var[k]
        found[name] = envelope = operating_envelope(solver, x.nodes, export, drawn, p, q)
        assert envelope.violations == ()
        assert (envelope.injection_w % 100 == 0).all()
        assert (envelope.injection_w <= export).all()
        for sign, power in ((1, envelope.injection_w), (-1, envelope.offtake_w)):
            used = p + sign * spread(power.astype(np.float64), x.nodes, None, solver.nodes)
            assert find_violations(solver.feeder, solver.solve(used, q)) == ()
    assert found["noon"].injection_w.sum() < 0.5 * found["night"].injection_w.sum()
    assert found["noon"].offtake_w.sum() >= found["night"].offtake_w.sum()


def test_what_is_expected_is_spared_first_and_the_whole_stays_feasible(
    solver: PowerFlow, interval: Interval, background: Background
) -> None:
    x, p, q = interval(44), background.p_w[44], background.q_var[44]
    export = np.array([22_600, 9_800, 11_000, 27_600, 83_300, 0, 0, 0, 0, 0])
    drawn = np.full(10, 24_100)
    expected = np.minimum((x.export_wh * x.w_per_wh).astype(np.int64), export), np.full(10, 1_000)
    blind = operating_envelope(solver, x.nodes, export, drawn, p, q)
    knowing = operating_envelope(solver, x.nodes, export, drawn, p, q, expected_w=expected)
    assert (knowing.injection_w <= export).all()

    def kept(injection_w: np.ndarray) -> int:
        return int(np.minimum(injection_w, expected[0]).sum())

    assert kept(knowing.injection_w) > kept(blind.injection_w)
    net = knowing.injection_w - expected[1]
    used = p + spread(net.astype(np.float64), x.nodes, None, solver.nodes)
    assert find_violations(solver.feeder, solver.solve(used, q)) == ()


def test_an_envelope_says_what_is_violated_without_the_participants(
    solver: PowerFlow, interval: Interval, background: Background
) -> None:
    x, p = interval(0), background.p_w[4].copy()
    p[30] += 120e3
    envelope = operating_envelope(solver, x.nodes, np.full(10, 5_000), np.full(10, 5_000), p)
    assert envelope.violations
    assert envelope.injection_w.sum() < 50_000
