"""The continuous mode: one bilateral trade after another, each validated by sensitivities, the aggregate by
exact flow.

After J. Guerrero, A. C. Chapman and G. Verbic, "Decentralized P2P energy trading under network constraints in
a low-voltage network", IEEE Transactions on Smart Grid 10(5), 2019: voltage sensitivity coefficients and
transfer distribution factors decide on a trade the moment it is struck. Ten trades that each passed alone can
break a limit together. So each trade is checked against the state with all accepted trades, and the
sensitivities are computed anew when that state has moved by `RENEW_W`. At the end an exact flow of all
accepted trades takes the latest ones back until every limit is kept."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import sensitivities
from peerwatt.grid.gate.constraints import Constraints
from peerwatt.grid.gate.curtailment import MARGIN_PERCENT

CHECK_PERCENT = 0.5  # of extrapolated voltage, then solved exactly: the error grows with its square
RENEW_W = 500e3  # how far the injections may move, summed over the nodes, before the slopes are taken anew
_GUARD_PERCENT = 1e-2  # 1e-4 pu kept clear of a limit while the state is extrapolated


@dataclass(frozen=True)
class Trade:
    """A bilateral trade: power from a seller's node to a buyer's, W, beyond what already flows."""

    seller: int
    buyer: int
    power_w: float


@dataclass(frozen=True)
class Refusal:
    """Why a trade was refused: the element it would push beyond its limit, in percent."""

    element: str
    value_percent: float
    limit_percent: float


@dataclass
class BilateralGate:
    """Validates trades one by one on a state that it keeps.

    Args:
        solver: The feeder's solver.
        p_w: Injections before any trade, W, `(nodes,)`.
        q_var: Reactive injections, var, or none.
    """

    solver: PowerFlow
    p_w: Floats
    q_var: Floats | None = None
    accepted: list[Trade] = field(default_factory=list)
    _sum: Floats = field(init=False, repr=False)
    _constraints: Constraints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._constraints = Constraints(self.solver)
        self._limits = self._constraints.limits
        self._sum = np.array(self.p_w, dtype=np.float64)
        self._renew()
        # a limit that is broken before any trade is raised to the value there: trades must not worsen it
        self._limits = np.maximum(self._limits, self._value + _GUARD_PERCENT + MARGIN_PERCENT)

    def _renew(self) -> None:
        at = sensitivities(self.solver, self._sum, self.q_var, np.eye(self.solver.nodes))
        self._slopes = np.ascontiguousarray(self._constraints.slopes(at).T)
        self._at = self._sum.copy()
        self._exact = self._value = self._constraints.values(at.base)

    def _check(self) -> None:
        """Solve the state exactly; take the slopes anew where it has moved by more than `RENEW_W`."""
        if np.abs(self._sum - self._at).sum() > RENEW_W:
            self._renew()
        else:
            flow = self.solver.solve(self._sum, self.q_var)
            self._exact = self._value = self._constraints.values(flow)

    def validate(self, trade: Trade) -> Refusal | None:
        """Accept a trade and keep its effect, or say why not.

        Returns:
            Nothing when the trade is accepted.
        """
        change = (self._slopes[trade.seller] - self._slopes[trade.buyer]) * trade.power_w
        value = self._value + change
        over = np.where(change > 0, value - self._limits, -np.inf)
        worst = int(over.argmax())
        if over[worst] > -_GUARD_PERCENT:
            return Refusal(self._constraints.element(worst), float(value[worst]), float(self._limits[worst]))
        self._value = value
        self._sum[trade.seller] += trade.power_w
        self._sum[trade.buyer] -= trade.power_w
        self.accepted.append(trade)
        n = self._constraints.voltages
        if np.abs(value[:n] - self._exact[:n]).max() > CHECK_PERCENT:
            self._check()
        return None

    def settle(self) -> tuple[FlowResult, list[Trade]]:
        """The exact flow of everything accepted; trades are taken back, latest first, until it is within
        limits.

        Returns:
            The flow and the trades that were taken back.
        """
        taken_back: list[Trade] = []
        while True:
            flow = self.solver.solve(self._sum, self.q_var)
            fits = (self._constraints.values(flow) <= self._limits).all()
            if fits or not self.accepted:
                self._renew()
                return flow, taken_back
            trade = self.accepted.pop()
            self._sum[trade.seller] -= trade.power_w
            self._sum[trade.buyer] += trade.power_w
            taken_back.append(trade)
