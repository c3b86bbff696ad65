"""A circuit conductor by conductor: admittance matrices of elements, and loads between their conductors.

The second kind of feeder file, for what three equal phases cannot say: lines of one and two phases, neutrals
of their own, centre-tapped and open-delta transformers, loads between phases, regulators phase by phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.circuit_document import KINDS, matrix_of
from peerwatt.grid.feeder import Feeder

Complexes = NDArray[np.complex128]
GROUND = "0"
PHASES = 3


@dataclass(frozen=True)
class Legs:
    """What loads and generators draw, one entry per part of a leg between two conductors.

    Attributes:
        start: Conductor at which the current is drawn, `(legs,)`; the number of conductors stands for ground.
        back: Conductor to which it returns.
        power_va: Complex power at rated voltage, VA, generation negative.
        p_exponent: How the active power follows the voltage: 0 constant power, 1 current, 2 impedance.
        q_exponent: The same of the reactive power.
        rated_v: Rated voltage, V.
        low_v: At or below, a part is its impedance at rated voltage.
        min_v: Down to here its law holds; between `low_v` and here its current falls along a straight line.
        max_v: Up to here its law holds; above it is an impedance.
        flat: Whether the current, not the power, is what `min_v` and `max_v` go on from.
        cut_off_pu: Voltage around which it switches off, per unit; 0 for never.
        load: Which of the file's loads it is a part of.
    """

    start: Ints
    back: Ints
    power_va: Complexes
    p_exponent: Floats
    q_exponent: Floats
    rated_v: Floats
    low_v: Floats
    min_v: Floats
    max_v: Floats
    flat: NDArray[np.bool_]
    cut_off_pu: Floats
    load: Ints

    @cached_property
    def nominal_s(self) -> Complexes:
        """Admittance at rated voltage, S."""
        return np.asarray(np.conj(self.power_va) / self.rated_v**2)

    def admittance_s(self, volts: Floats) -> Complexes:
        """Admittance of every leg at a magnitude of its voltage, S, `(legs, batch)`."""
        rated, y = self.rated_v[:, None], self.nominal_s[:, None]
        ratio = np.maximum(volts / rated, 1e-9)
        p, q = self.p_exponent[:, None] - 2.0, self.q_exponent[:, None] - 2.0
        within = y.real * ratio**p + 1j * y.imag * ratio**q
        low, least, most = self.low_v[:, None], self.min_v[:, None], self.max_v[:, None]
        flat = self.flat[:, None]
        at_least = y * rated * np.where(flat, 1.0, rated / np.where(least > 0, least, rated))
        at_low = y * low
        span = np.where(least > low, least - low, 1.0)
        falling = (at_low + (at_least - at_low) * (volts - low) / span) / np.maximum(volts, 1e-9 * rated)
        above = y * np.where(flat, rated / most, (rated / most) ** 2)
        constant = (self.p_exponent == 2.0) & (self.q_exponent == 2.0) & np.isinf(self.max_v)
        found = np.where(volts > most, above, within)
        found = np.where(volts <= least, falling, found)
        if self.cut_off_pu.any():
            step = np.tanh(500.0 * (volts / rated - self.cut_off_pu[:, None]))
            found = np.where(self.cut_off_pu[:, None] > 0, found * (1.0 + step) / 2.0, found)
        found = np.where(volts <= low, y, found)
        return np.asarray(np.where(constant[:, None], y, found))


@dataclass(frozen=True)
class Circuit:
    """A circuit as matrices.

    Attributes:
        conductors: Name of each conductor, `bus.number`.
        admittance_s: Nodal admittance of branches, shunts and sources, S, `(conductors, conductors)`.
        source_a: Current that the sources' electromotive force drives into their conductors, A.
        source_s: Admittance of the sources alone, S.
        base_v: Rated voltage of each conductor to ground, V.
        phases: Conductor of each phase of each node, `(nodes, 3)`; -1 where it has none.
        ungrounded: Nodes without a path to ground, where an injection lies between two phases, `(nodes,)`.
        legs: Loads and generators of the file.
        loads: Their names.
        rows: Conductor of each row of `branch_s`.
        branch_s: Admittance of every branch, its rows one after the other, S, `(rows, conductors)`.
        row_branch: Branch of each row.
        row_end: End of each row.
        row_phase: Phase of each row, 0 to 2; -1 for a neutral.
        rated_a: Rated current at each end of each branch, A, `(branches, ends)`; infinite without one.
    """

    conductors: tuple[str, ...]
    admittance_s: Any
    source_a: Complexes
    source_s: Any
    base_v: Floats
    phases: Ints
    ungrounded: NDArray[np.bool_]
    legs: Legs
    loads: tuple[str, ...]
    rows: Ints
    branch_s: Any
    row_branch: Ints
    row_end: Ints
    row_phase: Ints
    rated_a: Floats


def circuit_of(feeder: Feeder) -> Circuit:
    """The matrices of a feeder whose document holds a circuit."""
    document = feeder.document["circuit"]
    names = [feeder.names[bus["id"]] for bus in document["buses"]]
    rated = dict(zip(names, (bus["u_rated"] for bus in document["buses"]), strict=True))
    branches = sorted(document["branches"], key=lambda row: KINDS.index(row["kind"]))  # as in `branch_names`
    elements = [*branches, *document["shunts"], *document["sources"]]
    conductors = _conductors(elements, document["loads"])
    at = {name: k for k, name in enumerate(conductors)}
    count = len(conductors)

    def gathered(rows: list[Mapping[str, Any]]) -> Any:
        places, values = _entries(rows, at)
        return sparse.csc_matrix((values, places), shape=(count, count))

    source_a: Complexes = np.zeros(count, dtype=np.complex128)
    for row in document["sources"]:
        force = np.array(row["e_re"]) + 1j * np.array(row["e_im"])
        places = [at[c] for end in row["ends"] for c in end]
        np.add.at(source_a, places, matrix_of(row)[:, : len(force)] @ force)
    rows, ends, phases, numbers = [], [], [], []
    for k, row in enumerate(document["branches"]):
        for e, end in enumerate(row["ends"]):
            for conductor in end:
                number = int(conductor.rpartition(".")[2])
                rows.append(at[conductor])
                ends.append(e)
                phases.append(number - 1 if number <= PHASES else -1)
                numbers.append(k)
    return Circuit(
        conductors=conductors,
        admittance_s=gathered(elements),
        source_a=source_a,
        source_s=gathered(document["sources"]),
        base_v=np.array([_base(c, rated) for c in conductors]),
        phases=np.array(
            [[at.get(f"{name}.{p}", -1) for p in range(1, PHASES + 1)] for name in names], dtype=np.int64
        ).reshape(-1, PHASES),
        ungrounded=np.array([bus.get("ungrounded", False) for bus in document["buses"]], dtype=np.bool_),
        legs=_legs(document["loads"], at),
        loads=tuple(feeder.names[row["id"]] for row in document["loads"]),
        rows=np.array(rows, dtype=np.int64),
        branch_s=_stacked(branches, at),
        row_branch=np.array(numbers, dtype=np.int64),
        row_end=np.array(ends, dtype=np.int64),
        row_phase=np.array(phases, dtype=np.int64),
        rated_a=_ratings(branches),
    )


def _conductors(elements: list[Mapping[str, Any]], loads: list[Mapping[str, Any]]) -> tuple[str, ...]:
    found = dict.fromkeys(c for row in elements for end in row["ends"] for c in end)
    found |= dict.fromkeys(c for row in loads for leg in row["legs"] for c in leg if c != GROUND)
    return tuple(found)


def _base(conductor: str, rated: Mapping[str, float]) -> float:
    """Of a bus without a phase there is no rated voltage; 1 V stands for it where steps are measured."""
    volts = rated.get(conductor.rpartition(".")[0])
    return 1.0 if volts is None else volts / float(np.sqrt(3.0))


def _entries(rows: list[Mapping[str, Any]], at: Mapping[str, int]) -> tuple[Any, Any]:
    across, down, values = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.complex128)]
    for row in rows:
        places = np.array([at[c] for end in row["ends"] for c in end], dtype=np.int64)
        across.append(np.repeat(places, len(places)))
        down.append(np.tile(places, len(places)))
        values.append(matrix_of(row).reshape(-1))
    return (np.concatenate(across), np.concatenate(down)), np.concatenate(values)


def _stacked(rows: list[Mapping[str, Any]], at: Mapping[str, int]) -> Any:
    across, down, values, first = [], [], [], 0
    for row in rows:
        own = [at[c] for end in row["ends"] for c in end]
        size = len(own)
        across.append(np.repeat(np.arange(first, first + size), size))
        down.append(np.tile(own, size))
        values.append(matrix_of(row).reshape(-1))
        first += size
    if not rows:
        return sparse.csr_matrix((0, len(at)), dtype=np.complex128)
    places = np.concatenate(across), np.concatenate(down)
    return sparse.csr_matrix((np.concatenate(values), places), shape=(first, len(at)))


def _ratings(rows: list[Mapping[str, Any]]) -> Floats:
    most = max((len(row["ends"]) for row in rows), default=2)
    rated = np.full((len(rows), most), np.inf)
    for k, row in enumerate(rows):
        for e, amperes in enumerate(row["rated_a"]):
            rated[k, e] = np.inf if amperes is None else amperes
    return rated


def _legs(loads: list[Mapping[str, Any]], at: Mapping[str, int]) -> Legs:
    ground = len(at)
    entries = [
        (
            at[start],
            ground if back == GROUND else at[back],
            complex(part["p_w"], part["q_var"]),
            part["p_exponent"],
            part["q_exponent"],
            row["u_rated"],
            row["u_low_pu"],
            row["u_min_pu"],
            np.inf if row["u_max_pu"] is None else row["u_max_pu"],
            part.get("flat", False),
            row.get("cut_off_pu", 0.0),
            number,
        )
        for number, row in enumerate(loads)
        for start, back in row["legs"]
        for part in row["parts"]
    ]
    columns = list(zip(*entries, strict=True)) if entries else [()] * 12
    rated = np.array(columns[5], dtype=np.float64)
    return Legs(
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        np.array(columns[2], dtype=np.complex128),
        np.array(columns[3], dtype=np.float64),
        np.array(columns[4], dtype=np.float64),
        rated,
        rated * np.array(columns[6], dtype=np.float64),
        rated * np.array(columns[7], dtype=np.float64),
        rated * np.array(columns[8], dtype=np.float64),
        np.array(columns[9], dtype=np.bool_),
        np.array(columns[10], dtype=np.float64),
        np.array(columns[11], dtype=np.int64),
    )
