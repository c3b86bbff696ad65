"""Bringing a feeder back within its limits by cutting exports.

Linearised at the present operating point, cut by a rule, checked by an exact flow, linearised there again and
with limits tightened by what the check found, until the exact flow is within limits. Loads are not cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.exchange import Exchange, Ints
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
    limits = constraint_limits(solver)
    where, column = np.unique(exchange.nodes, return_inverse=True)
    scale = exchange.w_per_wh
    sell_w: Floats = exchange.sell_wh * np.float64(scale)
    surplus_w: Floats = exchange.surplus_wh * np.float64(scale)
    sell, surplus = exchange.sell_wh.copy(), exchange.surplus_wh.copy()
    tightened = np.zeros(len(limits))
    feasible: Curtailed | None = None
    for done in range(1, PASSES + 1):
        at = sensitivities(solver, exchange.injection_w(sell, surplus), exchange.background_var, where)
        slopes = constraint_slopes(at)[:, column]
        cut_so_far = (exchange.sell_wh - sell + exchange.surplus_wh - surplus) * scale
        # value as a function of the whole cut, not of the change from this pass's operating point
        value = constraint_values(at.base, solver.three_phase) + slopes @ cut_so_far
        room = value - limits + MARGIN_PERCENT + tightened
        touched = np.flatnonzero(room + np.maximum(-slopes, 0) @ (sell_w + surplus_w) > 0)
        cut_sell, cut_surplus, slack = rule(slopes[touched], room[touched], sell_w, surplus_w)
        relaxed = np.zeros(len(limits))
        relaxed[touched] = slack
        sell = exchange.sell_wh - _whole(cut_sell / scale, exchange.sell_wh)
        surplus = exchange.surplus_wh - _whole(cut_surplus / scale, exchange.surplus_wh)
        flow = solver.solve(exchange.injection_w(sell, surplus), exchange.background_var)
        found = constraint_values(flow, solver.three_phase)
        excess = found - limits - relaxed
        kept = Curtailed(sell, surplus, flow, relaxed, done)
        off = np.abs(found - value + slopes @ (cut_sell + cut_surplus))[touched].max(initial=0.0)
        if excess.max() <= 0:
            feasible = kept
            if off < EXACT_PERCENT:
                break
        if done > 2:  # the operating point stands still: what is left is rounding, met by a tighter limit
            tightened += np.where(excess > 0, excess + MARGIN_PERCENT / 10, 0.0)
    return feasible or _nothing(solver, exchange, limits)


def _nothing(solver: PowerFlow, exchange: Exchange, limits: Floats) -> Curtailed:
    """Every export cut: the last resort when no program's answer passes the exact check."""
    none = np.zeros_like(exchange.sell_wh)
    flow = solver.solve(exchange.injection_w(none, none), exchange.background_var)
    relaxed = np.maximum(constraint_values(flow, solver.three_phase) - limits, 0.0)
    return Curtailed(none, none, flow, relaxed, PASSES)


def _whole(cut_wh: Floats, most: NDArray[np.int64]) -> Ints:
    """Cuts rounded up to whole Wh; a thousandth of a Wh of solver noise is no cut."""
    return np.minimum(np.ceil(cut_wh - 1e-3), most).astype(np.int64).clip(0)
