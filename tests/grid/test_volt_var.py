"""Inverters sit on their volt-var curves, and exports are cut only for what the curves cannot do."""

from __future__ import annotations

import numpy as np
import pytest

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import decide
from peerwatt.grid.gate.volt_var import CATEGORY_B, decide_with_volt_var, supported_network
from tests.grid.small_feeders import feeder_of, nodes, source, street


def overland(seed: int) -> Feeder:
    """A tree of 12.66 kV lines on which inverters of 8 MVA move the voltage by a tenth."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(3, 8))
    lines = [
        {
            "id": 100 + k,
            "from_node": int(rng.integers(max(1, k - 2), k)),
            "to_node": k,
            "from_status": 1,
            "to_status": 1,
            "r1": rng.uniform(0.3, 2.0),
            "x1": rng.uniform(0.3, 2.5),
            "c1": 0.0,
            "tan1": 0.0,
            "i_n": 2000.0,
        }
        for k in range(2, count + 1)
    ]
    limits = {"v_min_pu": 0.95, "v_max_pu": 1.05, "loading_max_percent": 100.0}
    data = {"node": nodes(*[12.66e3] * count), "source": [source(1, 1.0)], "line": lines}
    return feeder_of("overland", data, phases=1, limits=limits)


def sun(solver: PowerFlow, seed: int) -> tuple[Exchange, Floats]:
    rng = np.random.default_rng(seed)
    k = solver.nodes - 1
    none = np.zeros(k, dtype=np.int64)
    export = rng.integers(0, 5_000_000, k)
    rating = np.where(rng.random(k) < 0.8, 8e6, 0.0)
    background = np.zeros(solver.nodes)
    return Exchange(3600, range(k), np.arange(1, k + 1), none, none, export, none, background), rating


def iterated_slowly(solver: PowerFlow, x: Exchange, rating: Floats, kept: Floats) -> Floats:
    """Curve and flow in turn, in steps too small to diverge: reactive power of each inverter, var."""
    q, p = np.zeros(len(rating)), x.spread_w(kept)
    for _ in range(2500):
        u = solver.solve(p, x.spread_w(q)).u_pu[x.nodes]
        step = CATEGORY_B.q_var(u, rating, kept) - q
        q = q + 0.03 * step
        if np.abs(step).max() < 1.0:
            break
    return q


def test_strong_inverters_settle_where_slow_iteration_arrives_and_less_is_cut_for_them() -> None:
    helped = 0
    for seed in range(10):
        solver = PowerFlow(overland(seed))
        x, rating = sun(solver, seed)
        plain = decide(solver, x)
        decision, q = decide_with_volt_var(solver, x, rating)
        assert find_violations(solver.feeder, decision.after) == ()
        kept = decision.surplus_wh.astype(np.float64)
        asked = CATEGORY_B.q_var(decision.after.u_pu[x.nodes], rating, kept)
        assert np.abs(asked - q).max() <= 1e-6 * 8e6
        assert decision.surplus_wh.sum() >= plain.surplus_wh.sum()
        if seed < 3:
            np.testing.assert_allclose(iterated_slowly(solver, x, rating, kept), q, atol=100.0)
        everything = x.surplus_wh.astype(np.float64)
        alone = iterated_slowly(solver, x, rating, everything) if seed < 3 else None
        if alone is not None and not find_violations(
            solver.feeder, solver.solve(x.spread_w(everything), x.spread_w(alone))
        ):
            assert (decision.surplus_wh == x.surplus_wh).all()
        helped += int(decision.surplus_wh.sum() > plain.surplus_wh.sum() + 1_000_000)
    assert helped >= 4


@pytest.mark.parametrize("seed", range(4))
def test_slopes_of_a_supported_network_are_those_of_settled_states(seed: int) -> None:
    solver = PowerFlow(overland(seed))
    x, rating = sun(solver, seed)
    network = supported_network(solver, x, rating)
    at = 0.5 * x.surplus_wh
    _, slopes = network.linearise(at)
    voltages = slice(0, network.constraints.voltages)
    for k in range(len(at)):
        step = np.eye(len(at))[k] * 2e3
        more, less = (network.constraints.values(network.solve(at + s)) for s in (step, -step))
        np.testing.assert_allclose(((more - less) / 4e3)[voltages], slopes[voltages, k], rtol=0.02, atol=2e-8)


def test_an_inverter_sees_its_own_phase() -> None:
    solver, none = PowerFlow(street()), np.zeros(2, dtype=np.int64)
    x = Exchange(
        3600, range(2), np.array([3, 3]), none, none, np.array([14_000, 0]), none, np.zeros((4, 3)), None,
        np.array([1, 2]),
    )  # fmt: skip
    decision, q = decide_with_volt_var(solver, x, np.array([20e3, 20e3]))
    u = decision.after.u_pu[3]
    assert u[0] > u[1]
    asked = CATEGORY_B.q_var(u[:2], np.array([20e3, 20e3]), decision.surplus_wh.astype(np.float64))
    np.testing.assert_allclose(q, asked, atol=1.0)
    assert q[0] < q[1]
