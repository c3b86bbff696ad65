"""Generators that hold a voltage, turned into the constant P and Q of their operating point.

power-grid-model knows no voltage-controlled generator. The reactive power that holds each set-point is found
by Newton's method, its Jacobian by central differences of exact flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.units import KILO

_STEPS = 30
_SHARES = (0.05, 0.3, 0.55, 0.8, 1.0)
_STEP_VAR = KILO
_HELD_PU = 1e-10


@dataclass(frozen=True)
class VoltageControl:
    """One voltage-controlled generator: its `sym_gen` row, its node's position, and the voltage it holds,
    pu.
    """

    row: dict[str, Any]
    node: int
    u_set_pu: float


def hold_voltages(document: dict[str, Any], controls: Sequence[VoltageControl]) -> None:
    """Set `q_specified` of every voltage-controlled generator, in place.

    Args:
        document: The feeder document that the rows belong to.
        controls: The generators; several at one node share its reactive power equally.

    Raises:
        FeederError: The set-points cannot be held.
    """
    if not controls:
        return
    nodes, first = np.unique([c.node for c in controls], return_index=True)
    wanted = np.array([controls[k].u_set_pu for k in first])
    q = np.zeros(len(document["power_grid_model"]["data"]["node"]))
    try:
        for (
            share
        ) in _SHARES:  # from the unloaded network up, so that Newton's method starts near each solution
            _newton(PowerFlow(feeder_from_document(_scaled(document, share))), nodes, wanted, q)
    except (FlowError, np.linalg.LinAlgError) as error:
        raise FeederError(
            f"{document['name']}: the generators' set-points have no solution: {error}"
        ) from None
    shared = {int(node): sum(c.node == node for c in controls) for node in nodes}
    for control in controls:
        control.row["q_specified"] = float(q[control.node]) / shared[control.node]


def _newton(solver: PowerFlow, nodes: NDArray[np.int64], wanted: Floats, q: Floats) -> None:
    """Adjust `q` in place until the voltages are held."""
    n = len(nodes)
    rows, p = np.arange(n), np.zeros((2 * n + 1, solver.nodes))
    for _ in range(_STEPS):
        batch = np.repeat(q[None], 2 * n + 1, axis=0)
        step = max(_STEP_VAR, 1e-4 * float(np.abs(q).max()))
        batch[1 + rows, nodes] += step
        batch[1 + n + rows, nodes] -= step
        u = solver.solve(p, batch).u_pu[:, nodes]
        error = wanted - u[0]
        if np.abs(error).max() < _HELD_PU:
            return
        jacobian = (u[1 : n + 1] - u[n + 1 :]).T / (2 * step)
        q[nodes] += np.linalg.solve(jacobian, error)
    raise FlowError(f"feeder {solver.feeder.name}: {_STEPS} Newton steps do not hold the voltages")


def _scaled(document: dict[str, Any], share: float) -> dict[str, Any]:
    """The document with every load and generator scaled."""
    data = {
        kind: [row | {key: _times(row[key], share) for key in ("p_specified", "q_specified")} for row in rows]
        if kind.endswith(("_load", "_gen"))
        else rows
        for kind, rows in document["power_grid_model"]["data"].items()
    }
    return document | {"power_grid_model": document["power_grid_model"] | {"data": data}}


def _times(value: Any, share: float) -> Any:
    return [x * share for x in value] if isinstance(value, list) else value * share
