"""The exact flow is the one that Kirchhoff's laws give by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from peerwatt.grid.errors import FlowError, InjectionError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow

R_OHM, X_OHM, U_KV = 0.1, 0.05, 0.4


@pytest.fixture(scope="module")
def two_nodes() -> Feeder:
    line = {
        "id": 3,
        "from_node": 1,
        "to_node": 2,
        "from_status": 1,
        "to_status": 1,
        "r1": R_OHM,
        "x1": X_OHM,
        "c1": 0.0,
        "tan1": 0.0,
        "i_n": 100.0,
    }
    source = {"id": 4, "node": 1, "status": 1, "u_ref": 1.0, "sk": 1e20}
    nodes = [{"id": 1, "u_rated": U_KV * 1e3}, {"id": 2, "u_rated": U_KV * 1e3}]
    return feeder_from_document(
        {
            "format": "peerwatt-feeder-1",
            "name": "two nodes",
            "limits": {"v_min_pu": 0.95, "v_max_pu": 1.05, "loading_max_percent": 100},
            "names": {"1": "substation", "2": "home", "3": "cable", "4": "grid"},
            "power_grid_model": {
                "version": "1.0",
                "type": "input",
                "is_batch": False,
                "attributes": {},
                "data": {"node": nodes, "line": [line], "source": [source]},
            },
        }
    )


@pytest.mark.parametrize(("p", "q"), [(-30e3, -10e3), (30e3, 0.0), (60e3, 20e3)])
def test_two_nodes_by_hand(two_nodes: Feeder, p: float, q: float) -> None:
    # |U2|^4 - |U2|^2 (U1^2 + 2(RP+XQ)) + |Z|^2 S^2 = 0 for injection P, Q at the far end
    u1 = U_KV * 1e3
    b = u1**2 + 2 * (R_OHM * p + X_OHM * q)
    u2_squared = (b + math.sqrt(b**2 - 4 * (R_OHM**2 + X_OHM**2) * (p**2 + q**2))) / 2
    current_squared = (p**2 + q**2) / u2_squared
    flow = PowerFlow(two_nodes).solve([0.0, p], [0.0, q])
    assert flow.u_pu[1] == pytest.approx(math.sqrt(u2_squared) / u1, abs=1e-9)
    assert flow.loss_w == pytest.approx(R_OHM * current_squared, rel=1e-6)
    assert flow.import_w == pytest.approx(R_OHM * current_squared - p, rel=1e-6)
    assert flow.loading_percent[0] == pytest.approx(math.sqrt(current_squared / 3), rel=1e-6)


def test_violations_say_element_value_and_limit(two_nodes: Feeder) -> None:
    solver = PowerFlow(two_nodes)
    (high, overload) = find_violations(two_nodes, solver.solve([0.0, 90e3]))
    assert (high.element, high.quantity, high.limit, high.unit) == ("home", "overvoltage", 1.05, "pu")
    assert high.value == pytest.approx(1.053, abs=1e-3)
    assert (overload.element, overload.quantity, overload.unit) == ("cable", "overload", "percent")
    (low,) = find_violations(two_nodes, solver.solve([0.0, -80e3]))[:1]
    assert low.quantity == "undervoltage"
    assert low.value < low.limit == 0.95
    assert find_violations(two_nodes, solver.solve([0.0, 10e3])) == ()


def test_a_batch_is_its_states_one_by_one(solver: PowerFlow) -> None:
    states = np.random.default_rng(7).normal(0.0, 2e3, (5, solver.nodes))
    batch = solver.solve(states)
    for k, state in enumerate(states):
        single = solver.solve(state)
        np.testing.assert_allclose(batch.u_pu[k], single.u_pu, atol=1e-12)
        np.testing.assert_allclose(batch.loss_w[k], single.loss_w, atol=1e-6)


def test_losses_are_no_load_and_load(solver: PowerFlow) -> None:
    rest = solver.solve(solver.zero())
    assert rest.load_loss_w == pytest.approx(0.0, abs=1e-6)
    assert rest.no_load_loss_w == pytest.approx(
        880.0 * rest.u_pu[1] ** 2, rel=0.06
    )  # 0.88 kW of iron on 250 kVA
    p = solver.zero()
    p[5] = -20e3
    loaded = solver.solve(p)
    assert loaded.import_w == pytest.approx(20e3 + loaded.load_loss_w + loaded.no_load_loss_w)


def test_bad_injections_and_impossible_flows_are_refused(two_nodes: Feeder) -> None:
    solver = PowerFlow(two_nodes)
    with pytest.raises(InjectionError, match="shape"):
        solver.solve([1.0, 2.0, 3.0])
    with pytest.raises(InjectionError, match="finite"):
        solver.solve([0.0, math.nan])
    with pytest.raises(FlowError, match="two nodes: the power flow does not converge"):
        solver.solve([0.0, -5e6])
