"""System strength: short-circuit power at inverters' nodes against their rating.

The short-circuit ratio is the three-phase short-circuit power of the network at the point of connection over
the rated power of the inverters there (IEEE Std 1204-1997, section 2; below about 3 a grid-following
inverter's control may lose stability)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.admittance import BASE_VA, admittance

WEAK_BELOW = 3.0


@dataclass(frozen=True)
class Strength:
    """One node with inverters.

    Attributes:
        node: Its name.
        short_circuit_va: Three-phase short-circuit power of the network there at rated voltage, VA.
        rating_va: Rated power of the inverters there, VA.
        minimum: The stated minimum of the ratio.
    """

    node: str
    short_circuit_va: float
    rating_va: float
    minimum: float

    @property
    def ratio(self) -> float:
        """Short-circuit ratio."""
        return self.short_circuit_va / self.rating_va

    @property
    def weak(self) -> bool:
        """Whether the ratio is below the minimum."""
        return self.ratio < self.minimum


STIFF_VA = 1e12
"""From here on a source's short-circuit power is a way of writing that it has no internal impedance."""


def states_upstream(feeder: Feeder) -> bool:
    """Whether the feeder says how strong the grid above it is."""
    if feeder.document.get("short_circuit", {}).get("source_va") is not None:
        return True
    power = feeder.data["source"]["sk"][feeder.data["source"]["status"] == 1]
    return bool(np.all(power < STIFF_VA))  # False where a source states none (NaN)


def short_circuit_va(feeder: Feeder, source_va: float | None = None) -> Floats:
    """Three-phase short-circuit power at every node at rated voltage, without inverters' own infeed, VA,
    `(nodes,)`.
    """
    return np.asarray(BASE_VA / np.abs(np.diag(admittance(feeder, source_va).impedance_pu)))


def check_strength(
    feeder: Feeder,
    nodes: NDArray[np.int64],
    rating_va: Floats,
    minimum: float = WEAK_BELOW,
    source_va: float | None = None,
) -> tuple[Strength, ...]:
    """The short-circuit ratio at each node with inverters, weakest first.

    Args:
        feeder: The feeder; `short_circuit.source_va` or its sources' `sk` states the upstream grid's
            strength.
        nodes: Node of each inverter, with repeats.
        rating_va: Rating of each inverter, VA.
        minimum: The stated minimum of the ratio.
        source_va: Short-circuit power of the upstream grid, VA; the feeder's own statement when not given.
    """
    there, column = np.unique(nodes, return_inverse=True)
    ratings = np.bincount(column, weights=rating_va)
    power = short_circuit_va(feeder, source_va)
    found = [
        Strength(feeder.node_names[k], float(power[k]), float(rating), minimum)
        for k, rating in zip(there, ratings, strict=True)
        if rating > 0
    ]
    return tuple(sorted(found, key=lambda s: s.ratio))
