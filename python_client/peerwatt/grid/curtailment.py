"""Bringing a feeder back within its limits by cutting exports.

Linearised at the present operating point, cut by a rule, checked by an exact flow, linearised there again and
with limits tightened by what the check found, until the exact flow is within limits. Loads are not cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.connection import Ints
from peerwatt.grid.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.exchange import Exchange
from peerwatt.grid.limits import highest_u_pu, lowest_u_pu
from peerwatt.grid.power_flow import Floats, FlowResult, PowerFlow
from peerwatt.grid.sensitivity import Sensitivities, sensitivities

PASSES = 8
MARGIN_PERCENT = 1e-3  # kept clear of a limit: 1e-5 pu of voltage, 1e-5 of a rating
EXACT_PERCENT = 2e-3  # the linearisation's largest error that ends the search; 2e-5 pu
_PERCENT = 100.0


@dataclass(frozen=True)
class Curtailed:
    """What is left of the exports.

    Attributes:
        sell_wh: Traded export that stays, whole Wh, `(traders,)`.
        surplus_wh: Untraded export that stays, whole Wh, `(traders,)`.
        flow: The exact flow of that state.
        relaxed_percent: How far beyond its limit each constraint had to be let, `(constraints,)`, percent;
            zero for what the market can mend.
        passes: Linear programs solved.
    """

    sell_wh: Ints
    surplus_wh: Ints
    flow: FlowResult
    relaxed_percent: Floats
    passes: int


def constraint_values(flow: FlowResult, three_phase: bool) -> Floats:
    """Every limited quantity in percent, larger being worse: high voltages, negated low voltages,
    loadings.
    """
    high, low = highest_u_pu(flow, three_phase), lowest_u_pu(flow, three_phase)
    return np.concatenate([_PERCENT * high, -_PERCENT * low, flow.loading_percent], axis=-1)


def constraint_limits(solver: PowerFlow) -> Floats:
    """The limits of `constraint_values`, percent."""
    limits, n, m = solver.feeder.limits, len(solver.feeder.node_names), len(solver.feeder.branch_names)
    return np.concatenate(
        [
            np.full(n, _PERCENT * limits.v_max_pu),
            np.full(n, -_PERCENT * limits.v_min_pu),
            np.full(m, limits.loading_max_percent),
        ]
    )


def constraint_slopes(s: Sensitivities) -> Floats:
    """Derivatives of `constraint_values`, percent/W, `(constraints, nodes moved)`."""
    return np.concatenate([_PERCENT * s.high_pu_per_w, -_PERCENT * s.low_pu_per_w, s.loading_percent_per_w])


def curtail(solver: PowerFlow, exchange: Exchange, rule: Curtailment = least_cut) -> Curtailed:
    """Cut exports until the exact flow is within limits, or as near as cutting exports can bring it.

    Args:
        solver: The feeder's solver.
        exchange: What is about to flow.
        rule: Who is cut; the least total by default.

    Returns:
        Whole watt-hours that stay, rounded down, and their exact flow.
    """
    return cut_back(
        solver,
        exchange.injection_w(np.zeros_like(exchange.sell_wh), np.zeros_like(exchange.sell_wh)),
        exchange.reactive_var,
        exchange.connections,
        exchange.sell_wh,
        exchange.surplus_wh,
        exchange.w_per_wh,
        rule,
    )


def cut_back(
    solver: PowerFlow,
    base_w: Floats,
    q_var: Floats | None,
    connections: tuple[Floats, Ints],
    first: Ints,
    second: Ints,
    unit_w: float,
    rule: Curtailment,
) -> Curtailed:
    """Cut whole amounts of power until the exact flow is within limits.

    Args:
        solver: The feeder's solver.
        base_w: Injections without any of the amounts, W.
        q_var: Reactive injections, var, or none.
        connections: What one watt of each connection injects (withdrawals negative), and everybody's
            connection.
        first: Amounts that are spared first, units, `(k,)`.
        second: Amounts that are cut first, units, `(k,)`.
        unit_w: Power of one unit, W.
        rule: Who is cut.

    Returns:
        What is left of both, and the exact flow.
    """
    moves, column = connections
    limits, scale = constraint_limits(solver), np.float64(unit_w)
    first_w: Floats = first * scale
    second_w: Floats = second * scale
    left, left_second = first.copy(), second.copy()
    tightened = np.zeros(len(limits))
    feasible: Curtailed | None = None

    def state(amount: Ints) -> Floats:
        per_connection = np.bincount(column, weights=amount * scale, minlength=len(moves))
        return base_w + np.tensordot(per_connection, moves, axes=1)

    for done in range(1, PASSES + 1):
        at = sensitivities(solver, state(left + left_second), q_var, moves)
        slopes = constraint_slopes(at)[:, column]
        cut_so_far = (first - left + second - left_second) * scale
        # value as a function of the whole cut, not of the change from this pass's operating point
        value = constraint_values(at.base, solver.three_phase) + slopes @ cut_so_far
        room = value - limits + MARGIN_PERCENT + tightened
        touched = np.flatnonzero(room + np.maximum(-slopes, 0) @ (first_w + second_w) > 0)
        cut, cut_second, slack = rule(slopes[touched], room[touched], first_w, second_w)
        relaxed = np.zeros(len(limits))
        relaxed[touched] = slack
        left, left_second = first - _whole(cut / scale, first), second - _whole(cut_second / scale, second)
        flow = solver.solve(state(left + left_second), q_var)
        found = constraint_values(flow, solver.three_phase)
        excess = found - limits - relaxed
        off = np.abs(found - value + slopes @ (cut + cut_second))[touched].max(initial=0.0)
        if excess.max() <= 0:
            feasible = Curtailed(left, left_second, flow, relaxed, done)
            if off < EXACT_PERCENT:
                break
        if done > 2:  # the operating point stands still: what is left is rounding, met by a tighter limit
            tightened += np.where(excess > 0, excess + MARGIN_PERCENT / 10, 0.0)
    if feasible:
        return feasible
    flow = solver.solve(base_w, q_var)  # everything cut: no program's answer passed the exact check
    relaxed = np.maximum(constraint_values(flow, solver.three_phase) - limits, 0.0)
    return Curtailed(np.zeros_like(first), np.zeros_like(second), flow, relaxed, PASSES)


def _whole(cut: Floats, most: Ints) -> Ints:
    """Cuts rounded up to whole units; a thousandth of a unit of solver noise is no cut."""
    return np.minimum(np.ceil(cut - 1e-3), most).astype(np.int64).clip(0)
