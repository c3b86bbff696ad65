"""Generators that hold the voltage of their node, in every state and not only in that of the import.

power-grid-model knows none. The reactive power that holds each set-point is found by Newton's method on exact
flows; its Jacobian comes from central differences and is kept from state to state as long as it leads there.
Reactive limits are not enforced, as pandapower and MATPOWER do not enforce them unless told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FlowError
from peerwatt.units import KILO

HELD_PU = 1e-10
"""How far a held voltage may be from its set-point: the solver's own tolerance."""
_STEPS = 60
_HALVINGS = 12
_SLOW = 0.3  # a Jacobian that leaves more than this share of the error is measured again

Voltages = Callable[[Floats, Floats], Floats]
"""Node voltages, pu, of a batch of active and reactive injections, `(batch, nodes)`."""


class HeldVoltages:
    """The set-points of one feeder.

    Args:
        nodes: Position of each node whose voltage is held, `(k,)`, each once.
        set_pu: What it is held at, pu, `(k,)`.
    """

    def __init__(self, nodes: NDArray[np.int64], set_pu: Floats) -> None:
        self.nodes, self.set_pu = nodes, set_pu
        self._jacobian: Floats | None = None

    def settle(self, voltages: Voltages, p_w: Floats, q_var: Floats) -> Floats:
        """The reactive injections with those of the holding generators added.

        Args:
            voltages: Solves a batch.
            p_w: Active injections, W, `(batch, nodes)`.
            q_var: Reactive injections, var, `(batch, nodes)`.

        Raises:
            FlowError: The set-points cannot be held.
        """
        q = np.array(q_var, dtype=np.float64)
        left, before = np.arange(len(q)), np.full(len(q), np.inf)
        move, halvings = np.zeros((len(q), len(self.nodes))), 0
        for _ in range(_STEPS):
            try:
                u = voltages(p_w[left], q[left])[:, self.nodes]
            except FlowError:  # a step too far: half of it is taken back
                halvings += 1
                if halvings > _HALVINGS or not move.any():
                    raise
                move /= 2
                q[np.ix_(left, self.nodes)] -= move
                continue
            dead = (u == 0).all(axis=0)
            if dead.any():  # an outage has cut these off: nothing to hold
                left_over = HeldVoltages(self.nodes[~dead], self.set_pu[~dead])
                return q if dead.all() else left_over.settle(voltages, p_w, q)
            error = self.set_pu - u
            size = np.abs(error).max(axis=1)
            keep = size >= HELD_PU
            if not keep.any():
                return q
            left, error, size, slow = left[keep], error[keep], size[keep], (size > _SLOW * before)[keep]
            if self._jacobian is None or slow.any():
                state = left[int(np.where(slow, size, 0.0).argmax())]
                self._jacobian = self._measured(voltages, p_w[state], q[state])
            try:
                move = np.linalg.solve(self._jacobian, error.T).T
            except np.linalg.LinAlgError:
                break
            q[np.ix_(left, self.nodes)] += move
            before = size
        raise FlowError("the voltages that generators hold are not found")

    def _measured(self, voltages: Voltages, p_w: Floats, q_var: Floats) -> Floats:
        """`du/dq` among the held nodes at one state, pu/var."""
        n = len(self.nodes)
        rows = np.arange(n)
        step = max(KILO, 1e-4 * float(np.abs(q_var).max(initial=0.0)))
        batch = np.repeat(q_var[None], 2 * n, axis=0)
        batch[rows, self.nodes] += step
        batch[n + rows, self.nodes] -= step
        u = voltages(np.repeat(p_w[None], 2 * n, axis=0), batch)[:, self.nodes]
        return np.asarray((u[:n] - u[n:]).T / (2 * step))


def held_voltages(document: Mapping[str, Any], data: Mapping[str, NDArray[Any]]) -> HeldVoltages | None:
    """What a feeder's document states in `voltage_control`; none when nothing is held.

    Args:
        document: Maps, under `voltage_control`, the id of a generator to the voltage that it holds, pu.
        data: The feeder's tables.
    """
    stated = document.get("voltage_control", {})
    if not stated:
        return None
    position = {int(k): i for i, k in enumerate(data["node"]["id"])}
    node_of = {int(row["id"]): position[int(row["node"])] for row in data["sym_gen"] if row["status"]}
    held = {node_of[int(key)]: float(value) for key, value in stated.items() if int(key) in node_of}
    nodes = np.array(sorted(held), dtype=np.int64)
    return HeldVoltages(nodes, np.array([held[int(k)] for k in nodes])) if len(nodes) else None
