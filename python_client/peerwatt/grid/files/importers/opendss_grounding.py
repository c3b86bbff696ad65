"""Which nodes of a circuit have no path to ground, so that an injection lies between two phases there."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.circuit_flow import CircuitFlow

_RATIO = 300.0
"""Impedance to ground over the one between phases: 3 to 100 in grounded networks, thousands in others."""
_SHIFT_PU, _AT_VA = 0.1, 1e3
"""Where a node has one phase alone: a kVA that shifts the voltage by a tenth finds no path to ground."""


def with_ungrounded(document: dict[str, Any]) -> dict[str, Any]:
    """The document of a circuit with `ungrounded` at the buses that have no path to ground.

    Buses that lines join are alike in this; one of each such part is looked at.
    """
    feeder = feeder_from_document(json.loads(json.dumps(document)), document["name"])
    flow = CircuitFlow(feeder, own_loads=False)
    part = _parts(feeder)
    _, nodes = np.unique(part + (flow.circuit.phases < 0).sum(axis=1) * len(part), return_index=True)
    phases = flow.circuit.phases[nodes]
    present: Floats = (phases >= 0).astype(np.float64)
    count = present.sum(axis=1)
    common = flow.thevenin_ohm(nodes, present / count[:, None])
    order = np.argsort(phases < 0, axis=1, kind="stable")
    apart = np.zeros(phases.shape)
    rows = np.arange(len(nodes))
    apart[rows, order[:, 1]] = -1.0
    apart[rows, order[:, 0]] = 1.0
    between = flow.thevenin_ohm(nodes, apart)
    volts = flow.circuit.base_v[phases[rows, order[:, 0]]]
    floating = np.where(count > 1, common > _RATIO * between, common > _SHIFT_PU * volts**2 / _AT_VA)
    parts = set(part[nodes[floating]].tolist())
    for k, own in enumerate(part.tolist()):
        if own in parts:
            document["circuit"]["buses"][k]["ungrounded"] = True
    return document


def _parts(feeder: Feeder) -> Ints:
    """Number of the part of each node; lines join nodes to one part."""
    at = {int(k): place for place, k in enumerate(feeder.data["node"]["id"])}
    lines = [row for kind in ("line", "generic_branch") for row in feeder.data.get(kind, ())]
    ends = np.array(
        [(at[int(row["from_node"])], at[int(row["to_node"])]) for row in lines if row["from_status"]],
        dtype=np.int64,
    ).reshape(-1, 2)
    joined = sparse.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(at), len(at)))
    return np.asarray(connected_components(joined, directed=False)[1], dtype=np.int64)
