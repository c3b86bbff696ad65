"""Bringing a feeder back within its limits by cutting exports.

One pass linearises the flow at the present exports, cuts by a rule, and checks the result by an exact flow.
If a limit is still broken, the next pass linearises there, with limits tightened by what the check found.
Loads are not cut.

The first pass starts from all exports. If they have no power flow, or no pass from there keeps every limit,
the search starts again from the largest common share: everybody exports the same fraction, as much as keeps
the limits. If that fails too, the common share is the answer.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import CurtailmentError, FlowError
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import highest_u_pu, lowest_u_pu
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import Sensitivities, sensitivities
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.units import PERCENT

PASSES = 8
SHARES = 1024  # steps of the common share of amounts
MARGIN_PERCENT = 1e-3  # kept clear of a limit: 1e-5 pu of voltage, 1e-5 of a rating
EXACT_PERCENT = 2e-3  # the linearisation's largest error that ends the search; 2e-5 pu


@dataclass(frozen=True)
class Curtailed:
    """What is left of the exports.

    Attributes:
        sell_wh: Traded export that stays, whole Wh, `(traders,)`.
        surplus_wh: Untraded export that stays, whole Wh, `(traders,)`.
        flow: The exact flow of that state.
    """

    sell_wh: Ints
    surplus_wh: Ints
    flow: FlowResult


def constraint_values(flow: FlowResult, three_phase: bool) -> Floats:
    """Every limited quantity in percent, larger being worse: high voltages, negated low voltages,
    loadings.
    """
    high, low = highest_u_pu(flow, three_phase), lowest_u_pu(flow, three_phase)
    return np.concatenate([PERCENT * high, -PERCENT * low, flow.loading_percent], axis=-1)


def constraint_limits(solver: PowerFlow) -> Floats:
    """The limits of `constraint_values`, percent."""
    limits, n, m = solver.feeder.limits, len(solver.feeder.node_names), len(solver.feeder.branch_names)
    return np.concatenate(
        [
            np.full(n, PERCENT * limits.v_max_pu),
            np.full(n, -PERCENT * limits.v_min_pu),
            np.full(m, limits.loading_max_percent),
        ]
    )


def constraint_slopes(s: Sensitivities) -> Floats:
    """Derivatives of `constraint_values`, percent/W, `(constraints, nodes moved)`."""
    return np.concatenate([PERCENT * s.high_pu_per_w, -PERCENT * s.low_pu_per_w, s.loading_percent_per_w])


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

    Raises:
        FlowError: there is no power flow without any of the amounts.
    """
    search = _Search(solver, base_w, q_var, connections, first, second, np.float64(unit_w), rule)
    with suppress(FlowError, CurtailmentError):
        if found := search.begin_at(first, second):
            return found
    kept, kept_second = search.common_share()
    with suppress(FlowError, CurtailmentError):
        if found := search.begin_at(kept, kept_second):
            return found
    return Curtailed(kept, kept_second, solver.solve(search.state(kept + kept_second), q_var))


@dataclass(frozen=True)
class _Search:
    """The search for the largest whole amounts within limits; its attributes are `cut_back`'s arguments."""

    solver: PowerFlow
    base_w: Floats
    q_var: Floats | None
    connections: tuple[Floats, Ints]
    first: Ints
    second: Ints
    unit_w: np.float64
    rule: Curtailment

    def state(self, amount: Ints) -> Floats:
        """Injections with an amount of each, W."""
        moves, column = self.connections
        per_connection = np.bincount(column, weights=amount * self.unit_w, minlength=len(moves))
        return np.asarray(self.base_w + np.tensordot(per_connection, moves, axes=1))

    def begin_at(self, left: Ints, left_second: Ints) -> Curtailed | None:
        """Search with a first linearisation at these amounts.

        Returns:
            The last answer that passed the exact check, or none.

        Raises:
            FlowError: a state on the way has no power flow.
        """
        solver, (moves, column) = self.solver, self.connections
        first_w: Floats = self.first * self.unit_w
        second_w: Floats = self.second * self.unit_w
        limits = constraint_limits(solver)
        tightened = np.zeros(len(limits))
        feasible: Curtailed | None = None
        for done in range(1, PASSES + 1):
            at = sensitivities(solver, self.state(left + left_second), self.q_var, moves)
            slopes = constraint_slopes(at)[:, column]
            cut_so_far = (self.first - left + self.second - left_second) * self.unit_w
            # value as a function of the whole cut, not of the change from this pass's operating point
            value = constraint_values(at.base, solver.three_phase) + slopes @ cut_so_far
            room = value - limits + MARGIN_PERCENT + tightened
            touched = np.flatnonzero(room + np.maximum(-slopes, 0) @ (first_w + second_w) > 0)
            cut, cut_second, slack = self.rule(slopes[touched], room[touched], first_w, second_w)
            relaxed = np.zeros(len(limits))
            relaxed[touched] = slack
            before, before_second = left, left_second
            left = self.first - _whole(cut / self.unit_w, self.first)
            left_second = self.second - _whole(cut_second / self.unit_w, self.second)
            flow = solver.solve(self.state(left + left_second), self.q_var)
            found = constraint_values(flow, solver.three_phase)
            excess = found - limits - relaxed
            off = np.abs(found - value + slopes @ (cut + cut_second))[touched].max(initial=0.0)
            if excess.max() <= 0:
                feasible = Curtailed(left, left_second, flow)
                stands = np.array_equal(left, before) and np.array_equal(left_second, before_second)
                if off < EXACT_PERCENT or stands:  # the next pass would be the same
                    break
            if done > 2:  # only rounding is left: tighten the limit by it
                tightened += np.where(excess > 0, excess + MARGIN_PERCENT / 10, 0.0)
        return feasible

    def common_share(self) -> tuple[Ints, Ints]:
        """The same fraction of everybody's amount, as large as keeps the limits.

        The second amounts are used only if all of the first fit. If the limits are broken without either,
        both are zero.

        Raises:
            FlowError: there is no power flow without any of them.
        """

        def amounts(share: int) -> tuple[Ints, Ints]:
            return (
                self.first * min(share, SHARES) // SHARES,
                self.second * max(share - SHARES, 0) // SHARES,
            )

        limits = constraint_limits(self.solver)
        bare = constraint_values(self.solver.solve(self.base_w, self.q_var), self.solver.three_phase)
        allowed = np.maximum(limits, bare)
        kept, beyond = 0, 2 * SHARES + 1
        while beyond - kept > 1:
            share = (kept + beyond) // 2
            try:
                flow = self.solver.solve(self.state(np.add(*amounts(share))), self.q_var)
                fits = bool((constraint_values(flow, self.solver.three_phase) <= allowed).all())
            except FlowError:
                fits = False
            kept, beyond = (share, beyond) if fits else (kept, share)
        return amounts(kept)


def _whole(cut: Floats, most: Ints) -> Ints:
    """Cuts rounded up to whole units; below a thousandth of a unit a cut is solver noise and counts as 0."""
    return np.minimum(np.ceil(cut - 1e-3), most).astype(np.int64).clip(0)
