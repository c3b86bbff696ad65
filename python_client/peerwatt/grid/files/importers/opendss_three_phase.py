"""An OpenDSS circuit as power-grid-model's three-phase elements, where those state it exactly.

What they cannot hold is refused here, and the circuit is then read conductor by conductor."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import opendssdirect as dss  # type: ignore[import-not-found, import-untyped, unused-ignore]

from peerwatt.grid.errors import FeederError
from peerwatt.units import KILO, PERCENT

_LOAD_MODELS = {1: 0, 2: 1, 5: 2}  # OpenDSS constant P and Q, impedance, current -> power-grid-model
_HOLDS = 0.8, 1.2
"""A load that keeps its law between these voltages, per unit, is taken to keep it."""
_READ = ("vsource", "line", "transformer", "load", "generator", "capacitor")
_WITHOUT_POWER = (
    "monitor",
    "energymeter",
    "regcontrol",
    "capcontrol",
    "swtcontrol",
    "fuse",
    "relay",
    "recloser",
)


class Unlike(Exception):
    """An element that power-grid-model has no exact counterpart for."""


class ThreePhaseReader:
    """The active circuit's rows, in the order source, nodes, branches, injections.

    Args:
        path: How messages call the circuit.
        coordinates: x and y of buses, by name in lower case.

    Raises:
        Unlike: An element has no exact counterpart.
        FeederError: A bus has no voltage base.
    """

    def __init__(self, path: str, coordinates: Mapping[str, tuple[float, float]]) -> None:
        self.path = path
        self.names: dict[str, str] = {}
        self.coordinates: dict[str, list[float]] = {}
        self._places = coordinates
        self._nodes: dict[str, int] = {}
        for element in dss.Circuit.AllElementNames():
            if element.split(".")[0].lower() not in _READ + _WITHOUT_POWER:
                raise Unlike(f"{element} is of another class")
        rows = {
            "node": list(self._buses()),
            "source": list(self._sources()),
            "line": list(self._lines()),
            "transformer": list(self._transformers()),
            "shunt": list(self._capacitors()),
            "asym_load": list(self._loads()),
            "asym_gen": list(self._generators()),
        }
        rows["asym_line"] = [row for row in rows["line"] if "r_aa" in row]
        rows["line"] = [row for row in rows["line"] if "r_aa" not in row]
        self.data = {kind: table for kind, table in rows.items() if table}

    def network(self) -> dict[str, Any]:
        """What the feeder document holds of it."""
        places = {"coordinates": self.coordinates} if self.coordinates else {}
        head = {"version": "1.0", "type": "input", "is_batch": False, "attributes": {}, "data": self.data}
        return {"names": self.names, **places, "power_grid_model": head}

    def _new(self, name: str) -> int:
        self.names[str(len(self.names) + 1)] = name
        return len(self.names)

    def _refuse(self, what: str) -> Unlike:
        return Unlike(f"{dss.CktElement.Name()} {what}")

    def _ends(self) -> list[tuple[int, tuple[int, ...]]]:
        """Node id and phases (1, 2, 3) of each terminal of the active element."""
        ends = []
        count, order = dss.CktElement.NumConductors(), dss.CktElement.NodeOrder()
        for k, bus in enumerate(dss.CktElement.BusNames()):
            phases = tuple(p for p in order[k * count : (k + 1) * count] if p)
            if any(p > 3 for p in phases):
                raise self._refuse(
                    "uses a conductor beyond the three phases; a neutral of its own is not modelled"
                )
            ends.append((self._nodes[bus.split(".")[0].lower()], phases))
        return ends

    def _status(self) -> dict[str, int]:
        return {
            key: int(not dss.CktElement.IsOpen(k, 0)) for k, key in ((1, "from_status"), (2, "to_status"))
        }

    def _buses(self) -> Iterator[dict[str, Any]]:
        for name in dss.Circuit.AllBusNames():
            dss.Circuit.SetActiveBus(name)
            if not dss.Bus.kVBase() > 0:
                raise FeederError(
                    f"{self.path}: bus {name} has no voltage base; set voltagebases in the file"
                )
            self._nodes[name.lower()] = self._new(name)
            if name.lower() in self._places:
                self.coordinates[name] = list(self._places[name.lower()])
            yield {"id": self._nodes[name.lower()], "u_rated": dss.Bus.kVBase() * KILO * math.sqrt(3)}

    def _sources(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Vsources):
            (node, phases), *_ = self._ends()
            if len(phases) != 3:
                raise self._refuse("is not three-phase")
            r1, x1, r0, x0 = (float(dss.Properties.Value(key)) for key in ("R1", "X1", "R0", "X0"))
            dss.Circuit.SetActiveBus(dss.CktElement.BusNames()[0])
            rated = dss.Bus.kVBase() * KILO * math.sqrt(3)
            yield {
                "id": self._new(f"vsource.{name}"),
                "node": node,
                "status": 1,
                "u_ref": dss.Vsources.PU() * dss.Vsources.BasekV() * KILO / rated,
                "u_ref_angle": math.radians(dss.Vsources.AngleDeg()),
                "sk": rated**2 / math.hypot(r1, x1),
                "rx_ratio": r1 / x1,
                "z01_ratio": math.hypot(r0, x0) / math.hypot(r1, x1),
            }

    def _lines(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Lines):
            if dss.Lines.Phases() != 3:
                raise self._refuse(f"has {dss.Lines.Phases()} phases; only three-phase lines are modelled")
            (a, phases), (b, others) = self._ends()
            if phases != (1, 2, 3) or others != (1, 2, 3):
                raise self._refuse("is transposed; connect it as .1.2.3")
            if not dss.Lines.NormAmps() > 0:
                raise self._refuse("has no rating (normamps)")
            length = dss.Lines.Length()
            r, x, c = (
                np.array(m).reshape(3, 3) * length
                for m in (dss.Lines.RMatrix(), dss.Lines.XMatrix(), np.array(dss.Lines.CMatrix()) * 1e-9)
            )
            row = {"id": self._new(f"line.{name}"), "from_node": a, "to_node": b, **self._status()}
            yield (
                row
                | (_sequence(r, x, c) if _balanced(r, x) else _phases(r, x, c))
                | {"i_n": dss.Lines.NormAmps()}
            )

    def _transformers(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Transformers):
            if dss.Transformers.NumWindings() != 2 or dss.CktElement.NumPhases() != 3:
                raise self._refuse("is not a three-phase transformer of two windings")
            (a, _), (b, _) = self._ends()
            kv, tap, r, delta, kva = [], [], [], [], []
            for winding in (1, 2):
                dss.Transformers.Wdg(winding)
                kv.append(dss.Transformers.kV() * KILO)
                kva.append(dss.Transformers.kVA() * KILO)
                tap.append(dss.Transformers.Tap())
                r.append(dss.Transformers.R() / PERCENT)
                delta.append(dss.Transformers.IsDelta())
            if kva[0] != kva[1]:
                raise self._refuse("has windings of different kVA")
            if tap[0] != 1 and tap[1] != 1:
                raise self._refuse("has taps off neutral on both windings")
            lead = dss.Properties.Value("LeadLag").lower() in ("lead", "euro")
            clock = 0 if delta[0] == delta[1] else 11 if lead else 1
            side = 1 if tap[1] != 1 else 0
            p0 = float(dss.Properties.Value("%noloadloss")) / PERCENT * kva[0]
            i0 = math.hypot(float(dss.Properties.Value("%imag")) / PERCENT, p0 / kva[0])
            yield {
                "id": self._new(f"transformer.{name}"),
                "from_node": a,
                "to_node": b,
                **self._status(),
                "u1": kv[0],
                "u2": kv[1],
                "sn": kva[0],
                "uk": math.hypot(dss.Transformers.Xhl() / PERCENT, sum(r)),
                "pk": sum(r) * kva[0],
                "i0": i0,
                "p0": p0,
                "winding_from": 2 if delta[0] else 1,
                "winding_to": 2 if delta[1] else 1,
                "clock": clock,
                "tap_side": side,
                "tap_pos": 1,
                "tap_nom": 0,
                "tap_min": 0,
                "tap_max": 1,
                "tap_size": (tap[side] - 1) * kv[side],
            }

    def _capacitors(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Capacitors):
            (node, phases), *_ = self._ends()
            if len(phases) != 3:
                raise self._refuse("is not three-phase")
            b = dss.Capacitors.kvar() * KILO / (dss.Capacitors.kV() * KILO) ** 2
            yield {
                "id": self._new(f"capacitor.{name}"),
                "node": node,
                "status": 1,
                "g1": 0.0,
                "b1": b,
                "g0": 0.0,
                "b0": 0.0 if dss.Capacitors.IsDelta() else b,
            }

    def _loads(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Loads):
            if dss.Loads.Model() not in _LOAD_MODELS:
                raise self._refuse(f"is of model {dss.Loads.Model()}; known are {sorted(_LOAD_MODELS)}")
            if dss.Loads.Vminpu() > _HOLDS[0] or dss.Loads.Vmaxpu() < _HOLDS[1]:
                raise self._refuse("turns into an impedance at voltages that a feeder sees")
            if dss.Loads.IsDelta():
                raise self._refuse("is connected in delta; give it phase by phase")
            factor = 1.0 if dss.Loads.Status() else dss.Solution.LoadMult()
            yield self._injection(f"load.{name}", factor * dss.Loads.kW(), factor * dss.Loads.kvar()) | {
                "type": _LOAD_MODELS[dss.Loads.Model()]
            }

    def _generators(self) -> Iterator[dict[str, Any]]:
        for name in _each(dss.Generators):
            if dss.Generators.Model() != 1 or dss.Generators.IsDelta():
                raise self._refuse("is not a constant P and Q generator in wye")
            yield self._injection(f"generator.{name}", dss.Generators.kW(), dss.Generators.kvar())

    def _injection(self, name: str, kw: float, kvar: float) -> dict[str, Any]:
        (node, phases), *_ = self._ends()
        p, q = [0.0] * 3, [0.0] * 3
        for phase in phases:
            p[phase - 1], q[phase - 1] = kw * KILO / len(phases), kvar * KILO / len(phases)
        return {
            "id": self._new(name),
            "node": node,
            "status": 1,
            "type": 0,
            "p_specified": p,
            "q_specified": q,
        }


def _each(collection: Any) -> Iterator[str]:
    """The names of an OpenDSS collection's enabled elements, each made active in turn."""
    more = collection.First()
    while more:
        if dss.CktElement.Enabled():
            yield collection.Name()
        more = collection.Next()


