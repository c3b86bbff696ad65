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
from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.curtailment import Curtailed, curtail, largest_share_with_a_flow
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.gate.network import Network, network_of
from peerwatt.grid.rounding import largest_remainder_of
from peerwatt.grid.shares.loss_rules import LossRule, aumann_shapley
from peerwatt.grid.shares.losses import TradeLosses, trade_losses
from peerwatt.units import KILO
from peerwatt.verdict import Verdict

Flag = Literal["not_mended_by_market", "no_power_flow_before"]
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
        unit: `pu`, `percent` or `kW`.
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
        before: The flow of everything cleared and forecast; where that has none, of the largest common share
            of all exports that has one.
        after: The flow of what is accepted.
        violations_before: Limits violated by the former.
        violations_after: Limits violated by the latter: only what cutting exports cannot mend.
        reasons: Why each participant that lost energy was cut.
        flags: `not_mended_by_market`: a violation remains that no cut of exports mends, and it is the least
            that cutting reaches. `no_power_flow_before`: everything together has no power flow.
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
    network: Network | None = None,
) -> GridDecision:
    """Check one cleared interval and cut what must be cut.

    Args:
        solver: The feeder's solver.
        exchange: What was cleared and what is forecast.
        rule: Who is cut when limits are violated.
        fills_at: The market's fills at a capped volume; given, a cut is uniform (`cap`) instead of
            individual.
        loss_rule: How losses are shared among everything that flows.
        network: The network as the exports meet it; without any answer of inverters by default.

    Returns:
        The decision; deterministic, the same inputs give the same bytes.

    Raises:
        FlowError: No common share of the exports has a power flow.
    """
    case = _Case(solver, exchange, network or network_of(solver, exchange), rule, loss_rule, fills_at)
    return case.decide()


@dataclass(frozen=True)
class _Case:
    """One interval before the gate, with the rules that decide on it; attributes as in `decide`."""

    solver: PowerFlow
    exchange: Exchange
    network: Network
    rule: Curtailment
    loss_rule: LossRule
    fills_at: FillsAt | None

    def decide(self) -> GridDecision:
        exchange, solver = self.exchange, self.solver
        flags: tuple[Flag, ...] = ()
        try:
            before = self.flow(exchange.sell_wh, exchange.surplus_wh)
        except FlowError:
            before = largest_share_with_a_flow(
                self.network, exchange.sell_wh, exchange.surplus_wh, exchange.w_per_wh
            )
            flags = ("no_power_flow_before",)
        found = find_violations(solver.feeder, before)
        if not (found or flags):
            everything = Curtailed(exchange.sell_wh, exchange.surplus_wh, before)
            return self.decision(Verdict.ACCEPT, everything, before, found, flags)
        result = self.cap() if self.fills_at else curtail(solver, exchange, self.rule, self.network)
        verdict = Verdict.CAP if self.fills_at else Verdict.CURTAIL
        if not result.sell_wh.any():
            verdict = Verdict.VOID
        if (result.sell_wh == exchange.sell_wh).all() and (result.surplus_wh == exchange.surplus_wh).all():
            verdict = Verdict.ACCEPT
        return self.decision(verdict, result, before, found, flags)

    def flow(self, sell_wh: Ints, surplus_wh: Ints) -> FlowResult:
        """The exact flow with these exports."""
        return self.network.solve((sell_wh + surplus_wh) * np.float64(self.exchange.w_per_wh))

    def decision(
        self,
        verdict: Verdict,
        kept: Curtailed,
        before: FlowResult,
        found: tuple[Violation, ...],
        flags: tuple[Flag, ...],
    ) -> GridDecision:
        volume = int(kept.sell_wh.sum())
        if self.fills_at and verdict == Verdict.CAP:
            _, buy = self.fills_at(volume)
        else:
            buy = largest_remainder_of(self.exchange.buy_wh, volume)
        after = find_violations(self.solver.feeder, kept.flow)
        power = (kept.sell_wh + kept.surplus_wh) * np.float64(self.exchange.w_per_wh)
        exchange = self.network.with_reactive(self.exchange, power)
        losses = trade_losses(
            self.solver, exchange, kept.sell_wh, buy, kept.surplus_wh, kept.flow, self.loss_rule
        )
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
            reasons=() if verdict == Verdict.ACCEPT else self.reasons(kept),
            flags=(*flags, "not_mended_by_market") if after else flags,
        )

    def cap(self) -> Curtailed:
        """The largest volume that the network carries without any surplus, by bisection over whole Wh."""
        assert self.fills_at is not None
        fills_at, none = self.fills_at, np.zeros_like(self.exchange.sell_wh)
        constraints = self.network.constraints
        bound = np.maximum(constraints.limits, constraints.values(self.flow(none, none)))

        def fits(volume: int) -> bool:
            try:
                flow = self.flow(fills_at(volume)[0], none)
            except FlowError:
                return False
            return bool((constraints.values(flow) <= bound).all())

        low, high = 0, int(self.exchange.sell_wh.sum())
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if fits(middle) else (low, middle - 1)
        sell = fills_at(low)[0]
        return Curtailed(sell, none, self.flow(sell, none))

    def reasons(self, kept: Curtailed) -> tuple[CutReason, ...]:
        """For each cut participant the element at its limit that its injection weighs on most."""
        exchange, constraints = self.exchange, self.network.constraints
        scale = np.float64(exchange.w_per_wh)
        try:
            at, slopes = self.network.linearise((exchange.sell_wh + exchange.surplus_wh) * scale)
            value = constraints.values(at)
        except FlowError:  # everything together has no flow: extrapolated from what is left
            stays = (kept.sell_wh + kept.surplus_wh) * scale
            at, slopes = self.network.linearise(stays)
            value = constraints.values(at) + slopes @ (
                (exchange.sell_wh + exchange.surplus_wh) * scale - stays
            )
        excess = value - constraints.limits
        violated = np.flatnonzero(excess > 0)
        # the cut was made for those of them that are at their limit afterwards
        left = constraints.excess(kept.flow)
        binding = violated[left[violated] > -_BINDING_PERCENT]
        held, at_limit = np.flatnonzero(left >= min(-_BINDING_PERCENT, left.max())), left + constraints.limits
        reasons = []
        for k, participant in enumerate(exchange.participants):
            sold, surplus = (
                int(exchange.sell_wh[k] - kept.sell_wh[k]),
                int(exchange.surplus_wh[k] - kept.surplus_wh[k]),
            )
            if not (sold or surplus):
                continue
            rows = binding if (slopes[binding, k] > 0).any() else violated
            reached = value
            if not (slopes[rows, k] > 0).any():  # within its limit before, at it since others were cut
                rows, reached = held, at_limit + slopes[:, k] * (sold + surplus) * scale
            row = int(rows[np.argmax(slopes[rows, k])])
            there, unit = constraints.in_units(row, reached[row])
            limit, _ = constraints.in_units(row, value[row] - excess[row])
            limit = round(limit, 12) if unit == "pu" else limit
            per_kw = float(slopes[row, k]) * KILO * abs(constraints.in_units(row, 1.0)[0])
            name = constraints.element(row)
            reasons.append(CutReason(participant, sold, surplus, name, there, limit, unit, per_kw))
        return tuple(reasons)
