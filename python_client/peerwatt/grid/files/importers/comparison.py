"""An imported feeder against its file's own engine: the first flow, and flows with injections.

Injections at every node show a control that the import has frozen, or a rule that holds in the first state
only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.units import KILO

AGREED_PU = 2e-6
"""Two engines agree when no voltage differs by more than this, pu."""
_LOSS_PER_PU = 5.0  # losses may differ by 1e-5 of themselves where voltages may by 2e-6 pu
_STATES = 2
_HALVINGS = 8
_SHARE = 0.3  # of what the feeder's own loads and generators make together, put in and taken out at random
_SEED = 20160101


class OwnEngine(Protocol):
    """The engine of the file that was imported.

    Attributes:
        name: What it is called.
        open_to_injections: Nodes at which an injection means the same there and here, `(nodes,)`.
    """

    name: str
    open_to_injections: NDArray[np.bool_]

    def solve(self, p_w: Floats, q_var: Floats) -> tuple[Floats, float]:
        """Voltages of the feeder's nodes, pu (NaN where it has no such node), and losses of all branches, W.

        Raises:
            FlowError: It finds no solution.
        """
        ...


@dataclass(frozen=True)
class Comparison:
    """How far two engines are apart.

    Attributes:
        engine: The other engine.
        states: How many states were compared, the first without injections.
        voltage_pu: Largest difference of a node's voltage, pu.
        node: Where.
        loss_share: Largest difference of the losses, as a share of them.
    """

    engine: str
    states: int
    voltage_pu: float
    node: str
    loss_share: float

    def agrees(self, tolerance_pu: float = AGREED_PU) -> bool:
        """Whether voltages, and in proportion losses, are within what is accepted."""
        return self.voltage_pu <= tolerance_pu and self.loss_share <= _LOSS_PER_PU * tolerance_pu


def compare(document: Mapping[str, Any], engine: OwnEngine, states: int = _STATES) -> Comparison:
    """Solve the same states with both.

    Args:
        document: The imported feeder.
        engine: Its file's own engine.
        states: How many states with injections at random, seeded, beside the first.

    Raises:
        FeederError: One of both does not solve the first state.
    """
    feeder = feeder_from_document(document)
    solver = PowerFlow(feeder)
    zero = solver.zero()
    try:
        mine, theirs = solver.solve(zero), engine.solve(zero, zero)
    except FlowError as error:
        raise FeederError(f"{document['name']}: {error}") from None
    pairs = [(mine.u_pu, float(mine.loss_w), *theirs)]
    random = np.random.default_rng(_SEED)
    for _ in range(states):
        p, q = (random.uniform(-1, 1, len(zero)) * engine.open_to_injections for _ in range(2))
        size = _size(document) / max(float(np.abs(p).sum()), 1.0)
        for _ in range(_HALVINGS):
            try:
                mine = solver.solve(size * p, 0.3 * size * q)
                pairs.append((mine.u_pu, float(mine.loss_w), *engine.solve(size * p, 0.3 * size * q)))
                break
            except FlowError:
                size /= 2
    worst, node, loss = 0.0, feeder.node_names[0], 0.0
    for ours, own_loss, other, other_loss in pairs:
        apart = np.nan_to_num(np.abs(ours - other))
        if apart.max() > worst:
            worst, node = float(apart.max()), feeder.node_names[int(apart.argmax())]
        loss = max(loss, abs(own_loss - other_loss) / max(abs(other_loss), 1.0))
    return Comparison(engine.name, len(pairs), worst, node, loss)


def _size(document: Mapping[str, Any]) -> float:
    """What is injected in all, W: a share of the feeder's own load, or a kilowatt per node."""
    data = document["power_grid_model"]["data"]
    own = sum(abs(row["p_specified"]) for kind in ("sym_load", "sym_gen") for row in data.get(kind, ()))
    return _SHARE * own or KILO * len(data["node"])
