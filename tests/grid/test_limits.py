"""A feeder's optional limits: a band per voltage level, voltage unbalance, power that flows back."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import decide
from peerwatt.grid.gate.operating_envelope import operating_envelope
from peerwatt.verdict import Verdict

NODES = ("LV2.101 Bus 40", "LV2.101 Bus 41", "LV2.101 Bus 6")


def with_limits(feeder: Feeder, phases: int = 1, **limits: Any) -> PowerFlow:
    """The pilot's feeder with wide limits besides these; with three phases if wished."""
    document: dict[str, Any] = copy.deepcopy(dict(feeder.document))
    document["limits"] = {"v_min_pu": 0.5, "v_max_pu": 1.5, "loading_max_percent": 1e4} | limits
    if phases == 3:
        document["phases"] = 3
        for line in document["power_grid_model"]["data"]["line"]:
            line |= {"r0": 3 * line["r1"], "x0": 3 * line["x1"], "c0": line["c1"], "tan0": 0.0}
    return PowerFlow(feeder_from_document(document))


def exporters(solver: PowerFlow, watt_hours: list[int], phases: list[int] | None = None) -> Exchange:
    """Three homes that export surplus for a quarter of an hour."""
    none = np.zeros(3, dtype=np.int64)
    return Exchange(
        900,
        range(3),
        np.array([solver.feeder.node(name) for name in NODES]),
        none,
        none,
        np.array(watt_hours),
        none,
        np.zeros(solver.nodes),
        None,
        None if phases is None else np.array(phases),
    )


def test_a_band_holds_at_its_voltage_level_alone(feeder: Feeder) -> None:
    levels = sorted(set(feeder.data["node"]["u_rated"].tolist()))
    assert len(levels) == 2
    p = np.zeros(len(feeder.node_names))
    for level in levels:
        solver = with_limits(feeder, bands=[{"u_rated_v": level, "v_min_pu": 0.5, "v_max_pu": 0.9}])
        there = {
            name
            for name, rated in zip(feeder.node_names, feeder.data["node"]["u_rated"], strict=True)
            if rated == level
        }
        found = find_violations(solver.feeder, solver.solve(p))
        assert {v.element for v in found} == there
        assert {v.limit for v in found} == {0.9}


def test_exports_are_cut_until_a_bands_own_limit_is_kept(feeder: Feeder) -> None:
    solver = with_limits(feeder, bands=[{"u_rated_v": 400.0, "v_min_pu": 0.9, "v_max_pu": 1.055}])
    decision = decide(solver, exporters(solver, [5_000, 6_000, 10_000]))
    assert decision.verdict != Verdict.ACCEPT
    assert decision.violations_before
    assert decision.violations_after == ()
    assert decision.after.u_pu.max() == pytest.approx(1.055, abs=1e-3)


def test_exports_are_cut_to_what_may_flow_back_upstream(feeder: Feeder) -> None:
    solver = with_limits(feeder, reverse_flow_max_w=30_000.0)
    exchange = exporters(solver, [5_000, 6_000, 10_000])
    decision = decide(solver, exchange)
    [before] = decision.violations_before
    assert (before.element, before.quantity) == (solver.feeder.upstream, "reverse flow")
    assert (before.limit, before.unit) == (30.0, "kW")
    assert decision.violations_after == ()
    assert -float(decision.after.import_w) == pytest.approx(30_000.0, rel=2e-3)
    assert {(r.element, r.limit, r.unit) for r in decision.reasons} == {(solver.feeder.upstream, 30.0, "kW")}
    assert all(0.9 < r.per_kw < 1.0 for r in decision.reasons)  # some of each kW is lost on the way


def test_drawing_more_than_may_flow_back_is_no_violation(feeder: Feeder) -> None:
    solver = with_limits(feeder, reverse_flow_max_w=1_000.0)
    p = np.zeros(solver.nodes)
    p[40] = -50_000.0
    assert find_violations(solver.feeder, solver.solve(p)) == ()


def test_exports_on_one_phase_are_cut_to_the_unbalance_that_is_allowed(feeder: Feeder) -> None:
    solver = with_limits(feeder, phases=3, unbalance_max_percent=0.8)
    spread = decide(solver, exporters(solver, [2_000, 2_000, 2_000], [1, 2, 3]))
    gathered = decide(solver, exporters(solver, [2_000, 2_000, 2_000], [1, 1, 1]))
    assert gathered.violations_before[0].quantity == "unbalance"
    assert gathered.violations_after == ()
    assert gathered.after.unbalance_percent.max() == pytest.approx(0.8, abs=5e-3)
    assert gathered.surplus_wh.sum() < spread.surplus_wh.sum()


@pytest.mark.parametrize(
    ("phases", "limits"), [(1, {"reverse_flow_max_w": 30_000.0}), (3, {"unbalance_max_percent": 0.8})]
)
def test_every_corner_of_an_envelope_keeps_the_optional_limits(
    feeder: Feeder, phases: int, limits: dict[str, float]
) -> None:
    solver = with_limits(feeder, phases=phases, **limits)
    nodes = np.array([feeder.node(name) for name in NODES])
    phase = np.array([1, 2, 1]) if phases == 3 else None
    most = np.array([20_000, 20_000, 40_000])
    nothing = np.zeros((solver.nodes, 3) if phase is not None else solver.nodes)
    box = operating_envelope(solver, nodes, most, most, nothing, phases=phase)
    assert 0 < box.injection_w.sum() < most.sum()
    for corner in range(2**3):
        up = np.array([bool(corner >> k & 1) for k in range(3)])
        watts = np.where(up, box.injection_w, -box.offtake_w)
        p = nothing.copy()
        for k, node in enumerate(nodes):
            place = node if phase is None else (node, phase[k] - 1)
            p[place] += watts[k]
        assert find_violations(solver.feeder, solver.solve(p)) == ()


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        ({"bands": [{"u_rated_v": 10_000, "v_min_pu": 0.9, "v_max_pu": 1.1}]}, "10000 V, and no node"),
        ({"bands": [{"u_rated_v": 400, "v_min_pu": 1.1, "v_max_pu": 0.9}]}, r"bands\[0\] need v_min_pu"),
        ({"bands": [{"u_rated_v": 400, "v_min_pu": 0.9}]}, r"bands\[0\].v_max_pu is missing"),
        ({"bands": [{"u_rated_v": 400, "v_min_pu": 0.9, "v_max_pu": 1.1, "x": 1}]}, "unknown keys"),
        ({"bands": [{"u_rated_v": 400, "v_min_pu": 0.9, "v_max_pu": 1.1}] * 2}, "two for nodes of 400 V"),
        ({"bands": {}}, "must be a list"),
        ({"unbalance_max_percent": 2.0}, "needs a feeder of three phases"),
        ({"reverse_flow_max_w": -1}, "reverse_flow_max_w is -1"),
        ({"reverse_flow_max_w": "many"}, "reverse_flow_max_w is 'many'"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_by_its_place(
    feeder: Feeder, limits: dict[str, Any], named: str
) -> None:
    with pytest.raises(FeederError, match=named):
        with_limits(feeder, **limits)
