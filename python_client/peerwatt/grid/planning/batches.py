"""Many states at once, where some of them may have no power flow."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow


def solve_each(solver: PowerFlow, p_w: Floats, q_var: Floats | None = None) -> list[FlowResult | None]:
    """Solve a batch; a state without a power flow gives none and does not end the others.

    Args:
        solver: The feeder's solver.
        p_w: Active injections, W, `(batch, nodes)` or with phases.
        q_var: Reactive injections, var, of one state or of the batch, or none.
    """
    q = None if q_var is None else np.broadcast_to(q_var, p_w.shape)
    if p_w.ndim == 2:
        p_w, q = solver.per_phase(p_w), None if q is None else solver.per_phase(q)
    try:
        solved = solver.solve(p_w, q)
    except FlowError:
        if len(p_w) == 1:
            return [None]
        half = len(p_w) // 2
        first, second = (slice(None, half), slice(half, None))
        return [
            flow
            for part in (first, second)
            for flow in solve_each(solver, p_w[part], None if q is None else q[part])
        ]
    return list(_states(solved))


def _states(solved: FlowResult) -> Iterator[FlowResult]:
    for k in range(len(solved.import_w)):
        yield solved.state(k)
