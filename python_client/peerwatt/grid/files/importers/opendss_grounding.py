"""Which nodes of a circuit have no path to ground, so that an injection lies between two phases there."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.circuit_flow import CircuitFlow

_RATIO = 300.0
"""Impedance to ground over the one between phases: 3 to 100 in grounded networks, thousands in others."""
_SHIFT_PU, _AT_VA = 0.1, 1e3
"""Where a node has one phase alone: a kVA that shifts the voltage by a tenth finds no path to ground."""


def with_ungrounded(document: dict[str, Any]) -> dict[str, Any]:
    """The document of a circuit with `ungrounded` at the buses that have no path to ground."""
    flow = CircuitFlow(
        feeder_from_document(json.loads(json.dumps(document)), document["name"]), own_loads=False
    )
    phases = flow.circuit.phases
    present: Floats = (phases >= 0).astype(np.float64)
    count = present.sum(axis=1)
    common = flow.thevenin_ohm(present / count[:, None])
    first, second = np.argsort(phases < 0, axis=1, kind="stable")[:, :2].T
    apart = np.zeros(phases.shape)
    rows = np.arange(len(phases))
    apart[rows, second] = -1.0
    apart[rows, first] = 1.0
    between = flow.thevenin_ohm(apart)
    volts = flow.circuit.base_v[np.take_along_axis(phases, first[:, None], axis=1)[:, 0]]
    floating = np.where(count > 1, common > _RATIO * between, common > _SHIFT_PU * volts**2 / _AT_VA)
    for k in np.flatnonzero(floating):
        document["circuit"]["buses"][k]["ungrounded"] = True
    return document
