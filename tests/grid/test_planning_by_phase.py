"""Hosting capacity, outages and series of three-phase feeders and of circuits conductor by conductor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.planning.contingencies import contingencies
from peerwatt.grid.planning.hosting_capacity import capacity_by_node, capacity_of_all, random_capacities
from peerwatt.grid.planning.series import run_series
from tests.grid.small_feeders import feeder_of, nodes, overhead, source, transformer
from tests.grid.test_circuits import HEAD, TAIL, by_opendss, read

SPUR = "new line.l4 bus1=c.2 bus2=d.2 phases=1 r1=.3 x1=.1 r0=.3 x0=.1 c1=0 c0=0 length=.1 normamps=60\n"
RING = (
    "new line.l2 bus1=b bus2=c linecode=lc length=500 units=m\n"
    "new line.l3 bus1=a bus2=c linecode=lc length=700 units=m\n"
    "new load.d1 bus1=d.2 phases=1 kv=.277 kw=4 kvar=1 vminpu=.5\n"
)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ring") / "ring.dss"
    path.write_text(HEAD + SPUR + RING + TAIL)
    return path


@pytest.fixture(scope="module")
def ring(script: Path) -> Feeder:
    return read(script)[0]


def test_an_outage_of_a_circuits_branch_leaves_the_flow_that_opendss_finds_without_it(
    script: Path, ring: Feeder
) -> None:
    p = np.zeros((len(ring.node_names), 3))
    p[ring.node("b")] = -60_000.0
    load = "new load.more bus1=b phases=3 kv=.48 kw=180 kvar=0 vminpu=.5"
    found = {c.branch: c for c in contingencies(ring, p)}
    lowest = min(by_opendss(script, load, "disable line.l1")["b"].values())
    [low] = [v for v in found["line.l1"].violations if v.element == "b" and v.quantity == "undervoltage"]
    assert low.value == pytest.approx(lowest, abs=1e-6)
    assert [ring.node_names[k] for k in found["line.l4"].unsupplied] == ["d"]
    assert found["line.l2"].secure
    assert len(found["transformer.t1"].unsupplied) == len(ring.node_names) - 1


def test_what_flows_already_with_phases_changes_no_capacity_where_it_is_nothing(ring: Feeder) -> None:
    solver = PowerFlow(ring)
    two = np.array([ring.node("d"), ring.node("b")])
    bare, phased = solver.zero(), np.zeros((solver.nodes, 3))
    each = capacity_by_node(solver, bare, None, two, 500_000)
    assert each == capacity_by_node(solver, phased, None, two, 500_000)
    assert 0 < each[0].capacity_w < each[1].capacity_w
    assert capacity_of_all(solver, bare, None, two, 500_000) == capacity_of_all(
        solver, phased, None, two, 500_000
    )
    draws = [random_capacities(solver, base, None, two, 5_000, 3, 1).tolist() for base in (bare, phased)]
    assert draws[0] == draws[1]


def test_three_states_of_three_nodes_are_states_not_phases() -> None:
    data = {"node": nodes(11e3, 400, 400), "source": [source(1)], "asym_line": [overhead(10, (2, 3), 0.2)]}
    solver = PowerFlow(feeder_of("three", data | {"transformer": [transformer(160e3)]}))
    assert solver.nodes == 3
    p = np.zeros((3, 3))
    p[0, 2], p[1, 1] = -20_000.0, -9_000.0
    found = run_series(solver, p, None, 900)
    one_by_one = [solver.solve(row) for row in p]
    np.testing.assert_allclose(found.lowest_pu, [f.u_pu.min() for f in one_by_one], atol=1e-9)
    assert random_capacities(solver, solver.zero(), None, np.array([1, 2]), 1_000, 3, 1).shape == (3,)


def test_a_limit_that_an_outage_breaks_further_is_told(ring: Feeder) -> None:
    ring = replace(ring, limits=replace(ring.limits, v_min_pu=0.98))
    p = np.zeros((len(ring.node_names), 3))
    p[ring.node("b")] = -60_000.0
    found = {c.branch: c for c in contingencies(ring, p)}
    before = PowerFlow(ring).solve(p).u_pu[ring.node("b")].min()
    assert before < 0.98
    [low] = [v for v in found["line.l1"].violations if v.element == "b" and v.quantity == "undervoltage"]
    assert low.value < before - 0.01
