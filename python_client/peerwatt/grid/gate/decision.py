"""What the grid gate finds on one interval: which cleared trades may be executed, and why not the rest.

What is judged is what will flow. Loads are forecasts, and a purchase beyond the forecast is none. Loads stay
on: a buyer whose purchase is cut draws the same energy at the retail tariff. So buys are cut only to equal
the accepted sells, in proportion to what was bought. Exports are forecasts, and what was sold beyond them.

Under equal shares (`fair`) everybody's total export is limited as it would be without a market, by the
forecast alone: see `export_limits`. Of its fill is accepted what fits under its limit and was offered within
its forecast; the rest of the limit is its allowed surplus. Where the forecast breaks no limit and only sales
beyond it would, sales are cut to the forecast and nobody's surplus is limited.

Under `least` the least total is cut, and trades last: who trades may keep more than without a market, and
somebody else less. It promises nobody that it does not lose by the market.

In the state after the grid gate every participant exports its accepted sells and `surplus_wh`.
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
from peerwatt.grid.gate.constraints import KEPT_PERCENT
from peerwatt.grid.gate.curtailment import Curtailed, curtail, largest_share_with_a_flow
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.gate.cut_reasons import CutReason, cut_reasons
from peerwatt.grid.gate.export_limits import ExportLimits, export_limits
from peerwatt.grid.gate.network import Network, network_of
from peerwatt.grid.rounding import largest_remainder_of
from peerwatt.grid.shares.loss_rules import LossRule, aumann_shapley
from peerwatt.grid.shares.losses import TradeLosses, trade_losses
from peerwatt.verdict import Verdict

Flag = Literal["not_mended_by_market", "no_power_flow_before"]
FillsAt = Callable[[int], tuple[Ints, Ints]]
"""The market's own walk stopped at a volume: accepted sells and buys per trader, Wh."""


@dataclass(frozen=True)
class GridDecision:
    """What the network can carry of one interval. Arrays are per trader, in the order of the exchange.

    Attributes:
        verdict: Accept, cap, curtail or void.
        sell_wh: Accepted sells.
        buy_wh: Accepted buys; both sum to `volume_wh`.
        surplus_wh: Export beyond the trade in the state after the gate, at most what was forecast.
        allowed_wh: What each may feed in, traded or not; none where whatever is generated may flow.
        without_market: What the network operator would limit exports to if nothing were traded.
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
    allowed_wh: Ints | None
    without_market: ExportLimits
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
        exchange = self.exchange
        limits = export_limits(self.network, exchange.export_wh, exchange.w_per_wh)
        before, found, flags = self.before(limits)
        if self.fills_at:
            result = self.cap() if found or flags else self.everything(before)
        elif self.rule.by_forecast:
            result = self.within(limits, before)
        else:
            result = self.cut() if found or flags else self.everything(before)
        stands = self.is_everything(result)
        verdict = Verdict.CAP if self.fills_at else Verdict.CURTAIL
        if stands:
            verdict = Verdict.ACCEPT
        elif not result.sell_wh.any():
            verdict = Verdict.VOID
        allowed = None if stands else result.sell_wh + result.surplus_wh
        if self.rule.by_forecast and not self.fills_at and not limits.bind:
            allowed = None
        return self.decision(verdict, result, allowed, limits, before, found, flags)

    def before(self, limits: ExportLimits) -> tuple[FlowResult, tuple[Violation, ...], tuple[Flag, ...]]:
        """The flow of everything cleared and forecast, what it violates, and whether there is none."""
        exchange = self.exchange
        if (exchange.sell_wh <= exchange.export_wh).all():
            flags: tuple[Flag, ...] = () if limits.has_flow else ("no_power_flow_before",)
            return limits.expected, limits.violations, flags
        try:
            before, flags = self.flow(exchange.sell_wh, exchange.surplus_wh), ()
        except FlowError:
            before = largest_share_with_a_flow(
                self.network, exchange.sell_wh, exchange.surplus_wh, exchange.w_per_wh
            )
            flags = ("no_power_flow_before",)
        return before, find_violations(self.solver.feeder, before), flags

    def everything(self, before: FlowResult) -> Curtailed:
        """All that was cleared and forecast."""
        return Curtailed(self.exchange.sell_wh, self.exchange.surplus_wh, before)

    def is_everything(self, kept: Curtailed) -> bool:
        """Whether nothing was cut."""
        sold, surplus = self.exchange.sell_wh, self.exchange.surplus_wh
        return np.array_equal(kept.sell_wh, sold) and np.array_equal(kept.surplus_wh, surplus)

    def cut(self) -> Curtailed:
        """What the rule leaves of sales and surplus."""
        return curtail(self.solver, self.exchange, self.rule, self.network)

    def within(self, limits: ExportLimits, before: FlowResult) -> Curtailed:
        """What fits under the limits that there would be without a market.

        Sales beyond the forecast stand where nothing is limited and they make no limit worse.
        """
        exchange = self.exchange
        if not limits.bind and limits.has_flow and not self.is_worse(before, limits.expected):
            return self.everything(before)
        sell = np.minimum(exchange.sold_within_forecast_wh, limits.most_wh)
        return Curtailed(sell, limits.most_wh - sell, limits.flow)

    def is_worse(self, flow: FlowResult, expected: FlowResult) -> bool:
        """Whether a state breaks a limit by more than the expected one does."""
        constraints = self.network.constraints
        allowed = np.maximum(constraints.limits, constraints.values(expected))
        return bool((constraints.values(flow) > allowed + KEPT_PERCENT).any())

    def flow(self, sell_wh: Ints, surplus_wh: Ints) -> FlowResult:
        """The exact flow with these exports."""
        return self.network.solve((sell_wh + surplus_wh) * np.float64(self.exchange.w_per_wh))

    def decision(
        self,
        verdict: Verdict,
        kept: Curtailed,
        allowed: Ints | None,
        limits: ExportLimits,
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
            allowed_wh=allowed,
            without_market=limits,
            losses=losses,
            before=before,
            after=kept.flow,
            violations_before=found,
            violations_after=after,
            reasons=() if verdict == Verdict.ACCEPT else cut_reasons(self.network, self.exchange, kept),
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
