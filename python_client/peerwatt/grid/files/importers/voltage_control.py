"""Generators that hold a voltage: what they hold, and the reactive power that they start with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.flow.voltage_control import HeldVoltages

_FIRST, _SHORTEST = 0.25, 0.01  # share of all loads and generators
_MOST = 100


@dataclass(frozen=True)
class VoltageControl:
    """One voltage-controlled generator: its `sym_gen` row, its node's position, and the voltage it holds,
    pu.
    """

    row: dict[str, Any]
    node: int
    u_set_pu: float


def hold_voltages(document: dict[str, Any], controls: Sequence[VoltageControl]) -> None:
    """State what each generator holds, and set its `q_specified`, so far a guess, to where it starts.

    Args:
        document: The feeder document that the rows belong to.
        controls: The generators; several at one node share its reactive power equally.

    Raises:
        FeederError: The set-points cannot be held, contradict one another, or are too many.
    """
    if not controls:
        return
    wanted: dict[int, float] = {}
    for control in controls:
        if wanted.setdefault(control.node, control.u_set_pu) != control.u_set_pu:
            name = document["names"][str(control.row["id"])]
            raise FeederError(
                f"{document['name']}: {name!r} and another generator hold one node at two voltages"
            )
    if len(wanted) > _MOST:
        name = document["names"][str(controls[0].row["id"])]
        raise FeederError(
            f"{document['name']}: generators hold the voltage of {len(wanted)} nodes ({name!r} first); "
            f"up to {_MOST} are solved here"
        )
    nodes = np.array(sorted(wanted), dtype=np.int64)
    held = HeldVoltages(nodes, np.array([wanted[int(k)] for k in nodes]))
    q = np.zeros((1, len(document["power_grid_model"]["data"]["node"])))
    stated = q.copy()
    for control in controls:
        stated[0, control.node] += control.row["q_specified"]
        control.row["q_specified"] = 0.0
    try:
        q = PowerFlow(feeder_from_document(document)).hold(held, stated)
    except FlowError:
        q = _approached(document, held, q, document["names"][str(controls[0].row["id"])])
    shared = {node: sum(c.node == node for c in controls) for node in wanted}
    for control in controls:
        control.row["q_specified"] = float(q[0, control.node]) / shared[control.node]
    document["voltage_control"] = {str(c.row["id"]): c.u_set_pu for c in controls}


def _approached(document: dict[str, Any], held: HeldVoltages, q: Floats, first: str) -> Floats:
    """From the unloaded network up, so that each solution is near the next; shorter steps where one fails."""
    share, step = 0.0, _FIRST
    while share < 1.0:
        try:
            there = min(share + step, 1.0)
            q = PowerFlow(feeder_from_document(_scaled(document, there))).hold(held, q)
            share, step = there, 2 * step
        except FlowError:
            step /= 2
            if step < _SHORTEST:
                raise FeederError(
                    f"{document['name']}: no power flow is found in which {first!r} and others hold "
                    "their voltages"
                ) from None
    return q


def _scaled(document: dict[str, Any], share: float) -> dict[str, Any]:
    """The document with every load and generator scaled."""
    data = {
        kind: [row | {key: _times(row[key], share) for key in ("p_specified", "q_specified")} for row in rows]
        if kind.endswith(("_load", "_gen"))
        else rows
        for kind, rows in document["power_grid_model"]["data"].items()
    }
    return document | {"power_grid_model": document["power_grid_model"] | {"data": data}}


def _times(value: Any, share: float) -> Any:
    return [x * share for x in value] if isinstance(value, list) else value * share
