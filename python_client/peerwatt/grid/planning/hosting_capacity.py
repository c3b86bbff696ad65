"""Hosting capacity: how much generation a feeder takes before the first limit is broken.

The amount is found by bisection over exact flows, all candidates in one batch. A limit that is broken without
any added generation counts as kept as long as it is broken no further. The notion is that of M. H. J. Bollen
and F. Hassan, "Integration of Distributed Generation in the Power System", 2011, chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.constraints import Constraints
from peerwatt.grid.planning.batches import solve_each

STEP_W = 100
"""Capacities are found to this step, W: that of connection limits."""


@dataclass(frozen=True)
class HostingCapacity:
    """How much one place, or a placement of many, can add.

    Attributes:
        place: Node, or what the amount was spread over.
        capacity_w: The largest amount that breaks no limit, W, a multiple of `STEP_W`.
        first_broken: The limit that one step more breaks; none where the search ended at its bound, or the
            flow has no solution there.
    """

    place: str
    capacity_w: int
    first_broken: Violation | None


def capacity_by_node(
    solver: PowerFlow, base_w: Floats, base_var: Floats | None, nodes: Ints, most_w: int
) -> tuple[HostingCapacity, ...]:
    """The capacity of each node when generation is added there alone.

    Args:
        solver: The feeder's solver.
        base_w: Injections that are there already, W, `(nodes of the feeder,)` or with phases.
        base_var: Their reactive power, var, or none.
        nodes: Positions of the candidates.
        most_w: Bound of the search, W.

    Returns:
        One capacity per candidate, in their order.

    Raises:
        FlowError: There is no power flow without any added generation.
    """
    names = [solver.feeder.node_names[k] for k in nodes]
    one = solver.per_phase(np.eye(solver.nodes)[nodes])
    return _largest(solver, base_w, base_var, names, one, most_w)


def capacity_of_all(
    solver: PowerFlow, base_w: Floats, base_var: Floats | None, nodes: Ints, most_w: int
) -> HostingCapacity:
    """The total that fits when every candidate adds the same amount."""
    even = np.zeros((1, solver.nodes))
    even[0, nodes] = 1.0 / len(nodes)
    [found] = _largest(solver, base_w, base_var, ["all alike"], solver.per_phase(even), most_w)
    return found


def random_capacities(
    solver: PowerFlow,
    base_w: Floats,
    base_var: Floats | None,
    nodes: Ints,
    unit_w: int,
    draws: int,
    seed: int,
) -> Ints:
    """The total that fits when plants of one size come at random nodes, one after another.

    Args:
        solver: The feeder's solver.
        base_w: Injections that are there already, W.
        base_var: Their reactive power, var, or none.
        nodes: Positions of the candidates; each gets at most one plant.
        unit_w: Size of a plant, W.
        draws: How many random orders are tried.
        seed: Of the draws.

    Returns:
        Total of each draw before the plant that breaks a limit, W, `(draws,)`, ascending.
    """
    generator = np.random.default_rng(seed)
    rank = np.array([generator.permutation(len(nodes)) for _ in range(draws)])

    def states(count: Ints) -> Floats:
        added = np.zeros((draws, solver.nodes))
        added[:, nodes] = np.where(rank < count[:, None], float(unit_w), 0.0)
        return solver.per_phase(added)

    base_w, base_var = _with_phases(solver, base_w, base_var)
    count = _bisect(solver, base_w, base_var, states, draws, len(nodes))
    return np.sort(count * unit_w)


def _largest(
    solver: PowerFlow,
    base_w: Floats,
    base_var: Floats | None,
    places: list[str],
    one_w: Floats,
    most_w: int,
) -> tuple[HostingCapacity, ...]:
    base_w, base_var = _with_phases(solver, base_w, base_var)

    def added(steps: Ints) -> Floats:
        return np.tensordot(np.diag(steps * np.float64(STEP_W)), one_w, axes=1)

    steps = _bisect(
        solver,
        base_w,
        base_var,
        added,
        len(places),
        most_w // STEP_W,
    )
    beyond = solve_each(solver, base_w + added(steps + 1), base_var)
    bare = solver.solve(base_w, base_var)
    known = {(v.element, v.quantity): v.excess for v in find_violations(solver.feeder, bare)}

    def first_broken(flow: FlowResult | None, step: int) -> Violation | None:
        if flow is None or step == most_w // STEP_W:
            return None
        found = find_violations(solver.feeder, flow)
        return next((v for v in found if v.excess > known.get((v.element, v.quantity), 0.0)), None)

    return tuple(
        HostingCapacity(place, step * STEP_W, first_broken(flow, step))
        for place, step, flow in zip(places, steps.tolist(), beyond, strict=True)
    )


def _with_phases(solver: PowerFlow, p_w: Floats, q_var: Floats | None) -> tuple[Floats, Floats | None]:
    """One state, on a three-phase feeder with phases, whether it came with them or not."""
    if p_w.ndim == 2:
        return p_w, q_var
    return solver.per_phase(p_w), None if q_var is None else solver.per_phase(q_var)


def _bisect(
    solver: PowerFlow,
    base_w: Floats,
    base_var: Floats | None,
    added: Callable[[Ints], Floats],
    searches: int,
    most: int,
) -> Ints:
    """The largest count of each search that breaks no limit, `(searches,)`, at most `most`."""
    constraints = Constraints(solver)
    allowed = np.maximum(constraints.limits, constraints.values(solver.solve(base_w, base_var)))

    def fits(count: Ints) -> NDArray[np.bool_]:
        flows = solve_each(solver, base_w + added(count), base_var)
        return np.array(
            [flow is not None and bool((constraints.values(flow) <= allowed).all()) for flow in flows]
        )

    low, beyond = np.zeros(searches, np.int64), np.full(searches, most + 1, np.int64)
    while (beyond - low > 1).any():
        middle = (low + beyond) // 2
        good = fits(middle)
        low, beyond = np.where(good, middle, low), np.where(good, beyond, middle)
        beyond = np.maximum(beyond, low + 1)
    return low
