"""Hosting capacity, outages and series say what single power flows say, state by state."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.planning.contingencies import contingencies
from peerwatt.grid.planning.hosting_capacity import (
    STEP_W,
    capacity_by_node,
    capacity_of_all,
    random_capacities,
)
from peerwatt.grid.planning.series import run_series
from peerwatt.grid.planning.voltage_quality import WeekCounter
from tests.grid.conftest import Background

QUARTER_S = 900


@pytest.fixture(scope="module")
def ring() -> Feeder:
    """Three nodes in a ring of two lines each able to carry either load alone, but not both."""
    line = {"from_status": 1, "to_status": 1, "r1": 0.2, "x1": 0.08, "c1": 0.0, "tan1": 0.0}
    document = {
        "format": "peerwatt-feeder-1",
        "name": "ring",
        "limits": {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0},
        "names": {"1": "a", "2": "b", "3": "c", "4": "ab", "5": "bc", "6": "ca", "7": "grid"},
        "power_grid_model": {
            "version": "1.0",
            "type": "input",
            "is_batch": False,
            "attributes": {},
            "data": {
                "node": [{"id": k, "u_rated": 400.0} for k in (1, 2, 3)],
                "line": [
                    line | {"id": 4, "from_node": 1, "to_node": 2, "i_n": 60.0},
                    line | {"id": 5, "from_node": 2, "to_node": 3, "i_n": 60.0},
                    line | {"id": 6, "from_node": 3, "to_node": 1, "i_n": 60.0},
                ],
                "source": [{"id": 7, "node": 1, "status": 1, "u_ref": 1.0, "sk": 1e9}],
            },
        },
    }
    return feeder_from_document(document)


def test_one_step_more_than_a_nodes_capacity_breaks_the_limit_that_is_named(
    solver: PowerFlow, background: Background
) -> None:
    base, q = background.p_w[48], background.q_var[48]
    nodes = np.arange(1, solver.nodes, 12)
    assert not find_violations(solver.feeder, solver.solve(base, q))
    for node, found in zip(nodes, capacity_by_node(solver, base, q, nodes, 500_000), strict=True):
        added = solver.zero()
        added[node] = found.capacity_w
        assert find_violations(solver.feeder, solver.solve(base + added, q)) == ()
        added[node] += STEP_W
        first = find_violations(solver.feeder, solver.solve(base + added, q))[0]
        assert found.first_broken == first


def test_a_capacity_of_all_alike_is_the_largest_total(solver: PowerFlow) -> None:
    nodes = np.array([10, 40, 70])
    found = capacity_of_all(solver, solver.zero(), None, nodes, 500_000)
    for watts, fits in ((found.capacity_w, True), (found.capacity_w + STEP_W, False)):
        added = solver.zero()
        added[nodes] = watts / len(nodes)
        assert (find_violations(solver.feeder, solver.solve(added)) == ()) is fits


def test_a_search_that_ends_at_its_bound_names_no_limit(solver: PowerFlow) -> None:
    [found] = capacity_by_node(solver, solver.zero(), None, np.array([10]), 3_000)
    assert (found.capacity_w, found.first_broken) == (3_000, None)


def test_a_state_without_a_power_flow_ends_the_search_below_it(ring: Feeder) -> None:
    document: dict[str, Any] = copy.deepcopy(dict(ring.document))
    document["limits"] = {"v_min_pu": 0.01, "v_max_pu": 2.0, "loading_max_percent": 1e9}
    solver = PowerFlow(feeder_from_document(document))
    found = capacity_by_node(solver, solver.zero(), None, np.array([0, 1]), 10_000_000)
    assert found[0].capacity_w == 10_000_000  # at the source: any amount
    assert 0 < found[1].capacity_w < 10_000_000


def test_a_limit_broken_beforehand_may_be_broken_no_further(solver: PowerFlow) -> None:
    base = solver.zero()
    base[40] = 40_000
    assert find_violations(solver.feeder, solver.solve(base))
    [found] = capacity_by_node(solver, base, None, np.array([40]), 500_000)
    assert found.capacity_w == 0


def test_random_placements_are_those_of_their_seed_and_stop_before_the_plant_that_breaks_a_limit(
    solver: PowerFlow,
) -> None:
    nodes, unit, seed = np.arange(1, solver.nodes), 5_000, 3
    found = random_capacities(solver, solver.zero(), None, nodes, unit, 4, seed)
    generator = np.random.default_rng(seed)
    one_by_one = []
    for _ in range(4):
        order = nodes[np.argsort(generator.permutation(len(nodes)))]
        added, total = solver.zero(), 0
        for node in order:
            added[node] = unit
            if find_violations(solver.feeder, solver.solve(added)):
                break
            total += unit
        one_by_one.append(total)
    assert sorted(one_by_one) == found.tolist()


def test_an_outage_on_a_radial_feeder_leaves_everything_behind_it_without_supply(
    feeder: Feeder, background: Background
) -> None:
    p = background.p_w[72]
    found = {c.branch: c for c in contingencies(feeder, p, background.q_var[72])}
    assert set(found) == set(feeder.branch_names)
    transformer = found["MV1.101-LV2.101-Trafo 1"]
    assert len(transformer.unsupplied) == len(feeder.node_names) - 1
    low_voltage = list(transformer.unsupplied)
    assert transformer.unsupplied_demand_w == pytest.approx(-np.minimum(p[low_voltage], 0).sum())
    assert not any(c.secure for c in found.values())
    assert all(c.solves for c in found.values())


def test_an_outage_in_a_ring_loads_the_other_way_round(ring: Feeder) -> None:
    p = np.array([0.0, -25_000.0, -25_000.0])
    assert find_violations(ring, PowerFlow(ring).solve(p)) == ()
    found = {c.branch: c for c in contingencies(ring, p)}
    assert found["bc"].secure
    for opened, strained in (("ab", "ca"), ("ca", "ab")):
        assert found[opened].unsupplied == ()
        document: dict[str, Any] = copy.deepcopy(dict(ring.document))
        for row in document["power_grid_model"]["data"]["line"]:
            if ring.names[row["id"]] == opened:
                row |= {"from_status": 0, "to_status": 0}
        left = feeder_from_document(document)
        assert found[opened].violations == find_violations(left, PowerFlow(left).solve(p))
        assert strained in {v.element for v in found[opened].violations}


def test_an_outage_of_a_branch_that_is_not_there_is_refused_by_its_name(ring: Feeder) -> None:
    with pytest.raises(FeederError, match="no branch named 'bb'"):
        contingencies(ring, np.zeros(3), branches=["bb"])


def test_a_series_is_its_intervals_one_by_one(solver: PowerFlow, background: Background) -> None:
    p, q = background.p_w[:96].copy(), background.q_var[:96]
    p[40:56, 41] += 60_000.0
    found = run_series(solver, p, q, QUARTER_S)
    flows = [solver.solve(p[k], q[k]) for k in range(96)]
    np.testing.assert_allclose(found.highest_pu, [f.u_pu.max() for f in flows], atol=1e-9)
    np.testing.assert_allclose(found.lowest_pu, [f.u_pu.min() for f in flows], atol=1e-9)
    np.testing.assert_allclose(
        found.loading_percent, np.max([f.loading_percent for f in flows], axis=0), atol=1e-6
    )
    broken = [bool(find_violations(solver.feeder, f)) for f in flows]
    assert found.broken.tolist() == broken
    assert found.hours_broken == sum(broken) / 4 > 0
    assert found.import_wh - found.export_wh == pytest.approx(
        sum(float(f.import_w) for f in flows) / 4, abs=1
    )
    assert found.loss_wh == round(sum(float(f.loss_w) for f in flows) / 4)
    violation, k = found.worst[0]
    assert violation in find_violations(solver.feeder, flows[k])
    worst = max((v for f in flows for v in find_violations(solver.feeder, f)), key=lambda v: v.excess)
    assert violation.excess == pytest.approx(worst.excess, abs=1e-8)


def test_a_week_passes_en_50160_with_nineteen_of_twenty_means_within_ten_percent_and_none_far_out(
    solver: PowerFlow,
) -> None:
    """Voltages that stay in the feeder's own limits never fail; these are set, not solved."""
    from dataclasses import replace

    count = 1_000
    flow = solver.solve(np.zeros((count, solver.nodes)))
    voltages = np.ones((count, solver.nodes))
    voltages[:50, 0] = 0.89  # 5 % of the means below -10 %
    voltages[:51, 1] = 0.89
    voltages[7, 2] = 0.84  # one mean below -15 %
    voltages[7, 3] = 1.101  # one above +10 %
    counter = WeekCounter(solver.feeder, count, 600)
    counter.add(replace(flow, u_pu=voltages), 0)
    failed = {w.node: w for w in counter.weeks() if not w.kept}
    names = solver.feeder.node_names
    assert set(failed) == {names[1], names[2], names[3]}
    assert failed[names[1]].within_percent == pytest.approx(94.9)
    assert failed[names[2]].lowest_pu == 0.84
    assert failed[names[3]].highest_pu == 1.101


@pytest.mark.parametrize(
    ("intervals", "weeks"), [(1, 1), (671, 1), (672, 1), (1_007, 1), (1_008, 2), (2_016, 3)]
)
def test_a_rest_of_less_than_half_a_week_belongs_to_the_week_before(
    solver: PowerFlow, intervals: int, weeks: int
) -> None:
    counter = WeekCounter(solver.feeder, intervals, QUARTER_S)
    counter.add(solver.solve(np.zeros((intervals, solver.nodes))), 0)
    found = counter.weeks()
    assert {w.week for w in found} == set(range(weeks))
    assert all(w.within_percent == 100.0 for w in found)
