"""How voltages, loadings and losses answer to injections: central differences from one batch of 2n+1 exact
flows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow

STEP_W = (
    500.0  # W: large against solver noise (1e-10 pu), small against the curvature of a low-voltage feeder
)


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives at one operating point with respect to active injections.

    Attributes:
        base: The operating point itself.
        u_pu_per_w: Of node voltages, pu/W, `(nodes, k)` or `(nodes, 3, k)`.
        conductor_percent_per_w: Of the loading of each conductor, percent/W, `(branches, conductors, k)`.
        unbalance_percent_per_w: Of the voltage unbalance of each node, percent/W, `(nodes, k)`.
        import_w_per_w: Of what is drawn from upstream, W/W, `(k,)`.
        loss_per_w: Of the feeder's losses, W/W, `(k,)`.
    """

    base: FlowResult
    u_pu_per_w: Floats
    conductor_percent_per_w: Floats
    unbalance_percent_per_w: Floats
    import_w_per_w: Floats
    loss_per_w: Floats


def sensitivities(
    flow: PowerFlow,
    p_w: Floats,
    q_var: Floats | None,
    moves: Floats,
    step_w: float = STEP_W,
    *,
    reactive_moves: Floats | None = None,
) -> Sensitivities:
    """Solve the state and its `2k` neighbours in one batch.

    Args:
        flow: The feeder's solver.
        p_w: Active injections of the operating point, W, `(nodes,)` or `(nodes, 3)`.
        q_var: Reactive injections, var, the same shape, or none.
        moves: What is injected per watt of each variable, `(k, nodes)` or `(k, nodes, 3)`; see
            `peerwatt.grid.connection.directions`.
        step_w: Half the distance of the central difference, W or var.
        reactive_moves: The same per var of variables that are reactive powers; they follow the others.

    Returns:
        The derivatives, exact to second order of the step.
    """
    turns = moves[:0] if reactive_moves is None else reactive_moves
    n, k = len(moves), len(moves) + len(turns)
    batch, reactive = (
        np.repeat(np.asarray(x, dtype=np.float64)[None], 2 * k + 1, axis=0)
        for x in (p_w, np.zeros_like(p_w) if q_var is None else q_var)
    )
    for first, sign in ((1, step_w), (k + 1, -step_w)):
        batch[first : first + n] += sign * moves
        reactive[first + n : first + k] += sign * turns
    solved = flow.solve(batch, None if q_var is None and not len(turns) else reactive)

    def slope(values: Floats) -> Floats:
        return np.moveaxis((values[1 : k + 1] - values[k + 1 :]) / (2 * step_w), 0, -1)

    return Sensitivities(
        base=solved.state(0),
        u_pu_per_w=slope(solved.u_pu),
        conductor_percent_per_w=slope(solved.conductor_loading_percent),
        unbalance_percent_per_w=slope(solved.unbalance_percent),
        import_w_per_w=slope(solved.import_w),
        loss_per_w=slope(solved.loss_w),
    )
