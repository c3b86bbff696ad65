"""An OpenDSS circuit conductor by conductor: what the feeder file's key `circuit` holds.

Every line, transformer, reactor, capacitor and source is the admittance matrix that OpenDSS itself computes
for it as it stands: at its tap, with its steps and open conductors. Every load is its law."""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import opendssdirect as dss  # type: ignore[import-not-found, import-untyped, unused-ignore]
from numpy.typing import NDArray

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.opendss_loads import FROZEN, GENERATING, load_row
from peerwatt.units import KILO

_DELIVERING = ("line", "transformer", "autotrans", "capacitor", "reactor", "fault", "gictransformer")
_CONTROLLING = [
    "regcontrol",
    "capcontrol",
    "swtcontrol",
    "fuse",
    "relay",
    "recloser",
    "energymeter",
    "sensor",
    "monitor",
    "invcontrol",
    "expcontrol",
    "storagecontroller",
    "gendispatcher",
    "espvlcontrol",
    "upfccontrol",
]
_DERS = ("invcontrol", "expcontrol", "storagecontroller", "gendispatcher", "espvlcontrol")
_UNCOUPLED = 1e-12
_PHASES = 3


class CircuitReader:
    """The active circuit of OpenDSS, solved with its controls off.

    Args:
        path: How messages call it.
        coordinates: x and y of buses, by name in lower case.

    Attributes:
        notices: What was left out of it.

    Raises:
        FeederError: An element or a bus cannot be represented; named.
    """

    def __init__(self, path: str, coordinates: Mapping[str, tuple[float, float]]) -> None:
        self._path = path
        self._coordinates = coordinates
        self._conductors = [name.lower() for name in dss.Circuit.YNodeOrder()]
        self._elements = [self._element(name) for name in self._enabled(_DELIVERING)]
        self._sources = [self._source(name) for name in self._enabled(("vsource",))]
        self._loads = [row for name in self._enabled(("load", *GENERATING)) for row in self._load(name)]
        self.notices: list[str] = []
        for element in self._enabled(_DERS):
            self.notices.append(f"{element} is not followed: its units keep the power that they have now")
        for element in self._enabled(tuple(FROZEN)):
            self.notices.append(f"{element} keeps the power that it has now")

    def network(self) -> dict[str, Any]:
        """What the feeder document holds of it: names, coordinates and the circuit."""
        live = self._live()
        elements = [kept for row in self._elements if (kept := _reduced(row, live))]
        dead = [row["name"] for row in self._elements if not _reduced(row, live)]
        loads = [row for row in self._loads if all(c in live or c == "0" for leg in row["legs"] for c in leg)]
        dead += [row["name"] for row in self._loads if row not in loads]
        if dead:
            self.notices.append(f"without voltage and left out: {', '.join(dead)}")
        buses = self._buses(live)
        known = {bus["name"] for bus in buses}
        branches = [row for row in elements if len(_buses_of(row) & known) > 1]
        shunts = [row for row in elements if len(_buses_of(row) & known) < 2]
        names: dict[str, str] = {}

        def numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
            found = []
            for row in rows:
                names[str(len(names) + 1)] = row["name"]
                found.append({"id": len(names), **{k: v for k, v in row.items() if k != "name"}})
            return found

        for row in branches:
            if len(_buses_of(row) & known) > 2:
                row["kind"] = "three_winding_transformer"
        order = ("line", "generic_branch", "transformer", "three_winding_transformer")
        branches.sort(key=lambda row: order.index(row["kind"]))
        for row in shunts:
            del row["kind"], row["rated_a"]
        circuit = {
            "buses": numbered(buses),
            "sources": numbered([kept for row in self._sources if (kept := _reduced(row, live))]),
            "branches": numbered(branches),
            "shunts": numbered(shunts),
            "loads": numbered(loads),
        }
        placed = {
            bus["name"]: list(self._coordinates[bus["name"]])
            for bus in buses
            if bus["name"] in self._coordinates
        }
        return {"names": names, **({"coordinates": placed} if placed else {}), "circuit": circuit}

    def _enabled(self, kinds: tuple[str, ...] | list[str]) -> Iterator[str]:
        """Full names of the enabled elements of some classes, each made active in turn."""
        known = (*_DELIVERING, "vsource", "load", *GENERATING, *_CONTROLLING)
        for name in dss.Circuit.AllElementNames():
            kind = name.partition(".")[0].lower()
            dss.Circuit.SetActiveElement(name)
            if not dss.CktElement.Enabled():
                continue
            if kind not in known:
                raise FeederError(f"{self._path}: {name} has no counterpart in the feeder file; replace it")
            if kind in kinds:
                yield name

    def _ends(self) -> list[list[str]]:
        """Conductors at each terminal of the active element, `0` for ground."""
        count, places = dss.CktElement.NumConductors(), dss.CktElement.NodeRef()
        names = [self._conductors[place - 1] if place else "0" for place in places]
        return [names[first : first + count] for first in range(0, len(names), count)]

    def _matrix(self, name: str) -> NDArray[np.complex128]:
        flat = np.array(dss.CktElement.YPrim(), dtype=np.float64)
        size = math.isqrt(len(flat) // 2)
        matrix = (flat[0::2] + 1j * flat[1::2]).reshape(size, size)
        if not np.isfinite(matrix).all():
            raise FeederError(f"{self._path}: {name} has an admittance that is no number")
        if np.abs(matrix - matrix.T).max(initial=0.0) > 1e-9 * np.abs(matrix).max(initial=1e-300):
            raise FeederError(f"{self._path}: {name} does not pass currents both ways alike; replace it")
        return np.asarray((matrix + matrix.T) / 2)

    def _element(self, name: str) -> dict[str, Any]:
        kind = name.partition(".")[0].lower()
        ends = self._ends()
        windings = kind in ("transformer", "autotrans")
        rated = _winding_amperes(name) if windings else [_positive(dss.CktElement.NormalAmps())] * len(ends)
        kinds = {"line": "line", "transformer": "transformer", "autotrans": "transformer"}
        return {
            "name": name.lower(),
            "kind": kinds.get(kind, "generic_branch"),
            "rated_a": rated[: len(ends)] + [None] * (len(ends) - len(rated)),
            "ends": ends,
            "y": self._matrix(name),
        }

    def _source(self, name: str) -> dict[str, Any]:
        dss.Vsources.Name(name.partition(".")[2])
        count = dss.Vsources.Phases()
        size = dss.Vsources.BasekV() * dss.Vsources.PU() * KILO
        size /= 2 * math.sin(math.pi / count) if count > 1 else 1.0
        turn = {"p": -1, "n": 1, "z": 0}[dss.Properties.Value("Sequence").lower()[:1]]
        force = [
            cmath.rect(size, math.radians(dss.Vsources.AngleDeg() + turn * 360.0 * k / count))
            for k in range(count)
        ]
        return {
            "name": name.lower(),
            "ends": self._ends(),
            "e_re": [float(e.real) for e in force],
            "e_im": [float(e.imag) for e in force],
            "y": self._matrix(name),
        }

    def _load(self, name: str) -> Iterator[dict[str, Any]]:
        """The load's law between its conductors.

        The admittance of its neutral to ground is left out: OpenDSS cancels it when it iterates.
        """
        row = load_row(name, self._ends()[0], self._path)
        if row is not None:
            yield row

    def _live(self) -> set[str]:
        """Conductors that a source reaches through elements or loads."""
        beside: dict[str, set[str]] = {}
        for row in (*self._elements, *self._sources):
            flat = [c for end in row["ends"] for c in end]
            size = np.abs(row["y"])
            coupled = size > _UNCOUPLED * size.max(initial=0.0)
            for i, j in np.argwhere(coupled):
                beside.setdefault(flat[i], set()).add(flat[j])
        for row in self._loads:
            for a, b in row["legs"]:
                beside.setdefault(a, set()).add(b)
                beside.setdefault(b, set()).add(a)
        reached = {c for row in self._sources for end in row["ends"] for c in end} - {"0"}
        waiting = list(reached)
        while waiting:
            fresh = beside.get(waiting.pop(), set()) - reached - {"0"}
            reached |= fresh
            waiting.extend(fresh)
        return reached

    def _buses(self, live: set[str]) -> list[dict[str, Any]]:
        found = []
        for name in dss.Circuit.AllBusNames():
            dss.Circuit.SetActiveBus(name)
            bus = name.lower()
            phases = [p for p in range(1, _PHASES + 1) if f"{bus}.{p}" in live]
            if not phases:
                continue
            base = dss.Bus.kVBase()
            if not base > 0:
                raise FeederError(
                    f"{self._path}: bus {name} has no voltage base; set voltagebases in the file"
                )
            found.append({"name": bus, "u_rated": base * KILO * math.sqrt(3), "phases": phases})
        return found


def _bus(name: str) -> str:
    return name.partition(".")[0].lower()


def _buses_of(row: Mapping[str, Any]) -> set[str]:
    return {_bus(c) for end in row["ends"] for c in end}


def _positive(value: float) -> float | None:
    return float(value) if value > 0 and math.isfinite(value) else None


def _winding_amperes(name: str) -> list[float | None]:
    """Rated line current of each winding of the active transformer, A."""
    volts, powers = (_numbers(dss.Properties.Value(key)) for key in ("kVs", "kVAs"))
    line = math.sqrt(3) if dss.CktElement.NumPhases() > 1 else 1.0
    return [_positive(kva / (kv * line)) if kv > 0 else None for kv, kva in zip(volts, powers, strict=True)]


def _numbers(text: str) -> list[float]:
    return [float(word) for word in text.strip("[]() ").replace(",", " ").split()]


def _reduced(row: Mapping[str, Any], live: set[str]) -> dict[str, Any] | None:
    """An element between its live conductors alone, its matrix as the file states it; none if it has none."""
    flat = [c for end in row["ends"] for c in end]
    kept = [k for k, c in enumerate(flat) if c in live]
    if not kept:
        return None
    matrix = row["y"][np.ix_(kept, kept)]
    below = matrix[np.tril_indices(len(kept))]
    ends = [[c for c in end if c in live] for end in row["ends"]]
    found = {key: value for key, value in row.items() if key not in ("y", "ends", "rated_a")}
    if "rated_a" in row:
        found["rated_a"] = [a for a, end in zip(row["rated_a"], ends, strict=True) if end]
    if "e_re" in row:
        first = [k for k, c in enumerate(row["ends"][0]) if c in live]
        found["e_re"] = [row["e_re"][k] for k in first]
        found["e_im"] = [row["e_im"][k] for k in first]
    return found | {
        "ends": [end for end in ends if end],
        "g": [float(x) for x in below.real],
        "b": [float(x) for x in below.imag],
    }
