"""Operating envelopes: how much each participant may inject and draw in the next interval, whatever the
others do within theirs.

Published before gate closure and enforced when orders are posted, so that a market within its envelopes
needs no curtailment. Everybody may be anywhere between its two limits, at the same time as anybody else: all
inject, all draw, or some inject while others draw. Every such state keeps the feeder's limits by exact flow,
on every phase of every node and branch. What participants are expected to inject and draw is cut last; the
expected load of those who cannot inject is counted on, as the background is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import directions
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.box import Box
from peerwatt.grid.gate.curtailment_rules import Curtailment, fair_cut
from peerwatt.grid.gate.network import Network
from peerwatt.units import CONNECTION_UNIT_W


@dataclass(frozen=True)
class Envelope:
    """The limits of one interval, per participant, in the order they were given.

    Attributes:
        injection_w: Most that each may inject, W, multiples of 100.
        offtake_w: Most that each may draw, W, multiples of 100.
        violations: What is violated with no exchange of theirs but the load that is counted on: not theirs
            to mend.
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
        expected_w: What each is expected to inject and to draw, W: cut last. Who cannot inject at all is
            taken to draw at least what is expected.

    Returns:
        Limits within which every state is feasible by exact flow; where the background alone violates one,
        within which no state makes it worse.

    Raises:
        FlowError: There is no power flow without any participant.
    """
    moves, column = directions(nodes, phases, solver.nodes)
    whole = np.concatenate([export_limit_w, import_limit_w]).astype(np.int64) // CONNECTION_UNIT_W
    none = np.zeros_like(nodes)
    injected, drawn = (none, none) if expected_w is None else expected_w
    expected = np.minimum(-(-np.concatenate([injected, drawn]) // CONNECTION_UNIT_W), whole)
    # a load that cannot inject stays on, as before the gate; who can inject may be anywhere
    k = len(nodes)
    load = np.where(whole[:k] == 0, np.minimum(drawn // CONNECTION_UNIT_W, whole[k:]), 0)
    alone = _violations(solver, background_w, background_var)
    on = np.bincount(column, weights=load * np.float64(CONNECTION_UNIT_W), minlength=len(moves))
    base_w: Floats = background_w - np.tensordot(on, moves, axes=1)
    if load.any() and not alone and _violations(solver, base_w, background_var):
        # more is expected than the network carries: their load is limited as everybody's is
        load, base_w = none, np.asarray(background_w, dtype=np.float64)
    sure = np.concatenate([none, load])
    box = Box(
        Network(solver, base_w, background_var, moves, column),
        expected - sure,
        whole - expected,
        float(CONNECTION_UNIT_W),
        rule,
    ).largest()
    limits = (box + sure) * CONNECTION_UNIT_W
    return Envelope(limits[:k], limits[k:], _violations(solver, base_w, background_var))


def _violations(solver: PowerFlow, p_w: Floats, q_var: Floats | None) -> tuple[Violation, ...]:
    return find_violations(solver.feeder, solver.solve(p_w, q_var))
