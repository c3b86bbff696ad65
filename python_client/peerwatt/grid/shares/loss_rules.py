"""Four ways to share a feeder's load losses among everything that flows on it. Each sums to the exact AC
loss.

- `pro_rata`: in proportion to the power exchanged, wherever it is.
- `marginal`: in proportion to marginal losses, scaled down to the loss (unscaled they recover nearly twice as
  much).
- `aumann_shapley`: the mean marginal loss along the way from no injection to the state, no scaling needed (R.
  J. Aumann, L. S. Shapley, *Values of Non-Atomic Games*, 1974).
- `tracing`: each branch's loss to whose power flows through it, half to sources and half to sinks by
  proportional sharing (J. W. Bialek, 1996; on radial feeders with peer trading: A. I. Nikolaidis, C. A.
  Charalambous, P. Mancarella, IEEE Trans. Power Systems, 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import directions, spread
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.flow.sensitivity import STEP_W
from peerwatt.grid.shares.loss_tracing import tracing

GAUSS_NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])  # on [0, 1]; exact for a quintic
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


@dataclass(frozen=True)
class Elements:
    """Everything that flows, one entry per exchange of energy.

    Attributes:
        nodes: Node of each, `(k,)`.
        p_w: Active injection of each, W, generation positive, `(k,)`.
        q_var: Reactive injection of each, var, `(k,)`.
        phases: Phase of each, or none on a balanced feeder, `(k,)`.
    """

    nodes: Ints
    p_w: Floats
    q_var: Floats
    phases: Ints | None = None

    def injections(self, solver: PowerFlow) -> tuple[Floats, Floats]:
        """Their sums per node, W and var."""
        p, q = (spread(x, self.nodes, self.phases, solver.nodes) for x in (self.p_w, self.q_var))
        return p, q


LossRule = Callable[[PowerFlow, Elements, NDArray[np.bool_]], Floats]
"""Shares of the wanted elements, W, `(wanted,)`; those of all elements sum to the load loss. Negative: a
relief.
"""


def pro_rata(solver: PowerFlow, elements: Elements, wanted: NDArray[np.bool_]) -> Floats:
    """In proportion to the active power exchanged."""
    loss = float(solver.solve(*elements.injections(solver)).load_loss_w)
    exchanged = np.abs(elements.p_w)
    total = float(exchanged.sum())
    return exchanged[wanted] * (loss / total if total else 0.0)


def marginal(solver: PowerFlow, elements: Elements, wanted: NDArray[np.bool_]) -> Floats:
    """In proportion to marginal losses at the state, active and reactive, scaled to the loss."""
    return _along(solver, elements, np.ones(1), np.ones(1), wanted, scaled=True)


def aumann_shapley(solver: PowerFlow, elements: Elements, wanted: NDArray[np.bool_]) -> Floats:
    """Mean marginal losses along the straight path from no injection to the state."""
    return _along(solver, elements, GAUSS_NODES, GAUSS_WEIGHTS, wanted, scaled=False)


def _along(
    solver: PowerFlow,
    elements: Elements,
    points: Floats,
    weights: Floats,
    wanted: NDArray[np.bool_],
    *,
    scaled: bool,
) -> Floats:
    """Weighted marginal losses at points of the path; central differences, all points in one batch."""
    asked = np.ones(len(wanted), dtype=np.bool_) if scaled else wanted
    nodes, phases = elements.nodes[asked], None if elements.phases is None else elements.phases[asked]
    moves, column = directions(nodes, phases, solver.nodes)
    reactive = bool(elements.q_var[asked].any())
    p, q = elements.injections(solver)
    k, zero = len(moves), np.zeros_like(moves)
    steps = np.concatenate([moves, -moves, zero, zero] if reactive else [moves, -moves]) * STEP_W
    steps_q = np.concatenate([zero, zero, moves, -moves] if reactive else [zero, zero]) * STEP_W
    at = points.reshape(-1, *(1,) * (1 + p.ndim))
    batch_p, batch_q = at * p + steps, at * q + steps_q
    loss = solver.solve(batch_p.reshape(-1, *p.shape), batch_q.reshape(-1, *q.shape)).loss_w
    loss = loss.reshape(len(points), -1, 2, k)
    price = np.tensordot(weights, (loss[:, :, 0] - loss[:, :, 1]) / (2 * STEP_W), axes=1)
    share: Floats = price[0][column] * elements.p_w[asked]
    if reactive:
        share = share + price[1][column] * elements.q_var[asked]
    if not scaled:
        return share
    target, total = float(solver.solve(p, q).load_loss_w), float(share.sum())
    if total <= 0:
        return pro_rata(solver, elements, wanted)
    return share[wanted] * (target / total)


LOSS_RULES: dict[str, LossRule] = {
    "aumann_shapley": aumann_shapley,
    "marginal": marginal,
    "pro_rata": pro_rata,
    "tracing": lambda solver, elements, wanted: tracing(
        solver, elements.nodes, elements.p_w, elements.injections(solver)
    )[wanted],
}
