"""Operating envelopes: how much each participant may inject and draw in the next interval, whatever the
others do within theirs.

Published before gate closure and enforced when orders are posted, so that a market within its envelopes needs
no curtailment. The injection limits hold with every participant injecting its limit and drawing nothing, the
offtake limits with every participant drawing its limit and injecting nothing; on a feeder whose voltage rises
with injection those are the worst cases. If it is known what participants are about to do, their expected
injections are cut last, and their expected demand is counted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import directions
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment import cut_back
from peerwatt.grid.gate.curtailment_rules import Curtailment, fair_cut
from peerwatt.units import CONNECTION_UNIT_W


@dataclass(frozen=True)
class Envelope:
    """The limits of one interval, per participant, in the order they were given.

    Attributes:
        injection_w: Most that each may inject, W, multiples of 100.
        offtake_w: Most that each may draw, W, multiples of 100.
        violations: What is violated with all of them at zero: not the participants' to mend.
    """

    injection_w: Ints
    offtake_w: Ints
    violations: tuple[Violation, ...]


def operating_envelope(
    solver: PowerFlow,
    nodes: Ints,
    export_limit_w: Ints,
    import_limit_w: Ints,
    background_w: Floats,
    background_var: Floats | None = None,
    *,
    phases: Ints | None = None,
    rule: Curtailment = fair_cut,
    expected_w: tuple[Ints, Ints] | None = None,
) -> Envelope:
    """Find the envelope of one interval from the forecast of everything else.

    Args:
        solver: The feeder's solver.
        nodes: Node of each participant, `(k,)`.
        export_limit_w: Connection limit of injection of each, W.
        import_limit_w: Connection limit of offtake of each, W.
        background_w: Injection of everybody else, W.
        background_var: Their reactive injection, var, or none.
        phases: Phase of each participant on a three-phase feeder.
        rule: How the network's capacity is shared; by equal shares of the connection limits unless told
            otherwise.
        expected_w: What each is expected to inject and to draw, W: cut last. The injection limits then hold
            with these withdrawals.

    Returns:
        Limits that are feasible by exact flow when all are used at once.
    """
    moves, column = directions(nodes, phases, solver.nodes)
    none = np.zeros_like(nodes)
    injected, drawn = (none, none) if expected_w is None else expected_w
    base_w: Floats = background_w + np.tensordot(
        np.bincount(column, weights=-drawn, minlength=len(moves)), moves, axes=1
    )
    limits = []
    for sign, most_w, expected, base in (
        (1, export_limit_w, injected, base_w),
        (-1, import_limit_w, drawn, background_w),
    ):
        whole = np.asarray(most_w) // CONNECTION_UNIT_W
        spared = np.minimum(-(-np.asarray(expected) // CONNECTION_UNIT_W), whole)
        kept = cut_back(
            solver,
            base,
            background_var,
            (sign * moves, column),
            spared,
            whole - spared,
            float(CONNECTION_UNIT_W),
            rule,
        )
        limits.append((kept.sell_wh + kept.surplus_wh) * CONNECTION_UNIT_W)
    idle = solver.solve(background_w, background_var)
    return Envelope(limits[0], limits[1], find_violations(solver.feeder, idle))
