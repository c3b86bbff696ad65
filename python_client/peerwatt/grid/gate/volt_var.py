"""Reactive support of inverters before anybody is curtailed: the volt-var function of IEEE Std 1547-2018.

An inverter absorbs reactive power where the voltage is high and delivers it where it is low, along a
piecewise linear curve of its own voltage, as far as its rating leaves room beside its active power. Its
voltage is that of its phase, of a three-phase inverter the mean of the phases (clause 4.3).

Voltages and curves agree at one state, since curves fall and a node's voltage rises with the reactive power
injected there. It is found by Newton's method with a line search: iterating curve and flow in turn diverges
where inverters are strong beside the network. The gate then cuts exports of the network as it is with the
inverters on their curves: how limits answer to a cut includes how the inverters do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import ALL_PHASES
from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import sensitivities
from peerwatt.grid.gate.curtailment_rules import Curtailment, least_cut
from peerwatt.grid.gate.decision import GridDecision, decide
from peerwatt.grid.gate.network import Network, network_of
from peerwatt.grid.shares.loss_rules import LossRule, aumann_shapley

Gap = Callable[[Floats], tuple[Floats, Floats]]
_STEPS, _HALVINGS = 60, 12
_SETTLED_VAR, _SETTLED_SHARE = 0.5, 1e-6  # of a rating, where that is more
_ROOM = 0.02  # of a rating: how near to full load the room beside active power is taken as differentiable


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

    def slopes(self, u_pu: Floats, rating_va: Floats, p_w: Floats) -> tuple[Floats, Floats]:
        """Derivatives of `q_var` with respect to voltage, var/pu, and active power, var/W."""
        share = np.interp(u_pu, self.u_pu, self.q_share)
        piece = np.clip(np.searchsorted(self.u_pu, u_pu) - 1, 0, len(self.u_pu) - 2)
        steep = np.diff(self.q_share) / np.diff(self.u_pu)
        within = (u_pu > self.u_pu[0]) & (u_pu < self.u_pu[-1])
        room = np.sqrt(np.maximum(rating_va**2 - p_w**2, 0.0))
        free = np.abs(share) * rating_va <= room
        per_pu = np.where(within & free, steep[piece] * rating_va, 0.0)
        room = np.maximum(room, np.maximum(_ROOM * rating_va, 1.0))
        return per_pu, np.where(free, 0.0, -np.sign(share) * p_w / room)


CATEGORY_B = VoltVarCurve()


@dataclass(frozen=True)
class SupportedNetwork(Network):
    """A network whose inverters sit on their volt-var curves.

    Attributes:
        rating_va: Inverter rating of each amount's owner, VA, 0 for none, `(k,)`.
        curve: The volt-var curve.
        nodes: Node of each, `(k,)`.
        phases: Phase of each, or none on a balanced feeder.
    """

    rating_va: Floats
    curve: VoltVarCurve
    nodes: Ints
    phases: Ints | None
    _settled: dict[bytes, Floats] = field(default_factory=dict)

    def inverters_var(self, amounts_w: Floats) -> Floats:
        """Reactive power of each inverter once voltages and curves agree, var, `(k,)`.

        Raises:
            FlowError: There is no such state.
        """
        key = np.asarray(amounts_w, dtype=np.float64).tobytes()
        if key not in self._settled:
            self._settled[key] = self._settle(np.asarray(amounts_w, dtype=np.float64))
        return self._settled[key]

    def reactive_var(self, amounts_w: Floats) -> Floats | None:
        """Reactive injections with these amounts and the inverters on their curves, var."""
        return self._with(self.inverters_var(amounts_w))

    def linearise(self, amounts_w: Floats) -> tuple[FlowResult, Floats]:
        """As of a network whose inverters move along their curves when amounts change."""
        q = self.inverters_var(amounts_w)
        at = sensitivities(
            self.solver, self.injection_w(amounts_w), self._with(q), self.moves, reactive_moves=self.moves
        )
        n = len(self.moves)
        slopes, u_slopes = self.constraints.slopes(at), self._at_inverters(at.u_pu_per_w)
        active, reactive = slopes[:, :n][:, self.column], slopes[:, n:][:, self.column]
        per_pu, per_w = self.curve.slopes(self._voltage(at.base), self.rating_va, amounts_w)
        own = per_pu[:, None] * u_slopes[:, :n][:, self.column] + np.diag(per_w)
        feedback = np.eye(len(q)) - per_pu[:, None] * u_slopes[:, n:][:, self.column]
        return at.base, active + reactive @ np.linalg.solve(feedback, own)

    def _settle(self, amounts_w: Floats) -> Floats:
        p = self.injection_w(amounts_w)

        def gap(q: Floats) -> tuple[Floats, Floats]:
            u = self._voltage(self.solver.solve(p, self._with(q)))
            return self.curve.q_var(u, self.rating_va, amounts_w) - q, u

        q, (off, u) = self._first_guess(amounts_w, gap)
        tolerance = np.maximum(_SETTLED_VAR, _SETTLED_SHARE * self.rating_va)
        answer = self._answer(p, q)
        for _ in range(_STEPS):
            if (np.abs(off) <= tolerance).all():
                return q
            per_pu, _ = self.curve.slopes(u, self.rating_va, amounts_w)
            newton = np.linalg.solve(np.eye(len(q)) - per_pu[:, None] * answer, off)
            best: tuple[Floats, Floats, Floats] | None = None
            for halving in range(_HALVINGS):
                trial = q + newton * 0.5**halving
                try:
                    trial_off, trial_u = gap(trial)
                except FlowError:
                    continue
                if np.abs(trial_off).max() < (1 - 0.5 ** (halving + 2)) * np.abs(off).max():
                    best = trial, trial_off, trial_u
                    break
            if best is None:  # at a corner of the curves: a step that always comes nearer, if slowly
                steepest = np.abs(np.diff(self.curve.q_share) / np.diff(self.curve.u_pu)).max()
                gain = float(np.abs(steepest * self.rating_va[:, None] * answer).sum(axis=1).max())
                trial = q + off / (1.0 + gain)
                best = trial, *gap(trial)
            q, off, u = best
        if (np.abs(off) <= 1e-3 * np.maximum(self.rating_va, 1.0)).all():
            return q
        raise FlowError(
            f"feeder {self.solver.feeder.name}: no state has the inverters on their volt-var curves"
        )

    def _first_guess(self, amounts_w: Floats, gap: Gap) -> tuple[Floats, tuple[Floats, Floats]]:
        """No support, or where that has no flow, the most that holds the voltage up, or down."""
        ends = [0.0, *(self.curve.q_share[k] for k in (0, -1))]
        for k, share in enumerate(ends):
            room = np.sqrt(np.maximum(self.rating_va**2 - amounts_w**2, 0.0))
            q = np.clip(share * self.rating_va, -room, room)
            try:
                return q, gap(q)
            except FlowError:
                if k == len(ends) - 1:
                    raise
        raise AssertionError

    def _answer(self, p: Floats, q: Floats) -> Floats:
        """How each inverter's voltage answers to everybody's reactive power, pu/var, `(k, k)`."""
        at = sensitivities(self.solver, p, self._with(q), self.moves[:0], reactive_moves=self.moves)
        return self._at_inverters(at.u_pu_per_w)[:, self.column]

    def _voltage(self, flow: FlowResult) -> Floats:
        return self._at_inverters(flow.u_pu[..., None])[:, 0]

    def _at_inverters(self, nodal: Floats) -> Floats:
        """Of something per node (and phase) and move what each inverter sees, `(k, moves)`."""
        there: Floats = nodal[self.nodes]
        if there.ndim == 2:
            return there
        phases = np.zeros_like(self.nodes) if self.phases is None else self.phases
        own = there[np.arange(len(phases)), np.maximum(phases, 1) - 1]
        return np.asarray(np.where((phases == ALL_PHASES)[:, None], there.mean(axis=1), own))

    def _with(self, q_var: Floats) -> Floats:
        per_connection = np.bincount(self.column, weights=q_var, minlength=len(self.moves))
        own = np.tensordot(per_connection, self.moves, axes=1)
        return np.asarray(own if self.base_var is None else own + self.base_var)


def supported_network(
    solver: PowerFlow, exchange: Exchange, rating_va: Floats, curve: VoltVarCurve = CATEGORY_B
) -> SupportedNetwork:
    """The network as an interval's exports meet it with their inverters on their curves.

    Args:
        solver: The feeder's solver.
        exchange: The interval.
        rating_va: Inverter rating of each trader, VA, 0 for none, `(traders,)`.
        curve: The volt-var curve.
    """
    plain = network_of(solver, exchange)
    return SupportedNetwork(
        solver,
        plain.base_w,
        plain.base_var,
        plain.moves,
        plain.column,
        np.asarray(rating_va, dtype=np.float64),
        curve,
        exchange.nodes,
        exchange.phases,
    )


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

    Args:
        solver: The feeder's solver.
        exchange: What was cleared and what is forecast.
        rating_va: Inverter rating of each trader, VA, 0 for none, `(traders,)`.
        curve: The volt-var curve.
        rule: Who is cut.
        loss_rule: How losses are shared.

    Returns:
        The decision, and the reactive power of each inverter after the gate, var, delivered positive. The
        flow before the gate has the inverters on their curves too.

    Raises:
        FlowError: No common share of the exports has a power flow.
    """
    network = supported_network(solver, exchange, rating_va, curve)
    decision = decide(solver, exchange, rule=rule, loss_rule=loss_rule, network=network)
    kept = (decision.sell_wh + decision.surplus_wh) * np.float64(exchange.w_per_wh)
    return decision, network.inverters_var(kept)
