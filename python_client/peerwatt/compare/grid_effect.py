"""What a design's flows do to the feeder: exact AC power flow of every interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.orders import IntArray
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import highest_u_pu, lowest_u_pu
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.constraints import Constraints
from peerwatt.grid.gate.decision import decide
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import HOUR_S


@dataclass(frozen=True)
class GridEffect:
    """The feeder under a design, with exports that the network operator allows by the forecast.

    Attributes:
        losses: Wh, of all intervals.
        highest, lowest: Voltage, per unit.
        loading: Of the most loaded branch, percent.
        violated: Intervals with a limit violated.
        curtailment: Export beyond that, which forecasts missed or a design moved, and that would have to be
            cut to keep the limits, Wh.
    """

    losses: int
    highest: float
    lowest: float
    loading: float
    violated: int
    curtailment: int


class FeederUnderTest:
    """Solves a scenario's feeder for the flows of designs; the same flows are solved once."""

    def __init__(self, scenario: Scenario, intervals: int) -> None:
        self._scenario, self._solver = scenario, PowerFlow(scenario.feeder)
        names = scenario.feeder.node_names
        place = {name: k for k, name in enumerate(names)}
        self._nodes = np.array(
            [place[participant.node] for participant in scenario.participants], dtype=np.int64
        )
        self._phases = (
            np.array([participant.phase for participant in scenario.participants], dtype=np.int64)
            if scenario.feeder.three_phase
            else None
        )
        zero = np.zeros((intervals, len(names)))
        active, reactive = (
            powers.nodal(names)[:intervals] for powers in (scenario.active, scenario.reactive)
        )
        # the scenario counts demand positive, the solver injection
        self._active = zero - active if len(active) else zero
        self._reactive = zero - reactive if len(reactive) else zero
        self._known: dict[bytes, GridEffect] = {}

    def effect(self, imported: IntArray, exported: IntArray) -> GridEffect:
        """The effect of these flows at the participants' meters, Wh, (intervals, participants)."""
        key = imported.tobytes() + exported.tobytes()
        if key not in self._known:
            self._known[key] = self._solve(imported, exported)
        return self._known[key]

    def _solve(self, imported: IntArray, exported: IntArray) -> GridEffect:
        length, feeder = self._scenario.calendar.length_s, self._scenario.feeder
        exchanges = [self._exchange(t, imported[t], exported[t]) for t in range(len(imported))]
        power = np.array([x.injection_w(x.sell_wh, x.surplus_wh) for x in exchanges])
        flow = self._solver.solve(power, np.array([x.reactive_var for x in exchanges]))
        high = highest_u_pu(flow, feeder.three_phase).max(axis=1)
        low = lowest_u_pu(flow, feeder.three_phase).min(axis=1)
        loading = flow.loading_percent.max(axis=1)
        violated = (Constraints(self._solver).excess(flow) > 0).any(axis=1)
        cut = sum(
            int(exchanges[t].export_wh.sum() - decide(self._solver, exchanges[t]).surplus_wh.sum())
            for t in np.flatnonzero(violated).tolist()
        )
        return GridEffect(
            losses=round(float(flow.loss_w.sum()) * length / HOUR_S),
            highest=float(high.max()),
            lowest=float(low.min()),
            loading=float(loading.max()),
            violated=int(violated.sum()),
            curtailment=cut,
        )

    def _exchange(self, t: int, imported: IntArray, exported: IntArray) -> Exchange:
        """What flows in an interval, every participant on its own phase."""
        nobody = np.zeros_like(imported)
        return Exchange(
            self._scenario.calendar.length_s,
            range(len(imported)),
            self._nodes,
            nobody,
            nobody,
            exported,
            imported,
            self._active[t],
            self._reactive[t],
            self._phases,
        )
