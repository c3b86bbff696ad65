"""A feeder: power-grid-model's input, or a circuit, with names, limits and provenance around it.

Its identity, named in every report, is the SHA-256 of its document's canonical form (keys
sorted, no blanks, UTF-8, shortest decimal of every float), so that re-indenting a file changes nothing and
moving one tap does.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.errors import FeederError

FORMAT = "peerwatt-feeder-1"
BRANCHES = ("line", "asym_line", "link", "generic_branch", "transformer", "three_winding_transformer")
"""Two- and three-ended elements whose loading and losses are reported, in this order."""
LEVEL_TOLERANCE = 1e-3
"""Rated voltages that differ by less than this share are of one level: files round 400/√3·√3."""


@dataclass(frozen=True)
class Band:
    """The voltages that are allowed at one voltage level.

    Attributes:
        u_rated_v: Rated voltage of the level's nodes, V.
        v_min_pu: Lowest node voltage, per unit of it.
        v_max_pu: Highest node voltage, per unit.
    """

    u_rated_v: float
    v_min_pu: float
    v_max_pu: float


@dataclass(frozen=True)
class Limits:
    """The operating limits of a feeder.

    Attributes:
        v_min_pu: Lowest node voltage, per unit of the rated voltage, at levels without a band of their own.
        v_max_pu: Highest node voltage there, per unit.
        loading_max_percent: Highest loading of a line or transformer, percent of its rating.
        source: Where the limits come from (a standard, the operator's rule).
        bands: Voltage levels with limits of their own.
        unbalance_max_percent: Highest voltage unbalance of a node, percent (EN 50160 has 2); infinite where
            none is stated.
        reverse_flow_max_w: Most power that may flow back upstream, W; infinite where none is stated.
    """

    v_min_pu: float
    v_max_pu: float
    loading_max_percent: float
    source: str = ""
    bands: tuple[Band, ...] = ()
    unbalance_max_percent: float = math.inf
    reverse_flow_max_w: float = math.inf


@dataclass(frozen=True)
class Feeder:
    """A feeder as every part of the grid package sees it.

    Attributes:
        name: Name of the feeder.
        limits: Voltage band and loading limit.
        document: The parsed file, exactly what is hashed.
        data: power-grid-model input arrays by component; of a circuit its nodes, sources and branches.
        names: Element name by power-grid-model id.
    """

    name: str
    limits: Limits
    document: Mapping[str, Any]
    data: Mapping[str, NDArray[Any]] = field(repr=False)
    names: Mapping[int, str] = field(repr=False)

    @cached_property
    def feeder_hash(self) -> bytes:
        """The feeder's identity: SHA-256 of the canonical document, 32 bytes."""
        return hashlib.sha256(canonical_bytes(self.document)).digest()

    @cached_property
    def node_names(self) -> tuple[str, ...]:
        """Node names in the order of every nodal array."""
        return tuple(self.names[int(i)] for i in self.data["node"]["id"])

    @cached_property
    def node_index(self) -> Mapping[str, int]:
        """Position of a node name in every nodal array."""
        return {name: k for k, name in enumerate(self.node_names)}

    @cached_property
    def allowed_pu(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest allowed voltage of each node, pu, `(nodes,)` each."""
        rated, limits = self.data["node"]["u_rated"], self.limits
        low, high = (np.full(len(rated), x) for x in (limits.v_min_pu, limits.v_max_pu))
        for band in limits.bands:
            level = np.isclose(rated, band.u_rated_v, rtol=LEVEL_TOLERANCE)
            low[level], high[level] = band.v_min_pu, band.v_max_pu
        return low, high

    @property
    def upstream(self) -> str:
        """Name of the first source, which stands for the upstream grid."""
        return self.names[int(self.data["source"]["id"][0])]

    @cached_property
    def branch_names(self) -> tuple[str, ...]:
        """Branch names in the order of every branch array."""
        return tuple(self.names[int(i)] for kind in BRANCHES for i in self._ids(kind))

    @cached_property
    def branch_kinds(self) -> tuple[str, ...]:
        """power-grid-model component of each branch, in the order of `branch_names`."""
        return tuple(kind for kind in BRANCHES for _ in self._ids(kind))

    @property
    def coordinates(self) -> Mapping[str, tuple[float, float]]:
        """Longitude and latitude (or x and y) of the nodes that have any."""
        return {name: (xy[0], xy[1]) for name, xy in self.document.get("coordinates", {}).items()}

    @property
    def three_phase(self) -> bool:
        """Whether the feeder is solved phase by phase."""
        return bool(self.document.get("phases", 1) == 3)

    @property
    def is_circuit(self) -> bool:
        """Whether the file states a circuit conductor by conductor, not power-grid-model's input."""
        return "circuit" in self.document

    @cached_property
    def node_phases(self) -> tuple[tuple[int, ...], ...]:
        """Phases of each node of a three-phase feeder, 1 to 3."""
        if not self.is_circuit:
            return ((1, 2, 3),) * len(self.node_names)
        return tuple(tuple(bus["phases"]) for bus in self.document["circuit"]["buses"])

    @cached_property
    def node_connections(self) -> tuple[tuple[int, ...], ...]:
        """Phases of each node at which something can be injected, 1 to 3.

        At a node without a path to ground that is between a phase and the next one, so both must be there.
        """
        if not self.is_circuit:
            return self.node_phases
        buses = self.document["circuit"]["buses"]
        return tuple(
            tuple(p for p in bus["phases"] if not bus.get("ungrounded") or p % 3 + 1 in bus["phases"])
            for bus in buses
        )

    def connection(self, node: str, phase: int) -> int:
        """The phase of a connection at a node.

        Args:
            node: Node name.
            phase: 1 to 3, or 0 for all three, which at a node with one phase is that one.

        Raises:
            FeederError: The feeder has no such node, or the node has no such phase.
        """
        own = self.node_connections[self.node(node)]
        if phase == 0 and len(own) == 1:
            return own[0]
        if phase in own or (phase == 0 and len(own) == 3):
            return phase
        there = " and ".join("abc"[p - 1] for p in own) or "none that something can be connected to"
        raise FeederError(f"node {node!r} has phase {there}; name one of its phases")

    @property
    def frequency_hz(self) -> float:
        """System frequency, Hz: turns capacitances into susceptances."""
        return float(self.document.get("frequency_hz", 50.0))

    @property
    def free_id(self) -> int:
        """First id that no element of the feeder uses."""
        return max(self.names) + 1

    def node(self, name: str) -> int:
        """Position of a node.

        Args:
            name: Node name.

        Raises:
            FeederError: The feeder has no such node.
        """
        try:
            return self.node_index[name]
        except KeyError:
            raise FeederError(f'feeder {self.name}: no node named {name!r}; see its "names"') from None

    def _ids(self, kind: str) -> NDArray[np.int32]:
        table = self.data.get(kind)
        return np.empty(0, np.int32) if table is None else table["id"]


def canonical_bytes(document: Mapping[str, Any]) -> bytes:
    """The bytes whose hash identifies a feeder: sorted keys, no blanks, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
