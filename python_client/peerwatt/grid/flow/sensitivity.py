"""How voltages, loadings and losses answer to injections: central differences from one batch of 2n+1 exact
flows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.flow.limits import highest_u_pu, lowest_u_pu
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow

STEP_W = (
    500.0  # W: large against solver noise (1e-10 pu), small against the curvature of a low-voltage feeder
)


@dataclass(frozen=True)
class Sensitivities:
    """Derivatives at one operating point with respect to active injections.

    Attributes:
        base: The operating point itself.
        high_pu_per_w: Of each node's highest phase voltage, pu/W, `(nodes, k)`.
        low_pu_per_w: Of each node's lowest phase voltage, pu/W, `(nodes, k)`; equal to the former on a
            balanced feeder.
        loading_percent_per_w: Of each branch's loading, percent/W, `(branches, k)`.
        loss_per_w: Of the feeder's losses, W/W, `(k,)`.
    """

    base: FlowResult
    high_pu_per_w: Floats
    low_pu_per_w: Floats
    loading_percent_per_w: Floats
    loss_per_w: Floats


def sensitivities(
    flow: PowerFlow, p_w: Floats, q_var: Floats | None, moves: Floats, step_w: float = STEP_W
) -> Sensitivities:
    """Solve the state and its `2n` neighbours in one batch.

    Args:
        flow: The feeder's solver.
        p_w: Active injections of the operating point, W, `(nodes,)` or `(nodes, 3)`.
        q_var: Reactive injections, var, the same shape, or none.
        moves: What is injected per watt of each variable, `(k, nodes)` or `(k, nodes, 3)`; see
            `peerwatt.grid.connection.directions`.
        step_w: Half the distance of the central difference, W.

    Returns:
        The derivatives, exact to second order of the step.
    """
    n = len(moves)
    batch = np.repeat(np.asarray(p_w, dtype=np.float64)[None], 2 * n + 1, axis=0)
    batch[1 : n + 1] += step_w * moves
    batch[n + 1 :] -= step_w * moves
    q = None if q_var is None else np.repeat(np.asarray(q_var)[None], 2 * n + 1, axis=0)
    solved = flow.solve(batch, q)
    three_phase = flow.three_phase

    def slope(values: Floats) -> Floats:
        return np.asarray((values[1 : n + 1] - values[n + 1 :]).T / (2 * step_w))

    high = slope(highest_u_pu(solved, three_phase))
    return Sensitivities(
        base=solved.state(0),
        high_pu_per_w=high,
        low_pu_per_w=slope(lowest_u_pu(solved, three_phase)) if three_phase else high,
        loading_percent_per_w=slope(solved.loading_percent),
        loss_per_w=slope(solved.loss_w),
    )
