"""The positive-sequence network as matrices: nodal admittance, Thevenin impedances, transfer distribution
factors.

For questions of distance and strength, where a linear picture is what is asked for; flows and losses are
never taken from here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.units import MEGA

Complexes = NDArray[np.complex128]
BASE_VA = MEGA
_CLOSED_LINK_PU = 1e-6  # impedance of a closed link, small against any cable on a 1 MVA base


@dataclass(frozen=True)
class Admittance:
    """The feeder's series branches and sources on a base of 1 MVA, shunts and phase shifts left out.

    Attributes:
        feeder: The feeder.
        ends: From and to node of each closed branch, `(branches, 2)`.
        series_pu: Series impedance of each closed branch, `(branches,)`.
        source_nodes: Node of each source.
        source_pu: Internal impedance of each source.
    """

    feeder: Feeder
    ends: NDArray[np.int64]
    series_pu: Complexes
    source_nodes: NDArray[np.int64]
    source_pu: Complexes

    @cached_property
    def nodal_pu(self) -> Complexes:
        """Nodal admittance matrix with the sources short-circuited behind their impedance, `(nodes,
        nodes)`.
        """
        n = len(self.feeder.node_names)
        matrix: Complexes = np.zeros((n, n), dtype=np.complex128)
        y = 1 / self.series_pu
        a, b = self.ends.T
        for rows, columns, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            np.add.at(matrix, (rows, columns), sign * y)
        np.add.at(matrix, (self.source_nodes, self.source_nodes), 1 / self.source_pu)
        return matrix

    @cached_property
    def impedance_pu(self) -> Complexes:
        """Nodal impedance matrix, `(nodes, nodes)`; its diagonal is the Thevenin impedance of each node."""
        return np.asarray(np.linalg.inv(self.nodal_pu))

    def thevenin_distance_pu(self, nodes: NDArray[np.int64]) -> Floats:
        """Magnitude of the impedance between pairs of nodes, `Z_ii + Z_jj - 2 Z_ij`, `(k, k)`."""
        z = self.impedance_pu[np.ix_(nodes, nodes)]
        own = np.diag(z)
        return np.abs(own[:, None] + own[None, :] - 2 * z)

    def transfer_distance(self, nodes: NDArray[np.int64]) -> Floats:
        """Sum over the branches of the power that one unit sent between two nodes moves there, `(k, k)`.

        Power transfer distribution factors of the network with every branch weighted by the inverse of its
        impedance's magnitude, the DC approximation where resistance is not small against reactance; on a
        radial feeder it counts the branches of the path."""
        n, weight = len(self.feeder.node_names), 1 / np.abs(self.series_pu)
        incidence = np.zeros((len(self.ends), n))
        rows = np.arange(len(self.ends))
        incidence[rows, self.ends[:, 0]], incidence[rows, self.ends[:, 1]] = 1.0, -1.0
        laplacian = incidence.T @ (weight[:, None] * incidence)
        factors = (weight[:, None] * incidence) @ np.linalg.pinv(laplacian)[:, nodes]
        return np.asarray(np.abs(factors[:, :, None] - factors[:, None, :]).sum(axis=0))


def admittance(feeder: Feeder, source_va: float | None = None) -> Admittance:
    """Read the series network out of a feeder.

    Args:
        feeder: The feeder.
        source_va: Short-circuit power of the upstream grid, VA; the feeder's own statement when not given.

    Raises:
        FeederError: The feeder has a three-winding transformer, or a short-circuit power of zero.
    """
    rated = feeder.data["node"]["u_rated"]
    position = {int(k): i for i, k in enumerate(feeder.data["node"]["id"])}
    ends, series = [], []
    for kind in BRANCHES:
        for row in feeder.data.get(kind, ()):
            if kind == "three_winding_transformer":
                raise FeederError(
                    f"feeder {feeder.name}: three-winding transformers have no series impedance here"
                )
            if row["from_status"] and row["to_status"]:
                a, b = position[int(row["from_node"])], position[int(row["to_node"])]
                ends.append((a, b))
                series.append(
                    _series_ohm(kind, row) * BASE_VA / rated[b] ** 2 if kind != "link" else _CLOSED_LINK_PU
                )
    sources = feeder.data["source"][feeder.data["source"]["status"] == 1]
    stated = feeder.document.get("short_circuit", {}).get("source_va") if source_va is None else source_va
    strength = (
        np.nan_to_num(sources["sk"], nan=1e10) if stated is None else np.full(len(sources), float(stated))
    )
    ratio = np.nan_to_num(sources["rx_ratio"], nan=0.1)
    reactance = BASE_VA / strength / np.sqrt(1 + ratio**2)
    return Admittance(
        feeder,
        np.array(ends, dtype=np.int64).reshape(-1, 2),
        np.array(series, dtype=np.complex128),
        np.array([position[int(k)] for k in sources["node"]], dtype=np.int64),
        (ratio + 1j) * reactance,
    )


def _series_ohm(kind: str, row: Any) -> complex:
    """Positive-sequence series impedance, referred to the to side."""
    if kind == "transformer" and "uk" in row.dtype.names:  # a circuit states r1 and x1 of each branch
        z = row["uk"] * row["u2"] ** 2 / row["sn"]
        r = row["pk"] / row["sn"] * row["u2"] ** 2 / row["sn"]
        return complex(r, np.sqrt(max(z**2 - r**2, 0.0)))
    if kind == "asym_line":
        own, mutual = (
            (sum(row[f"{p}_{x}{x}"] for x in "abc") / 3, sum(row[f"{p}_{k}"] for k in ("ba", "ca", "cb")) / 3)
            for p in "rx"
        )
        return complex(own[0] - own[1], mutual[0] - mutual[1])
    return complex(row["r1"], row["x1"])