def _balanced(r: Any, x: Any) -> bool:
    return all(np.ptp(np.diag(m)) < 1e-9 and np.ptp(m[~np.eye(3, dtype=bool)]) < 1e-9 for m in (r, x))


def _sequence(r: Any, x: Any, c: Any) -> dict[str, float]:
    """Positive- and zero-sequence values of a balanced line (C. L. Fortescue's transformation)."""

    def pair(m: Any) -> tuple[float, float]:
        return float(m[0, 0] - m[0, 1]), float(m[0, 0] + 2 * m[0, 1])

    (r1, r0), (x1, x0), (c1, c0) = pair(r), pair(x), pair(c)
    return {"r1": r1, "x1": x1, "c1": c1, "tan1": 0.0, "r0": r0, "x0": x0, "c0": c0, "tan0": 0.0}


def _phases(r: Any, x: Any, c: Any) -> dict[str, float]:
    """The phase impedance matrix of an untransposed line; capacitances as their sequence means."""
    row = {}
    for i, j in ((0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)):
        key = "abc"[i] + "abc"[j]
        row["r_" + key], row["x_" + key] = float(r[i, j]), float(x[i, j])
    own, mutual = float(np.diag(c).mean()), float(c[~np.eye(3, dtype=bool)].mean())
    return row | {"c1": own - mutual, "c0": own + 2 * mutual}
