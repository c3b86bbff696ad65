"""The network as the exports of a few connections meet it: its state, and how it answers to more of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import sensitivities
from peerwatt.grid.gate.constraints import Constraints


@dataclass(frozen=True)
class Network:
    """A feeder with everything on it that nobody cuts.

    Attributes:
        solver: The feeder's solver.
        base_w: Injections without any of the amounts, W.
        base_var: Reactive injections, var, or none.
        moves: What one watt of each connection injects, `(connections, nodes)` or with phases.
        column: Connection of each amount, `(k,)`.
    """

    solver: PowerFlow
    base_w: Floats
    base_var: Floats | None
    moves: Floats
    column: Ints

    @cached_property
    def constraints(self) -> Constraints:
        """What must be kept."""
        return Constraints(self.solver)

    def injection_w(self, amounts_w: Floats) -> Floats:
        """Injections with these amounts, W, `(k,)`."""
        per_connection = np.bincount(self.column, weights=amounts_w, minlength=len(self.moves))
        return np.asarray(self.base_w + np.tensordot(per_connection, self.moves, axes=1))

    def reactive_var(self, amounts_w: Floats) -> Floats | None:
        """Reactive injections with these amounts, var; the same for all of them unless inverters answer."""
        del amounts_w
        return self.base_var

    def with_reactive(self, exchange: Exchange, amounts_w: Floats) -> Exchange:
        """The interval with the reactive injections of that state among its background."""
        return replace(exchange, background_var=self.reactive_var(amounts_w))

    def solve(self, amounts_w: Floats) -> FlowResult:
        """The exact flow with these amounts.

        Raises:
            FlowError: There is none.
        """
        return self.solver.solve(self.injection_w(amounts_w), self.reactive_var(amounts_w))

    def values(self, states: Sequence[Floats]) -> Floats:
        """The constraints' values in several states, percent, `(states, constraints)`.

        Raises:
            FlowError: One of them has no flow.
        """
        per_connection = np.zeros((len(states), len(self.moves)))
        np.add.at(per_connection.T, self.column, np.asarray(states, dtype=np.float64).T)
        p = self.base_w + np.tensordot(per_connection, self.moves, axes=1)
        q = [self.reactive_var(amounts) for amounts in states]
        return self.constraints.values(self.solver.solve(p, None if q[0] is None else np.array(q)))

    def linearise(self, amounts_w: Floats) -> tuple[FlowResult, Floats]:
        """The exact flow with these amounts, and what one more watt of each adds to the constraints' values.

        Returns:
            The flow, and percent/W, `(constraints, k)`.

        Raises:
            FlowError: There is no flow.
        """
        at = sensitivities(self.solver, self.injection_w(amounts_w), self.reactive_var(amounts_w), self.moves)
        return at.base, self.constraints.slopes(at)[:, self.column]


def network_of(solver: PowerFlow, exchange: Exchange) -> Network:
    """The network as the exports of an interval's traders meet it."""
    none = np.zeros_like(exchange.sell_wh)
    return Network(solver, exchange.injection_w(none, none), exchange.reactive_var, *exchange.connections)
