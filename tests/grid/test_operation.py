"""Beyond the gate's plain decision: fairness, volt-var, system strength, islands, the continuous mode."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from power_grid_model import FaultType, PowerGridModel, initialize_array

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.admittance import admittance
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.islanded import balance_island, island
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.flow.system_strength import check_strength, short_circuit_va
from peerwatt.grid.gate.bilateral import BilateralGate, Trade
from peerwatt.grid.gate.curtailment import curtail
from peerwatt.grid.gate.curtailment_rules import fair_cut, least_cut
from peerwatt.grid.gate.decision import decide
from peerwatt.grid.gate.volt_var import CATEGORY_B, decide_with_volt_var

Interval = Callable[..., Exchange]


@pytest.mark.parametrize("k", [36, 44, 50])
def test_equal_shares_are_more_equal_and_feasible_but_cost_more(
    solver: PowerFlow, interval: Interval, k: int
) -> None:
    exchange = interval(k)
    kept = {rule: curtail(solver, exchange, rule) for rule in (least_cut, fair_cut)}
    worst, total = {}, {}
    for rule, state in kept.items():
        assert find_violations(solver.feeder, state.flow) == ()
        surplus = exchange.surplus_wh[exchange.surplus_wh > 0]
        left = state.surplus_wh[exchange.surplus_wh > 0]
        worst[rule] = float((1 - left / surplus).max())
        total[rule] = int(state.sell_wh.sum() * 10**6 + state.surplus_wh.sum())
    assert worst[fair_cut] <= worst[least_cut]
    assert total[fair_cut] <= total[least_cut]


def test_volt_var_support_comes_before_curtailment(solver: PowerFlow, interval: Interval) -> None:
    exchange = interval(44)
    rating = np.array([22.6, 9.8, 11.0, 27.6, 83.3, 0, 0, 0, 0, 0]) * 1e3
    plain = decide(solver, exchange)
    helped, q = decide_with_volt_var(solver, exchange, rating)
    assert helped.violations_after == ()
    assert int(helped.sell_wh.sum() + helped.surplus_wh.sum()) > int(
        plain.sell_wh.sum() + plain.surplus_wh.sum()
    )
    assert (q <= 0).all()
    assert (q[:5] < 0).all()
    assert (q[5:] == 0).all()
    power = (helped.sell_wh + helped.surplus_wh) * exchange.w_per_wh
    assert (np.hypot(power, q)[:5] <= rating[:5] * (1 + 1e-9)).all()
    asked = CATEGORY_B.q_var(helped.after.u_pu[exchange.nodes], rating, power)
    assert np.abs(asked - q).max() < 5.0  # the inverters sit on their curves


def test_short_circuit_power_is_power_grid_models(feeder: Feeder) -> None:
    data = {k: v.copy() for k, v in feeder.data.items()}
    data["source"]["sk"] = 100e6
    data["transformer"]["tap_pos"] = 0
    weak = Feeder(feeder.name, feeder.limits, feeder.document, data, feeder.names)
    where = feeder.node("LV2.101 Bus 40")
    fault = initialize_array("input", "fault", 1)
    fault["id"], fault["status"], fault["fault_type"] = 10**6, 1, FaultType.three_phase
    fault["fault_object"], fault["r_f"], fault["x_f"] = feeder.data["node"]["id"][where], 0.0, 0.0
    model = PowerGridModel({**data, "fault": fault})
    current = model.calculate_short_circuit(short_circuit_voltage_scaling="minimum")["fault"]["i_f"][0, 0]
    c = 1.0  # IEC 60909's minimum voltage factor at the source's 20 kV
    assert short_circuit_va(weak)[where] == pytest.approx(np.sqrt(3) * 400 * current / c, rel=5e-3)


def test_a_weak_node_is_named(feeder: Feeder) -> None:
    weak, strong = feeder.node("LV2.101 Bus 40"), feeder.node("LV2.101 Bus 6")
    found = check_strength(
        feeder, np.array([weak, strong, weak]), np.array([100e3, 10e3, 150e3]), minimum=8.0
    )
    assert [(s.node, s.weak) for s in found] == [("LV2.101 Bus 40", True), ("LV2.101 Bus 6", False)]
    assert found[0].rating_va == 250e3


def test_an_island_sheds_the_least_important_load_until_the_balance_closes(feeder: Feeder) -> None:
    transformer = next(
        n for n, k in zip(feeder.branch_names, feeder.branch_kinds, strict=True) if k == "transformer"
    )
    alone = island(feeder, "LV2.101 Bus 6", [transformer])
    assert len(alone.node_names) == len(feeder.node_names) - 1
    solver = PowerFlow(alone)
    nodes = np.array([alone.node(f"LV2.101 Bus {k}") for k in (40, 44, 71, 85)])
    load = np.array([4e3, 6e3, 8e3, 5e3])
    sun = solver.zero()
    sun[nodes[0]] = 9e3
    state = balance_island(solver, nodes, load, np.array([1, 2, 4, 3]), sun, forming_max_w=6.5e3)
    assert state.served.tolist() == [True, True, False, True]
    assert 0 < state.forming_w <= 6.5e3
    losses = float(state.flow.loss_w)
    assert state.forming_w + 9e3 == pytest.approx(float(load[state.served].sum()) + losses, abs=1.0)


def test_an_island_with_too_much_sun_cuts_generation(feeder: Feeder) -> None:
    transformer = next(
        n for n, k in zip(feeder.branch_names, feeder.branch_kinds, strict=True) if k == "transformer"
    )
    alone = island(feeder, "LV2.101 Bus 6", [transformer])
    solver = PowerFlow(alone)
    sun = solver.zero()
    sun[alone.node("LV2.101 Bus 41")] = 20e3
    load = np.array([5e3])
    state = balance_island(
        solver, np.array([alone.node("LV2.101 Bus 44")]), load, np.array([1]), sun, 0.0, forming_min_w=-3e3
    )
    assert state.served.all()
    assert 0.3 < state.generation_share < 0.5
    assert state.forming_w == pytest.approx(-3e3, abs=30.0)


def test_trades_that_pass_alone_do_not_pass_together(solver: PowerFlow, interval: Interval) -> None:
    night = interval(80)
    p = night.injection_w(night.sell_wh, night.surplus_wh)
    trade = Trade(solver.feeder.node("LV2.101 Bus 40"), solver.feeder.node("LV2.101 Bus 44"), 4e3)
    assert BilateralGate(solver, p, night.background_var).validate(trade) is None
    gate = BilateralGate(solver, p, night.background_var)
    verdicts = [gate.validate(trade) for _ in range(30)]
    refused = [v for v in verdicts if v]
    assert refused
    assert refused[0].element in solver.feeder.node_index
    assert refused[0].value_percent > refused[0].limit_percent - 0.011
    flow, taken_back = gate.settle()
    assert taken_back == []
    assert find_violations(solver.feeder, flow) == ()
    one_more = gate.p_w.copy()
    for accepted in [*gate.accepted, trade]:
        one_more[accepted.seller] += accepted.power_w
        one_more[accepted.buyer] -= accepted.power_w
    assert find_violations(solver.feeder, solver.solve(one_more, night.background_var))


def test_the_aggregate_of_many_random_trades_is_within_limits(solver: PowerFlow, interval: Interval) -> None:
    night = interval(80)
    rng = np.random.default_rng(3)
    gate = BilateralGate(solver, night.injection_w(night.sell_wh, night.surplus_wh), night.background_var)
    for _ in range(400):
        seller, buyer = rng.choice(np.arange(1, solver.nodes), 2, replace=False)
        gate.validate(Trade(int(seller), int(buyer), float(rng.uniform(200, 3000))))
    flow, taken_back = gate.settle()
    assert find_violations(solver.feeder, flow) == ()
    assert len(taken_back) <= 2
    assert len(gate.accepted) > 100


def test_distances_on_a_radial_feeder_are_path_lengths(feeder: Feeder) -> None:
    network = admittance(feeder)
    nodes = np.array([feeder.node(f"LV2.101 Bus {k}") for k in (40, 61, 41)])
    hops = network.transfer_distance(nodes)
    assert hops == pytest.approx(np.round(hops), abs=1e-6)
    assert hops[0, 1] < hops[0, 2]
    ohmic = network.thevenin_distance_pu(nodes)
    assert ohmic[0, 1] < ohmic[0, 2] == pytest.approx(ohmic[2, 0])
    assert (np.diag(ohmic) == 0).all()
