"""Currents of branches against their rated currents: per end and per phase, never a sum over phases.

A line's rated current is its `i_n`. A transformer's or generic branch's is its rated power over √3 and the
rated voltage of that end. Its rated power is `sn`, or what the feeder file's `rating_va` says, where `sn` is
only the base of an impedance or the unit must not be loaded to its plate. Between two windings in delta, the
current within a delta also counts: it can exceed the rating by up to 15 % while no line current does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.units import PERCENT

_DELTA, _WYE_NEUTRAL = 2, 1  # power-grid-model's WindingType


def ends_of(kind: str) -> tuple[str, ...]:
    """The suffixes by which power-grid-model names the ends of a branch."""
    return ("1", "2", "3") if kind == "three_winding_transformer" else ("from", "to")


@dataclass(frozen=True)
class Ratings:
    """Rated currents of a feeder's branches.

    Attributes:
        rated_a: Rated current at each end, A, `(branches, ends)`; infinite where there is none. The feeder's
            branch with the most ends says how many there are.
        delta: Where the current within a delta must be looked at, `(branches, ends)`.
        three_phase: Whether currents have a phase axis.
    """

    rated_a: Floats
    delta: NDArray[np.bool_]
    three_phase: bool

    def conductor_loading_percent(self, current_a: Floats) -> Floats:
        """Loading of every phase at every end of every branch.

        Args:
            current_a: Currents, A, `(..., branches, ends)`, with phases `(..., branches, ends, 3)`.

        Returns:
            Percent of the rated current; `(..., branches, ends)` or `(..., branches, ends·3)`.
        """
        if not self.three_phase:
            return np.asarray(PERCENT * (current_a / self.rated_a))
        if self.delta.any():
            current_a = np.where(
                self.delta[..., None], np.maximum(current_a, _in_delta(current_a)), current_a
            )
        loading = PERCENT * (current_a / self.rated_a[..., None])
        return np.asarray(loading.reshape(*loading.shape[:-2], -1))


def ratings(feeder: Feeder) -> Ratings:
    """The rated currents of a feeder's branches, in the order of `feeder.branch_names`."""
    count = max((len(ends_of(kind)) for kind in feeder.branch_kinds), default=2)
    rated = np.full((len(feeder.branch_names), count), np.inf)
    delta = np.zeros(rated.shape, dtype=np.bool_)
    stated: Mapping[str, float | None] = feeder.document.get("rating_va", {})
    nominal = dict(
        zip(feeder.data["node"]["id"].tolist(), feeder.data["node"]["u_rated"].tolist(), strict=True)
    )
    rows = ((kind, row) for kind in BRANCHES for row in feeder.data.get(kind, ()))
    for k, (kind, row) in enumerate(rows):
        if kind in ("line", "asym_line"):
            rated[k, :2] = row["i_n"]
        elif kind != "link":
            power, volts = _plate(kind, row, nominal)
            if (own := str(int(row["id"]))) in stated:
                most = stated[own]
                share = [x / power[0] for x in power] if kind.startswith("three") else [1.0, 1.0]
                power = [np.inf if most is None else most * x for x in share]
            current = np.array(power, dtype=np.float64) / np.sqrt(3.0) / np.array(volts)
            rated[k, : len(current)] = np.where(current > 0, current, np.inf)
            if kind == "transformer":
                windings = [int(row["winding_from"]), int(row["winding_to"])]
                if _WYE_NEUTRAL not in windings:
                    delta[k, :2] = [winding == _DELTA for winding in windings]
    return Ratings(np.where(np.isnan(rated), np.inf, rated), delta, feeder.three_phase)


def branch_currents(out: Mapping[str, Any], kinds: list[str], ends: int) -> Floats:
    """Currents in the output tables of a calculation, A, `(batch, branches, ends)`, with phases
    `(batch, branches, ends, 3)`; at least one branch.
    """
    tables = []
    for kind in kinds:
        found = [np.asarray(out[kind][f"i_{end}"]) for end in ends_of(kind)]
        found += [np.zeros_like(found[0])] * (ends - len(found))
        tables.append(np.stack(found, axis=2))
    return np.concatenate(tables, axis=1)


def _plate(kind: str, row: Any, nominal: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """Rated power, VA, and rated voltage, V, of each winding; of a generic branch those of its nodes."""
    if kind == "three_winding_transformer":
        return [float(row[f"sn_{k}"]) for k in "123"], [float(row[f"u{k}"]) for k in "123"]
    power = float(row["sn"])
    if kind == "transformer":
        return [power, power], [float(row["u1"]), float(row["u2"])]
    return [power, power], [nominal[int(row["from_node"])], nominal[int(row["to_node"])]]


def _in_delta(current_a: Floats) -> Floats:
    """Currents between the phases of a delta, as line currents of a balanced state, A, `(..., 3)`.

    Without zero sequence the line currents close to a triangle, so `|Ia - Ib|` follows from their magnitudes:
    its square is `2|Ia|² + 2|Ib|² - |Ic|²`.
    """
    square = current_a**2
    other = 2 * square.sum(axis=-1, keepdims=True) - 3 * square  # of the two phases that are not the third
    return np.asarray(np.sqrt(np.maximum(other, 0.0) / 3.0))
