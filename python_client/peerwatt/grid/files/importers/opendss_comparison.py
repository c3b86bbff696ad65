"""A feeder's flow beside OpenDSS's own: as the circuit stands, and with random injections."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import opendssdirect as dss  # type: ignore[import-not-found, import-untyped, unused-ignore]

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.units import KILO

EXACT_PU = 2e-6
"""Difference of a voltage to ground up to which power-grid-model's elements state a circuit, per unit."""
REFUSED_PU = 1e-4
"""Difference from which a circuit is not imported, per unit."""
_STATES = 3
_PLACES = 8
_SHARE = 0.3
"""Of the circuit's own power that is injected at random; less where OpenDSS does not solve that."""
_LEAST_KW = 1.0
_HALVINGS = 20
_SHIFT_PU = 0.03  # of any voltage; OpenDSS's loads jump at their bounds, where a state has two solutions
_PROBE = "peerwatt_probe"


def compared(document: Mapping[str, Any], named: str) -> tuple[float, str]:
    """The largest difference of a phase's voltage, per unit, and the bus and phase where it is.

    The circuit that OpenDSS has active must be solved with its controls off; afterwards it has loads besides.

    Args:
        document: The feeder document that was read from it.
        named: How messages call it.

    Raises:
        FeederError: The document is no feeder, or its flow does not converge where OpenDSS's does.
    """
    feeder = feeder_from_document(json.loads(json.dumps(document)), named)
    try:
        solver = PowerFlow(feeder)
        worst = _difference(feeder, solver.solve(solver.zero()).u_pu)
        probes = _Probes(feeder, solver)
        for _ in range(_STATES):
            injected = probes.solved_by_opendss()
            if injected is None:
                break
            worst = max(worst, _difference(feeder, solver.solve(*injected).u_pu))
        return worst
    except FlowError as error:
        raise FeederError(f"{named}: {error}") from None
    finally:
        for name in dss.Loads.AllNames():
            if name.startswith(_PROBE):
                dss.Text.Command(f"edit load.{name} enabled=no")
        dss.Text.Command("solve")


def _difference(feeder: Feeder, u_pu: Floats) -> tuple[float, str]:
    worst, where = 0.0, ""
    for k, name in enumerate(feeder.node_names):
        dss.Circuit.SetActiveBus(name)
        theirs = dict(zip(dss.Bus.Nodes(), dss.Bus.puVmagAngle()[0::2], strict=True))
        for phase in feeder.node_phases[k]:
            found = abs(theirs.get(phase, 0.0) - float(u_pu[k, phase - 1]))
            if not found <= worst:  # what is no number is the worst
                worst, where = found if np.isfinite(found) else float("inf"), f"{name}.{phase}"
    return worst, where


class _Probes:
    """Loads of constant power at some phases of the circuit, drawn the same way each time."""

    def __init__(self, feeder: Feeder, solver: PowerFlow) -> None:
        self._draw = random.Random(feeder.feeder_hash)
        self._shape = solver.nodes, 3
        spots = [(k, phase) for k, own in enumerate(feeder.node_phases) for phase in own]
        ports = [spot for spot in spots if solver.takes(*spot)]
        self._name = f"{_PROBE}{dss.Loads.Count()}_"  # no load has that name yet
        self._spots = sorted(self._draw.sample(ports, min(_PLACES, len(ports))))
        own = abs(complex(*dss.Circuit.TotalPower()))
        self._before = np.array(dss.Circuit.AllBusMagPu())
        self._most_kw = max(_SHARE * own / max(len(self._spots), 1), _LEAST_KW)
        for number, (node, phase) in enumerate(self._spots):
            name = feeder.node_names[node]
            dss.Circuit.SetActiveBus(name)
            line = solver.between_phases(node)
            ends = f"{phase}.{phase % 3 + 1}" if line else f"{phase}"
            kv = dss.Bus.kVBase() * (np.sqrt(3) if line else 1.0)
            dss.Text.Command(
                f"new load.{self._name}{number} phases=1 conn={'delta' if line else 'wye'} "
                f'bus1="{name}.{ends}" '
                f"kv={kv} kw=0 kvar=0 model=1 vminpu=0 vlowpu=0 vmaxpu=10 status=exempt"
            )

    def solved_by_opendss(self) -> tuple[Floats, Floats] | None:
        """Injections of a state that OpenDSS now holds solved, W and var; none if it solves none."""
        shares = [(self._draw.uniform(-1, 1), self._draw.uniform(-0.5, 0.5)) for _ in self._spots]
        most = self._most_kw
        for _ in range(_HALVINGS):
            for number, (p, q) in enumerate(shares):
                dss.Text.Command(f"edit load.{self._name}{number} kw={-p * most!r} kvar={-q * most!r}")
            dss.Text.Command("solve")
            volts = np.array(dss.Circuit.AllBusMagPu())
            if dss.Solution.Converged() and float(np.abs(volts - self._before).max()) < _SHIFT_PU:
                powers = np.zeros((2, *self._shape))
                for (node, phase), (p, q) in zip(self._spots, shares, strict=True):
                    powers[:, node, phase - 1] = p * most * KILO, q * most * KILO
                return powers[0], powers[1]
            most /= 2
        return None
