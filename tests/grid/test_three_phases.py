"""On a three-phase feeder participants sit on phases, and the gate cuts where the phase is strained."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import decide
from peerwatt.verdict import Verdict


@pytest.fixture(scope="module")
def street(feeder: Feeder) -> PowerFlow:
    """The pilot's feeder phase by phase, with zero-sequence impedances thrice the positive ones."""
    document: dict[str, Any] = copy.deepcopy(dict(feeder.document))
    document["phases"] = 3
    for line in document["power_grid_model"]["data"]["line"]:
        line |= {"r0": 3 * line["r1"], "x0": 3 * line["x1"], "c0": line["c1"], "tan0": 0.0}
    return PowerFlow(feeder_from_document(document))


def _exchange(solver: PowerFlow, phases: list[int]) -> Exchange:
    nodes = np.array([solver.feeder.node(f"LV2.101 Bus {k}") for k in (40, 40, 10, 44)])
    sell = np.array([600, 600, 0, 0])
    return Exchange(
        900,
        range(4),
        nodes,
        sell,
        np.array([0, 0, 0, 1200]),
        np.array([1500, 600, 900, 0]),
        np.array([0, 0, 0, 1500]),
        np.zeros(solver.nodes),
        np.zeros(solver.nodes),
        np.array(phases),
    )


def test_balanced_injections_give_the_balanced_flow(solver: PowerFlow, street: PowerFlow) -> None:
    p = solver.zero()
    p[40], p[70] = 20e3, -10e3
    one, three = solver.solve(p), street.solve(p)
    np.testing.assert_allclose(three.u_pu, np.repeat(one.u_pu[:, None], 3, axis=1), atol=1e-7)
    assert float(three.loss_w) == pytest.approx(float(one.loss_w), rel=1e-5)
    assert float(three.import_w) == pytest.approx(float(one.import_w), rel=1e-5)


def test_the_same_power_on_one_phase_is_curtailed_where_spread_it_is_not(street: PowerFlow) -> None:
    spread = decide(street, _exchange(street, [0, 0, 0, 0]))
    assert spread.verdict == Verdict.ACCEPT
    exchange = _exchange(street, [1, 2, 1, 0])
    gathered = decide(street, exchange)
    assert gathered.verdict == Verdict.CURTAIL
    assert gathered.violations_before[0].quantity == "overvoltage"
    assert gathered.violations_after == ()
    assert int(gathered.sell_wh.sum()) == int(gathered.buy_wh.sum())
    again = street.solve(exchange.injection_w(gathered.sell_wh, gathered.surplus_wh), exchange.reactive_var)
    assert find_violations(street.feeder, again) == ()
    assert int(gathered.losses.share_wh.sum()) == gathered.losses.trade_wh


def test_only_the_strained_phase_is_cut(street: PowerFlow) -> None:
    gathered = decide(street, _exchange(street, [1, 2, 1, 0]))
    lost = {r.participant for r in gathered.reasons}
    assert 1 not in lost
    assert lost
