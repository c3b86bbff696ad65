"""Whether a feeder solves with its own loads, and if not, which node fails first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.limits import lowest_u_pu
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.units import PERCENT

_HALVINGS = 8


def check_solves(feeder: Feeder, origin: str) -> None:
    """Solve the feeder once with the loads and generators that it holds.

    Raises:
        FeederError: It does not solve; names the node of the lowest voltage at the largest share of the loads
            that does.
    """
    try:
        solver = PowerFlow(feeder)
        solver.solve(solver.zero())
        return
    except FlowError:
        pass
    low, high, worst = 0.0, 1.0, ""
    for _ in range(_HALVINGS):
        share = (low + high) / 2
        try:
            solver = PowerFlow(_scaled(feeder, share))
            u = lowest_u_pu(solver.solve(solver.zero()), solver.three_phase)
        except FlowError:
            high = share
            continue
        low = share
        node = feeder.node_names[int(u.argmin())]
        worst = f"; at {PERCENT * share:.0f} % of its loads node {node!r} is at {u.min():.3f} pu"
    raise FeederError(f"{origin}: the power flow of the feeder's own loads does not converge{worst}")


def _scaled(feeder: Feeder, share: float) -> Feeder:
    data = {}
    for kind, table in feeder.data.items():
        if kind.endswith(("_load", "_gen")):
            table = np.copy(table)
            table["p_specified"] *= share
            table["q_specified"] *= share
        data[kind] = table
    return replace(feeder, data=data)
