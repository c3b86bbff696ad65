"""In every curtailed interval of a summer week on two feeders the accepted set is feasible by pandapower.

Needs the `grid` extra (pandapower, simbench).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import simbench
from numpy.typing import NDArray

from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.pandapower import from_pandapower, with_ratio_taps
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import decide
from peerwatt.verdict import Verdict

DAYS, SLOTS = 7, 96
FIRST_ROW = 168 * SLOTS + 4  # 17 June 2016, 00:00 UTC, in SimBench's year
LIMITS = {"v_min_pu": 0.917, "v_max_pu": 1.058, "loading_max_percent": 100.0}
Floats = NDArray[np.float64]


class Twin:
    """The same feeder in pandapower: one injection per bus."""

    def __init__(self, code: str) -> None:
        self.net = with_ratio_taps(simbench.get_simbench_net(code))
        for kind in ("load", "sgen", "storage"):
            self.net[kind] = self.net[kind].iloc[0:0]
        pp.create_sgens(self.net, self.net.bus.index, p_mw=0.0)

    def is_feasible(self, p_w: Floats, q_var: Floats) -> bool:
        self.net.sgen["p_mw"], self.net.sgen["q_mvar"] = p_w / 1e6, q_var / 1e6
        pp.runpp(self.net, calculate_voltage_angles=True)
        within = self.net.res_bus.vm_pu.between(LIMITS["v_min_pu"], LIMITS["v_max_pu"]).all()
        loading = max(self.net.res_line.loading_percent.max(), self.net.res_trafo.loading_percent.max())
        return bool(within and loading <= LIMITS["loading_max_percent"])


def _check_week(solver: PowerFlow, twin: Twin, week: Iterator[Exchange]) -> int:
    curtailed = 0
    for exchange in week:
        p = exchange.injection_w(exchange.sell_wh, exchange.surplus_wh)
        if not find_violations(solver.feeder, solver.solve(p, exchange.background_var)):
            continue
        decision = decide(solver, exchange)
        assert decision.verdict in (Verdict.CURTAIL, Verdict.VOID)
        assert int(decision.sell_wh.sum()) == int(decision.buy_wh.sum())
        q = exchange.background_var
        assert q is not None
        assert not twin.is_feasible(p, q)
        assert twin.is_feasible(exchange.injection_w(decision.sell_wh, decision.surplus_wh), q)
        curtailed += 1
    return curtailed


def test_ten_participants_on_the_pilots_feeder(solver: PowerFlow, interval: Callable[..., Exchange]) -> None:
    week = (interval(k) for k in range(DAYS * SLOTS))
    assert _check_week(solver, Twin("1-LV-rural2--2-sw"), week) > 50


@pytest.fixture(scope="module")
def rural3() -> tuple[PowerFlow, list[Exchange]]:
    """All 43 generating nodes of another feeder sell to each other and to the rest of the households."""
    net = with_ratio_taps(simbench.get_simbench_net("1-LV-rural3--2-sw"))
    profiles = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    rows = slice(FIRST_ROW, FIRST_ROW + DAYS * SLOTS)

    def by_bus(kind: str, column: str) -> Floats:
        values = profiles[kind, column].to_numpy()[rows] * 1e6
        total: Floats = np.zeros((len(values), len(net.bus)))
        np.add.at(total.T, net.bus.index.get_indexer(net[kind].bus), values.T)
        return total

    net_export = by_bus("sgen", "p_mw") - by_bus("storage", "p_mw") - by_bus("load", "p_mw")
    reactive = -by_bus("load", "q_mvar")
    generating: Any = [*net.sgen.bus, *net.storage.bus]
    nodes = np.unique(net.bus.index.get_indexer(generating))
    solver = PowerFlow(
        feeder_from_document(from_pandapower(net, name="rural3", limits=LIMITS, own_loads=False))
    )
    week = []
    for p, q in zip(net_export, reactive, strict=True):
        wh = np.rint(p[nodes] / 4).astype(np.int64)
        export, drawn = np.maximum(wh, 0), np.maximum(-wh, 0)
        volume = int(min(export.sum(), drawn.sum()))
        sell, buy = (np.clip(volume - np.cumsum(x) + x, 0, x) for x in (export, drawn))
        background = p.copy()
        background[nodes] -= wh * 4.0
        week.append(Exchange(900, range(len(nodes)), nodes, sell, buy, export, drawn, background, q))
    return solver, week


@pytest.mark.long
def test_forty_sellers_on_another_feeder(rural3: tuple[PowerFlow, list[Exchange]]) -> None:
    solver, week = rural3
    assert _check_week(solver, Twin("1-LV-rural3--2-sw"), iter(week)) > 50
