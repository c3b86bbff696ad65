"""Where power enters the feeder: a node, and on a three-phase feeder one phase of it or all three."""

from __future__ import annotations

import numpy as np

from peerwatt.grid.arrays import Floats, Ints

ALL_PHASES = 0


def spread(power: Floats, nodes: Ints, phases: Ints | None, count: int) -> Floats:
    """Sum powers per node, or per node and phase.

    Args:
        power: W or var, `(k,)`.
        nodes: Position of each one's node, `(k,)`.
        phases: 1, 2 or 3, or 0 for an even spread over all three, `(k,)`; none on a balanced feeder.
        count: Number of nodes.

    Returns:
        `(count,)`, with phases `(count, 3)`.
    """
    if phases is None:
        return np.bincount(nodes, weights=power, minlength=count).astype(np.float64)
    total = np.zeros((count, 3))
    for phase in (1, 2, 3):
        share = np.where(phases == phase, 1.0, np.where(phases == ALL_PHASES, 1 / 3, 0.0))
        total[:, phase - 1] = np.bincount(nodes, weights=power * share, minlength=count)
    return total


def directions(nodes: Ints, phases: Ints | None, count: int) -> tuple[Floats, Ints]:
    """One watt at each distinct connection.

    Returns:
        The injections, `(connections, count)` or `(connections, count, 3)`, and the connection of each
        element, `(k,)`.
    """
    key = nodes if phases is None else nodes * 4 + phases
    distinct, first, column = np.unique(key, return_index=True, return_inverse=True)
    one = np.ones(1)
    rows = [
        spread(one, nodes[k : k + 1], None if phases is None else phases[k : k + 1], count) for k in first
    ]
    shape = (count,) if phases is None else (count, 3)
    return np.array(rows).reshape(len(distinct), *shape), column.astype(np.int64)
