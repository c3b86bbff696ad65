"""Circuits conductor by conductor: whatever OpenDSS can connect flows here as it flows there.

Each circuit is read out of its script, and its flow compared with what OpenDSS finds when it compiles the
same script itself, controls off: as it stands and with injections."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect as dss
import pytest

from peerwatt.grid.errors import FeederError, FlowError, InjectionError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.feeder_file import load_feeder, write_feeder
from peerwatt.grid.files.importers.opendss import from_opendss
from peerwatt.grid.files.importers.opendss_comparison import _difference
from peerwatt.grid.files.importers.opendss_engine import read_circuit
from peerwatt.grid.files.injections import read_injections
from peerwatt.grid.files.table_exchange import exchange_of, shared_losses
from peerwatt.grid.flow.circuit_flow import CircuitFlow
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment import curtail
from peerwatt.grid.shares.loss_rules import LOSS_RULES
from tests.grid.ieee_13_nodes import PUBLISHED, write_script

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
HEAD = """clear
set defaultbasefrequency=60
new circuit.case bus1=src basekv=12.47 pu=1.02 r1=0.05 x1=0.4 r0=0.3 x0=1.9
new transformer.t1 phases=3 windings=2 buses=(src, a) conns=(delta wye) kvs=(12.47 0.48) kvas=(500 500)
~ xhl=5 %rs=(.5 .5)
new linecode.lc nphases=3 r1=0.2 x1=0.1 r0=0.6 x0=0.3 c1=200 c0=100 units=km normamps=400
new line.l1 bus1=a bus2=b linecode=lc length=200 units=m
new load.d0 bus1=b phases=3 kv=.48 kw=40 kvar=15
"""
TAIL = "set voltagebases=[12.47 .48]\ncalcvoltagebases\nsolve\n"
SINGLE = "new line.s1 phases=1 bus1=b.1 bus2=c.1 r1=.3 x1=.1 r0=.3 x0=.1 c1=0 c0=0 length=.1 normamps=200\n"
CASES = dict(
    case.split("\n", 1)
    for case in (Path(__file__).parent / "circuit_cases.dss").read_text().split("! case: ")[1:]
)


def read(path: Path) -> tuple[Feeder, list[str]]:
    document, notices = read_circuit(path, path.name, LIMITS, "stated", {})
    return feeder_from_document(json.loads(json.dumps(document))), notices


def by_opendss(path: Path, *more: str) -> dict[str, dict[int, float]]:
    """Phase voltages of every bus, pu, when OpenDSS compiles the script itself."""
    dss.Text.Command("clearall")
    dss.Text.Command(f'compile "{path}"')
    for line in more:
        dss.Text.Command(line)
    dss.Text.Command("set mode=snapshot controlmode=off tolerance=1e-10 maxiterations=200")
    dss.Text.Command("solve")
    assert dss.Solution.Converged()
    found = {}
    for name in dss.Circuit.AllBusNames():
        dss.Circuit.SetActiveBus(name)
        found[name] = dict(zip(dss.Bus.Nodes(), dss.Bus.puVmagAngle()[0::2], strict=True))
    return found


def worst(feeder: Feeder, u_pu: Any, theirs: dict[str, dict[int, float]]) -> float:
    return max(
        abs(float(u_pu[k, phase - 1]) - theirs[name][phase])
        for k, name in enumerate(feeder.node_names)
        for phase in feeder.node_phases[k]
    )


@pytest.mark.parametrize("case", CASES)
def test_it_flows_as_in_opendss(tmp_path: Path, case: str) -> None:
    script = tmp_path / "case.dss"
    script.write_text(HEAD + CASES[case] + "\n" + TAIL)
    feeder, _ = read(script)
    flow = PowerFlow(feeder)
    assert worst(feeder, flow.solve(flow.zero()).u_pu, by_opendss(script)) < 2e-6
    losses = dss.Circuit.Losses()[0]
    if "reactor" not in CASES[case] and "neutral" not in case:  # what shunts lose is no branch's
        assert float(flow.solve(flow.zero()).loss_w) == pytest.approx(losses, rel=1e-5)
    p = np.zeros((flow.nodes, 3))
    p[feeder.node("b")] = 9e3, -4e3, 2e3
    probes = [
        f"new load.x{k} phases=1 bus1=b.{k} kv=.277 kw={kw} kvar=0 vminpu=0 vlowpu=0 vmaxpu=9 status=exempt"
        for k, kw in ((1, -9), (2, 4), (3, -2))
    ]
    assert worst(feeder, flow.solve(p).u_pu, by_opendss(script, *probes)) < 2e-6


def test_the_ieee_13_node_feeder_has_its_published_voltages(tmp_path: Path) -> None:
    script = write_script(tmp_path / "nodes13.dss")
    feeder, notices = read(script)
    flow = PowerFlow(feeder)
    solved = flow.solve(flow.zero())
    assert feeder.is_circuit
    assert worst(feeder, solved.u_pu, by_opendss(script)) < 1e-8
    for node, phases in PUBLISHED.items():
        k = feeder.node(node)
        assert feeder.node_phases[k] == tuple(phases)
        for phase, u in phases.items():
            assert float(solved.u_pu[k, phase - 1]) == pytest.approx(u, abs=2.5e-3)
    assert "agrees with OpenDSS" in notices[-1]


def test_controls_are_frozen_as_the_script_leaves_them_or_where_they_come_to_rest(tmp_path: Path) -> None:
    stated = write_script(tmp_path / "stated.dss", after="transformer.reg1.wdg=2 tap=1.0")
    document = from_opendss(stated, limits=LIMITS)
    solved = from_opendss(stated, limits=LIMITS, control="solved")
    flows = [PowerFlow(feeder_from_document(d)) for d in (document, solved)]
    k = flows[0].feeder.node("rg60")
    low, risen = (float(flow.solve(flow.zero()).u_pu[k, 0]) for flow in flows)
    assert low == pytest.approx(1.0, abs=5e-3)
    assert risen > 1.04
    run = write_script(tmp_path / "run.dss", after="transformer.reg1.wdg=2 tap=1.0\nsolve")
    own = PowerFlow(feeder_from_document(from_opendss(run, limits=LIMITS)))
    assert float(own.solve(own.zero()).u_pu[k, 0]) == pytest.approx(risen, abs=1e-6)


def test_the_same_script_gives_the_same_bytes_and_the_file_reads_back(tmp_path: Path) -> None:
    script = write_script(tmp_path / "nodes13.dss")
    first, second = (from_opendss(script, limits=LIMITS, source="x") for _ in range(2))
    assert json.dumps(first) == json.dumps(second)
    feeder = write_feeder(first, tmp_path / "a.json")
    again = load_feeder(tmp_path / "a.json")
    assert again.feeder_hash == feeder.feeder_hash
    first["circuit"]["branches"][0]["g"][0] *= 1.001
    assert feeder_from_document(first).feeder_hash != feeder.feeder_hash


def test_where_there_is_no_ground_an_injection_lies_between_two_phases(tmp_path: Path) -> None:
    script = tmp_path / "case.dss"
    script.write_text(HEAD + CASES["a delta without ground"] + "\n" + TAIL)
    feeder, _ = read(script)
    flow = PowerFlow(feeder)
    floating = [name for k, name in enumerate(feeder.node_names) if flow.between_phases(k)]
    assert floating == ["f"]
    p = np.zeros((flow.nodes, 3))
    p[feeder.node("f"), 1] = 15e3
    between = "new load.x phases=1 conn=delta bus1=f.2.3 kv=.48 kw=-15 kvar=0 vminpu=0 vlowpu=0 vmaxpu=9"
    theirs = by_opendss(script, between)
    ours = flow.solve(p).u_pu
    assert worst(feeder, ours, theirs) < 1e-5
    assert max(abs(float(ours[feeder.node("b"), k]) - theirs["b"][k + 1]) for k in range(3)) < 1e-8


def test_an_element_defined_twice_holds_as_defined_last_and_is_said(tmp_path: Path) -> None:
    script = tmp_path / "case.dss"
    script.write_text(HEAD + "new load.d0 bus1=b phases=3 kv=.48 kw=90\n" + TAIL)
    feeder, notices = read(script)
    assert any("defined twice" in line for line in notices)
    once = tmp_path / "once.dss"
    once.write_text(HEAD + "edit load.d0 bus1=b phases=3 kv=.48 kw=90\n" + TAIL)
    flow = PowerFlow(feeder)
    assert worst(feeder, flow.solve(flow.zero()).u_pu, by_opendss(once)) < 2e-6


def test_power_goes_to_phases_that_a_node_has_and_to_no_other(tmp_path: Path) -> None:
    feeder, _ = read(write_script(tmp_path / "nodes13.dss"))
    flow = PowerFlow(feeder)
    p = np.zeros((flow.nodes, 3))
    p[feeder.node("611"), 0] = 1e3
    with pytest.raises(InjectionError, match="phase a of node '611', which has c"):
        flow.solve(p)
    even = flow.zero()
    even[feeder.node("611")] = 3e3
    own = np.zeros_like(p)
    own[feeder.node("611"), 2] = 3e3
    assert np.array_equal(flow.solve(even).u_pu, flow.solve(own).u_pu)
    assert feeder.connection("611", 0) == 3
    assert feeder.connection("632", 0) == 0
    with pytest.raises(FeederError, match="phase b and c"):
        feeder.connection("645", 0)


def test_the_gate_and_the_shares_of_losses_work_on_a_circuit(tmp_path: Path) -> None:
    document = from_opendss(
        write_script(tmp_path / "nodes13.dss"),
        limits=LIMITS | {"v_max_pu": 1.07, "loading_max_percent": 150.0},
    )
    feeder = feeder_from_document(document)
    flow = PowerFlow(feeder)
    csv = tmp_path / "plants.csv"
    csv.write_text("node,kw,phase,participant\n652,900,,ada\n675,2500,,ben\n645,-40,b,cho\n")
    table = read_injections(csv, feeder)
    before = flow.solve(*table.per_node(flow.nodes))
    assert float(before.u_pu.max()) > 1.07
    cut = curtail(flow, exchange_of(table, flow.nodes))
    assert float(cut.flow.u_pu.max()) <= 1.07
    assert float(cut.flow.loading_percent.max()) <= 150.0
    names, shares, state = shared_losses(flow, table, LOSS_RULES["aumann_shapley"], 1.0)
    assert np.abs(state.u_pu - before.u_pu).max() < 1e-8  # own loads as injections make the same state
    assert int(shares.sum()) == round(float(before.load_loss_w))
    assert {"ada", "ben", "cho"} < set(names)


def test_states_that_repeated_currents_do_not_solve_are_solved_by_newtons_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "case.dss"
    script.write_text(HEAD + SINGLE + TAIL)
    feeder, _ = read(script)
    flow = CircuitFlow(feeder)
    p = np.zeros((12, len(feeder.node_names), 3))
    p[:, feeder.node("c"), 0] = np.linspace(-1e4, -1.5e5, 12)
    repeated = flow.voltages(p, 0 * p)
    with pytest.raises(FlowError):
        flow.voltages(4 * p, 0 * p)  # beyond the nose of the curve there is no state
    monkeypatch.setattr("peerwatt.grid.flow.circuit_flow._ITERATIONS", 2)
    assert np.abs(flow.voltages(p, 0 * p) - repeated).max() < 1e-6


def test_a_circuit_that_flows_otherwise_is_refused_at_the_bus_and_phase_where_it_does(tmp_path: Path) -> None:
    """Behind an open phase there is no voltage; with something injected there are several states."""
    path = tmp_path / "open.dss"
    path.write_text(HEAD + "open line.l1 2 3\n" + TAIL)
    with pytest.raises(FeederError, match=r"pu at b\.\d, so it is not imported"):
        read(path)


def test_a_voltage_that_is_no_number_agrees_with_none(tmp_path: Path) -> None:
    path = tmp_path / "case.dss"
    path.write_text(HEAD + TAIL)
    feeder, _ = read(path)
    by_opendss(path)
    u_pu = PowerFlow(feeder).solve(np.zeros(len(feeder.node_names))).u_pu
    assert _difference(feeder, u_pu)[0] < 1e-6
    u_pu[feeder.node("b"), 1] = np.nan
    assert _difference(feeder, u_pu) == (np.inf, "b.2")
