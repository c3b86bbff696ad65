"""Independent engines agree: pandapower with taps applied, and published losses of standard cases.

Needs the `grid` extra (pandapower, simbench).
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as cases
import pandapower.shortcircuit
import pytest
import simbench

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.pandapower import from_pandapower, with_ratio_taps
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.flow.system_strength import short_circuit_va
from peerwatt.grid.gate.decision import decide
from peerwatt.verdict import Verdict

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
SCENARIO_GRID = "1-LV-rural2--2-sw"


@functools.cache
def _stored(code: str) -> Any:
    return simbench.get_simbench_net(code)


def _grid(code: str) -> Any:
    return copy.deepcopy(_stored(code))


def _feeder(net: Any, name: str, trafo_model: str = "t") -> Feeder:
    return feeder_from_document(from_pandapower(net, name=name, limits=LIMITS, trafo_model=trafo_model))


@pytest.mark.parametrize("code", ["1-LV-rural2--2-sw", "1-LV-urban6--0-sw", "1-LV-semiurb4--1-no_sw"])
def test_simbench_grids_agree_to_2e_6_pu_with_taps_applied(code: str) -> None:
    net = with_ratio_taps(_grid(code))
    pp.runpp(net, calculate_voltage_angles=True)
    solver = PowerFlow(_feeder(net, code))
    flow = solver.solve(solver.zero())
    assert np.abs(flow.u_pu - net.res_bus.vm_pu.to_numpy()).max() < 2e-6
    losses = (net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()) * 1e6
    assert flow.loss_w == pytest.approx(losses, abs=2.0)


@pytest.mark.parametrize("code", [SCENARIO_GRID, "1-LV-urban6--0-sw"])
def test_short_circuit_power_is_pandapowers_without_its_voltage_factor(code: str) -> None:
    net = _grid(code)
    for kind in ("load", "sgen", "storage"):  # a network's own strength, as the ratio's numerator is
        net[kind] = net[kind].iloc[:0]
    net.trafo["tap_pos"] = net.trafo["tap_neutral"]
    net.ext_grid[["s_sc_min_mva", "s_sc_max_mva"]] = 100.0
    net.ext_grid[["rx_min", "rx_max"]] = 0.1
    net.line["endtemp_degree"] = 20.0  # cold lines, as in the power flow
    pp.shortcircuit.calc_sc(net, fault="3ph", case="min", lv_tol_percent=6, branch_results=False)
    factor = np.where(net.bus.vn_kv < 1, 0.95, 1.0)  # IEC 60909-0, table 1, minimum
    ours = short_circuit_va(_feeder(net, code, trafo_model="pi"))  # a short circuit has no magnetising branch
    assert ours == pytest.approx(net.res_bus_sc.skss_mw.to_numpy() * 1e6 / factor, rel=1e-9)


def test_ignoring_the_tap_would_be_seen() -> None:
    net = with_ratio_taps(_grid(SCENARIO_GRID))
    solver = PowerFlow(_feeder(net, "taps"))
    net.trafo["tap_pos"] = net.trafo["tap_neutral"]
    pp.runpp(net, calculate_voltage_angles=True)
    assert np.abs(solver.solve(solver.zero()).u_pu - net.res_bus.vm_pu.to_numpy()).max() > 1e-2


def test_case33bw_loses_202_677_kw() -> None:
    net = cases.case33bw()
    solver = PowerFlow(_feeder(net, "case33bw"))
    flow = solver.solve(solver.zero())
    assert flow.loss_w == pytest.approx(202.677e3, abs=1.0)
    assert flow.u_pu.min() == pytest.approx(0.91309, abs=1e-5)


def test_ieee_14_bus_loses_13_393_mw() -> None:
    net = cases.case14()
    pp.runpp(net)
    solver = PowerFlow(_feeder(net, "case14"))
    flow = solver.solve(solver.zero())
    assert flow.loss_w == pytest.approx(13.393e6, abs=500.0)
    assert np.abs(flow.u_pu - net.res_bus.vm_pu.to_numpy()).max() < 2e-6


@pytest.fixture(scope="module")
def bare() -> Any:
    """The scenario's grid in pandapower, with one controllable injection per bus and nothing else."""
    net = with_ratio_taps(_grid(SCENARIO_GRID))
    for kind in ("load", "sgen", "storage"):
        net[kind] = net[kind].iloc[0:0]
    for bus in net.bus.index:
        pp.create_sgen(net, bus, p_mw=0.0)
    return net


@pytest.mark.parametrize("k", [36, 44, 50])
def test_a_curtailed_state_is_over_its_limit_before_and_within_it_after_by_pandapower(
    bare: Any, solver: PowerFlow, interval: Callable[..., Exchange], k: int
) -> None:
    exchange = interval(k)
    decision = decide(solver, exchange)
    assert decision.verdict == Verdict.CURTAIL
    limit = solver.feeder.limits.v_max_pu
    states = (
        (exchange.sell_wh, exchange.surplus_wh, decision.before),
        (decision.sell_wh, decision.surplus_wh, decision.after),
    )
    highest = []
    for sell, surplus, flow in states:
        bare.sgen["p_mw"] = exchange.injection_w(sell, surplus) / 1e6
        bare.sgen["q_mvar"] = exchange.background_var / 1e6
        pp.runpp(bare, calculate_voltage_angles=True)
        assert np.abs(flow.u_pu - bare.res_bus.vm_pu.to_numpy()).max() < 2e-6
        highest.append(float(bare.res_bus.vm_pu.max()))
    assert highest[0] > limit >= highest[1]
    assert bare.res_line.loading_percent.max() <= 100
    assert bare.res_trafo.loading_percent.max() <= 100
