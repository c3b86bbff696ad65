"""Reactive support of inverters before anybody is curtailed: the volt-var function of IEEE Std 1547-2018.

An inverter absorbs reactive power where the voltage is high and delivers it where it is low, along a
piecewise linear curve of its own voltage, as far as its rating leaves room beside its active power."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import highest_u_pu
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.gate.decision import GridDecision, decide
from peerwatt.grid.shares.loss_rules import LossRule, aumann_shapley

_ROUNDS, _TURNS = 60, 12
_DAMPING = 0.5
_SETTLED_VAR = 0.5


@dataclass(frozen=True)
class VoltVarCurve:
    """Reactive power as a share of the rating against voltage; constant beyond its ends. Delivered is
    positive.

    The defaults are those of IEEE Std 1547-2018, table 8, category B.
    """

    u_pu: tuple[float, ...] = (0.92, 0.98, 1.02, 1.08)
    q_share: tuple[float, ...] = (0.44, 0.0, 0.0, -0.44)

    def q_var(self, u_pu: Floats, rating_va: Floats, p_w: Floats) -> Floats:
        """Reactive power at a voltage, var, within what the rating leaves beside `p_w`; active power has
        priority.
        """
        asked = np.interp(u_pu, self.u_pu, self.q_share) * rating_va
        room = np.sqrt(np.maximum(rating_va**2 - p_w**2, 0.0))
        return np.clip(asked, -room, room)


CATEGORY_B = VoltVarCurve()


def settle(
    solver: PowerFlow,
    exchange: Exchange,
    sell_wh: Ints,
    surplus_wh: Ints,
    rating_va: Floats,
    curve: VoltVarCurve,
) -> Floats:
    """Reactive power of each trader's inverter once voltages and curves agree, var, `(traders,)`."""
    power: Floats = (sell_wh + surplus_wh) * np.float64(exchange.w_per_wh)
    p = exchange.injection_w(sell_wh, surplus_wh)
    q = np.zeros(len(power))
    for _ in range(_ROUNDS):
        flow = solver.solve(p, _with(exchange, q).reactive_var)
        asked = curve.q_var(highest_u_pu(flow, solver.three_phase)[exchange.nodes], rating_va, power)
        if np.abs(asked - q).max(initial=0.0) < _SETTLED_VAR:
            break
        q += _DAMPING * (asked - q)
    return q


def decide_with_volt_var(
    solver: PowerFlow,
    exchange: Exchange,
    rating_va: Floats,
    *,
    curve: VoltVarCurve = CATEGORY_B,
    rule: Curtailment = least_cut,
    loss_rule: LossRule = aumann_shapley,
) -> tuple[GridDecision, Floats]:
    """Let inverters support the voltage first, and curtail what is still needed.

    A curtailed state needs less support, and less support may need more curtailment. So both are computed in
    turn until neither changes. If that does not end, the support is left out, which never curtails less.

    Args:
        solver: The feeder's solver.
        exchange: What was cleared and what is forecast.
        rating_va: Inverter rating of each trader, VA, 0 for none, `(traders,)`.
        curve: The volt-var curve.
        rule: Who is cut.
        loss_rule: How losses are shared.

    Returns:
        The decision, and the reactive power of each inverter after the gate, var, delivered positive.
    """
    q = settle(solver, exchange, exchange.sell_wh, exchange.surplus_wh, rating_va, curve)
    for _ in range(_TURNS):
        decision = decide(solver, _with(exchange, q), rule=rule, loss_rule=loss_rule)
        after = settle(solver, exchange, decision.sell_wh, decision.surplus_wh, rating_va, curve)
        if np.abs(after - q).max(initial=0.0) < 2 * _SETTLED_VAR:
            return decision, q
        q = after
    return decide(solver, exchange, rule=rule, loss_rule=loss_rule), np.zeros_like(q)


def _with(exchange: Exchange, q_var: Floats) -> Exchange:
    """The exchange with the inverters' reactive power among the reactive injections."""
    own, base = exchange.spread_w(q_var), exchange.reactive_var
    return replace(exchange, background_var=own if base is None else own + base)
