"""Network charges recover their total to the base unit; envelopes are safe and adapt to the state of the
network.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from peerwatt.grid.background import Background
from peerwatt.grid.connection import spread
from peerwatt.grid.errors import FeederError
from peerwatt.grid.exchange import Exchange
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.limits import find_violations
from peerwatt.grid.network_charges import CHARGE_RULES, by_zone, network_charges
from peerwatt.grid.operating_envelope import operating_envelope
from peerwatt.grid.power_flow import PowerFlow

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
    for rule in ("thevenin", "transfer"):
        near, far = network_charges(feeder, nodes, sell, buy, 10_000, CHARGE_RULES[rule])[1:]
        assert near < far
    near, far = network_charges(feeder, nodes, sell, buy, 10_000)[1:]
    assert near == far == 2_500


def test_trades_across_zones_pay_both_zones(feeder: Feeder) -> None:
    nodes = np.array([feeder.node(f"LV2.101 Bus {k}") for k in (40, 61, 41)])
    zones = {"LV2.101 Bus 40": "a", "LV2.101 Bus 61": "a", "LV2.101 Bus 41": "b"}
    sell, buy = np.array([1000, 0, 0]), np.array([0, 500, 500])
    charges = network_charges(feeder, nodes, sell, buy, 8_000, by_zone(zones, {"a": 1.0, "b": 2.0}))
    assert charges.tolist() == [4_000, 1_000, 3_000]
    with pytest.raises(FeederError, match="is in no zone"):
        network_charges(feeder, nodes, sell, buy, 8_000, by_zone({"LV2.101 Bus 40": "a"}))


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


def test_an_envelope_says_what_is_violated_without_the_participants(
    solver: PowerFlow, interval: Interval, background: Background
) -> None:
    x, p = interval(0), background.p_w[4].copy()
    p[30] += 120e3
    envelope = operating_envelope(solver, x.nodes, np.full(10, 5_000), np.full(10, 5_000), p)
    assert envelope.violations
    assert envelope.injection_w.sum() < 50_000
