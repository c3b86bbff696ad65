"""The loads and generators that a feeder file itself holds, as elements beside the injections."""

from __future__ import annotations

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.shares.loss_rules import Elements


def own_elements(feeder: Feeder) -> tuple[tuple[str, ...], Elements]:
    """Names and powers of the file's loads and generators in service.

    Raises:
        FeederError: One of them is not of constant power, so that it has no power apart from the voltage.
    """
    for key in feeder.document.get("voltage_control", {}):
        raise FeederError(
            f"feeder {feeder.name}: {feeder.names[int(key)]!r} holds a voltage; losses cannot be shared"
        )
    position = {int(k): i for i, k in enumerate(feeder.data["node"]["id"])}
    names: list[str] = []
    nodes, p, q, phases = [], [], [], []
    for kind, sign in (("sym_load", -1), ("sym_gen", 1), ("asym_load", -1), ("asym_gen", 1)):
        for row in feeder.data.get(kind, ()):
            name = feeder.names[int(row["id"])]
            if not row["status"]:
                continue
            if row["type"] != 0:
                raise FeederError(
                    f"feeder {feeder.name}: {name!r} is not of constant power; losses cannot be shared"
                )
            active, reactive = np.atleast_1d(row["p_specified"]), np.atleast_1d(row["q_specified"])
            for phase, (a, b) in enumerate(zip(active, reactive, strict=True), 1 if len(active) == 3 else 0):
                if a or b:
                    names.append(name)
                    nodes.append(position[int(row["node"])])
                    p.append(sign * a)
                    q.append(sign * b)
                    phases.append(phase)
    return tuple(names), Elements(
        np.array(nodes, dtype=np.int64),
        np.array(p, dtype=np.float64),
        np.array(q, dtype=np.float64),
        np.array(phases, dtype=np.int64) if feeder.three_phase else None,
    )


def own_elements_in_state(solver: PowerFlow, p_w: Floats, q_var: Floats) -> tuple[tuple[str, ...], Elements]:
    """Names and powers of a circuit's own loads, with the power that they draw in one state.

    Args:
        solver: The circuit's solver, its own loads on.
        p_w: Active injections beside them, W, `(nodes, 3)`.
        q_var: Reactive injections, var, the same shape.

    Raises:
        FeederError: A load lies where nothing can be injected, at a neutral for one.
    """
    loads, powers = solver.own_powers(p_w, q_var)
    load, node, phase = np.nonzero(powers)
    drawn = powers[load, node, phase]
    return tuple(loads[k] for k in load), Elements(node, drawn.real, drawn.imag, phase + 1)


def together(first: Elements, second: Elements) -> Elements:
    """Both tables of elements as one."""
    phases = None
    if first.phases is not None and second.phases is not None:
        phases = np.concatenate([first.phases, second.phases])
    return Elements(
        np.concatenate([first.nodes, second.nodes]),
        np.concatenate([first.p_w, second.p_w]),
        np.concatenate([first.q_var, second.q_var]),
        phases,
    )
