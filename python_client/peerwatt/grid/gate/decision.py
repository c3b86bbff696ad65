"""What the grid gate finds on one interval: which cleared trades may be executed, and why not the rest.

Loads stay on: a buyer whose purchase is cut draws the same energy at the retail tariff. So buys are cut only
to equal the accepted sells, in proportion to what was bought. In an interval whose verdict is not `accept`,
export beyond the accepted sale earns nothing. `surplus_wh` is how much of it the network can still carry. In
the state after the grid gate every participant exports its accepted sells and exactly that allowance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from peerwatt.grid.arrays import Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import sensitivities
from peerwatt.grid.gate.curtailment import (
    Curtailed,
    constraint_limits,
    constraint_slopes,
    constraint_values,
    curtail,
)
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.rounding import largest_remainder_of
from peerwatt.grid.shares.loss_rules import LossRule, aumann_shapley
from peerwatt.grid.shares.losses import TradeLosses, trade_losses
from peerwatt.units import KILO, PERCENT
from peerwatt.verdict import Verdict

Flag = Literal["not_mended_by_market"]
_BINDING_PERCENT = 1e-2
FillsAt = Callable[[int], tuple[Ints, Ints]]
"""The market's own walk stopped at a volume: accepted sells and buys per trader, Wh."""


@dataclass(frozen=True)
class CutReason:
    """Why one participant was cut.

    Attributes:
        participant: Its id.
        sell_wh: Traded energy taken from it.
        surplus_wh: Untraded export taken from it.
        element: The node, line or transformer whose limit it would break.
        value: The value there before the gate, `unit`.
        limit: The limit, `unit`.
        unit: `pu` or `percent`.
        per_kw: What one more kW injected by it adds to the value, `unit`/kW.
    """

    participant: int
    sell_wh: int
    surplus_wh: int
    element: str
    value: float
    limit: float
    unit: str
    per_kw: float

    def __str__(self) -> str:
        digits = 4 if self.unit == "pu" else 1
        return (
            f"{self.sell_wh} Wh sold and {self.surplus_wh} Wh surplus cut: {self.element} would reach "
            f"{self.value:.{digits}f} {self.unit} (limit {self.limit:g}), "
            f"each kW adds {self.per_kw:.2g} {self.unit}"
        )


@dataclass(frozen=True)
class GridDecision:
    """What the network can carry of one interval. Arrays are per trader, in the order of the exchange.

    Attributes:
        verdict: Accept, cap, curtail or void.
        sell_wh: Accepted sells.
        buy_wh: Accepted buys; both sum to `volume_wh`.
        surplus_wh: Export beyond the trade that the network can carry.
        losses: Losses of the accepted trades.
        before: The flow of everything cleared and forecast.
        after: The flow of what is accepted.
        violations_before: Limits violated by the former.
        violations_after: Limits violated by the latter: only what cutting exports cannot mend.
        reasons: Why each participant that lost energy was cut.
        flags: `not_mended_by_market`: a violation remains that no cut of exports mends.
    """

    verdict: Verdict
    sell_wh: Ints
    buy_wh: Ints
    surplus_wh: Ints
    losses: TradeLosses
    before: FlowResult
    after: FlowResult
    violations_before: tuple[Violation, ...]
    violations_after: tuple[Violation, ...]
    reasons: tuple[CutReason, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def volume_wh(self) -> int:
        """Accepted volume, Wh."""
        return int(self.sell_wh.sum())

    @property
    def loss_wh(self) -> Ints:
        """Loss share of each trader, Wh."""
        return self.losses.share_wh


def decide(
    solver: PowerFlow,
    exchange: Exchange,
    *,
    rule: Curtailment = least_cut,
    fills_at: FillsAt | None = None,
    loss_rule: LossRule = aumann_shapley,
) -> GridDecision:
    """Check one cleared interval and cut what must be cut.

    Args:
        solver: The feeder's solver.
        exchange: What was cleared and what is forecast.
        rule: Who is cut when limits are violated.
        fills_at: The market's fills at a capped volume; given, a cut is uniform (`cap`) instead of
            individual.
        loss_rule: How losses are shared among everything that flows.

    Returns:
        The decision; deterministic, the same inputs give the same bytes.

    Raises:
        FlowError: The cleared state has no solution.
    """
    before = solver.solve(exchange.injection_w(exchange.sell_wh, exchange.surplus_wh), exchange.reactive_var)
    found = find_violations(solver.feeder, before)
    everything = Curtailed(exchange.sell_wh, exchange.surplus_wh, before)
    if not found:
        return _decision(solver, exchange, Verdict.ACCEPT, everything, before, found, loss_rule)
    result = _cap(solver, exchange, fills_at) if fills_at else curtail(solver, exchange, rule)
    cut = (result.sell_wh < exchange.sell_wh).any() or (result.surplus_wh < exchange.surplus_wh).any()
    if not cut:
        return _decision(solver, exchange, Verdict.ACCEPT, everything, before, found, loss_rule)
    verdict = Verdict.CAP if fills_at else Verdict.CURTAIL
    if not result.sell_wh.any():
        verdict = Verdict.VOID
    return _decision(solver, exchange, verdict, result, before, found, loss_rule, fills_at)


def _decision(
    solver: PowerFlow,
    exchange: Exchange,
    verdict: Verdict,
    kept: Curtailed,
    before: FlowResult,
    found: tuple[Violation, ...],
    loss_rule: LossRule,
    fills_at: FillsAt | None = None,
) -> GridDecision:
    volume = int(kept.sell_wh.sum())
    if fills_at and verdict == Verdict.CAP:
        _, buy = fills_at(volume)
    else:
        buy = largest_remainder_of(exchange.buy_wh, volume)
    after = find_violations(solver.feeder, kept.flow)
    flags: tuple[Flag, ...] = ("not_mended_by_market",) if after else ()
    losses = trade_losses(solver, exchange, kept.sell_wh, buy, kept.surplus_wh, kept.flow, loss_rule)
    return GridDecision(
        verdict=verdict,
        sell_wh=kept.sell_wh,
        buy_wh=buy,
        surplus_wh=kept.surplus_wh,
        losses=losses,
        before=before,
        after=kept.flow,
        violations_before=found,
        violations_after=after,
        reasons=() if verdict == Verdict.ACCEPT else _reasons(solver, exchange, kept),
        flags=flags,
    )


def _cap(solver: PowerFlow, exchange: Exchange, fills_at: FillsAt) -> Curtailed:
    """The largest volume that the network carries without any surplus, found by bisection over whole Wh."""
    limits = constraint_limits(solver)
    none = np.zeros_like(exchange.sell_wh)
    floor = constraint_values(
        solver.solve(exchange.injection_w(none, none), exchange.reactive_var), solver.three_phase
    )
    bound = np.maximum(limits, floor)

    def state(volume: int) -> FlowResult:
        return solver.solve(exchange.injection_w(fills_at(volume)[0], none), exchange.reactive_var)

    low, high = 0, int(exchange.sell_wh.sum())
    while low < high:
        middle = (low + high + 1) // 2
        fits = (constraint_values(state(middle), solver.three_phase) <= bound).all()
        low, high = (middle, high) if fits else (low, middle - 1)
    return Curtailed(fills_at(low)[0], none, state(low))


def _reasons(solver: PowerFlow, exchange: Exchange, kept: Curtailed) -> tuple[CutReason, ...]:
    """For each cut participant the element at its limit that its injection weighs on most."""
    moves, column = exchange.connections
    p = exchange.injection_w(exchange.sell_wh, exchange.surplus_wh)
    at = sensitivities(solver, p, exchange.reactive_var, moves)
    slopes, value = constraint_slopes(at)[:, column], constraint_values(at.base, solver.three_phase)
    excess = value - constraint_limits(solver)
    violated = np.flatnonzero(excess > 0)
    # the cut was made for those of them that are at their limit afterwards
    left = constraint_values(kept.flow, solver.three_phase) - constraint_limits(solver)
    binding = violated[left[violated] > -_BINDING_PERCENT]
    nodes, branches = solver.feeder.node_names, solver.feeder.branch_names
    reasons = []
    for k, participant in enumerate(exchange.participants):
        sold, surplus = (
            int(exchange.sell_wh[k] - kept.sell_wh[k]),
            int(exchange.surplus_wh[k] - kept.surplus_wh[k]),
        )
        if not (sold or surplus):
            continue
        rows = binding if (slopes[binding, k] > 0).any() else violated
        row = int(rows[np.argmax(slopes[rows, k])])
        value_there, limit, unit = _in_units(row, len(nodes), value[row], value[row] - excess[row])
        name = nodes[row % len(nodes)] if row < 2 * len(nodes) else branches[row - 2 * len(nodes)]
        per_kw = float(slopes[row, k]) * KILO / (PERCENT if unit == "pu" else 1)
        reasons.append(CutReason(participant, sold, surplus, name, value_there, limit, unit, per_kw))
    return tuple(reasons)


def _in_units(row: int, nodes: int, value: float, limit: float) -> tuple[float, float, str]:
    if row >= 2 * nodes:
        return float(value), float(limit), "percent"
    sign = PERCENT if row < nodes else -PERCENT
    return float(value / sign), float(round(limit / sign, 12)), "pu"
