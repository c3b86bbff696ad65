"""The canonical feeder file: power-grid-model's input with names, limits and provenance around it.

The file is JSON. Its identity, reported with every decision, is the SHA-256 of the canonical form (keys
sorted, no blanks, UTF-8, shortest decimal of every float), so that re-indenting a file changes nothing and
moving one tap does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from power_grid_model.errors import PowerGridError  # type: ignore[attr-defined]
from power_grid_model.utils import json_deserialize  # type: ignore[attr-defined]

from peerwatt.grid.errors import FeederError

FORMAT = "peerwatt-feeder-1"
BRANCHES = ("line", "asym_line", "link", "generic_branch", "transformer", "three_winding_transformer")
"""Two- and three-ended elements whose loading and losses are reported, in this order."""


@dataclass(frozen=True)
class Limits:
    """The operating limits of a feeder.

    Attributes:
        v_min_pu: Lowest node voltage, per unit of the rated voltage.
        v_max_pu: Highest node voltage, per unit.
        loading_max_percent: Highest loading of a line or transformer, percent of its rating.
        source: Where the limits come from (a standard, the operator's rule).
    """

    v_min_pu: float
    v_max_pu: float
    loading_max_percent: float
    source: str = ""


@dataclass(frozen=True)
class Feeder:
    """A feeder as every part of the grid package sees it.

    Attributes:
        name: Name of the feeder.
        limits: Voltage band and loading limit.
        document: The parsed file, exactly what is hashed.
        data: power-grid-model input arrays by component.
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


def load_feeder(path: str | Path) -> Feeder:
    """Read and check a canonical feeder file.

    Args:
        path: The JSON file.

    Returns:
        The feeder: connected, named, limited, and solved once.

    Raises:
        FeederError: The file is missing or not JSON, or an element of it cannot be used; named in the
            message.
    """
    from peerwatt.grid.feeder_solves import check_solves

    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise FeederError(f"{path}: no such feeder file") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FeederError(f"{path}: not JSON: {error}") from None
    feeder = feeder_from_document(document, str(path))
    check_solves(feeder, str(path))
    return feeder


def feeder_from_document(document: Any, origin: str = "feeder") -> Feeder:
    """Build a feeder from its parsed document.

    Args:
        document: What the JSON file holds.
        origin: Named in errors.

    Raises:
        FeederError: The document cannot be used; the message names the element.
    """
    from peerwatt.grid.feeder_checks import check_data, check_document

    check_document(document, origin)
    try:
        data = json_deserialize(json.dumps(document["power_grid_model"]))
    except (PowerGridError, ValueError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise FeederError(f'{origin}: "power_grid_model" is not power-grid-model input: {reason}') from None
    limits = document["limits"]
    feeder = Feeder(
        name=document["name"],
        limits=Limits(
            float(limits["v_min_pu"]),
            float(limits["v_max_pu"]),
            float(limits["loading_max_percent"]),
            str(limits.get("source", "")),
        ),
        document=document,
        data={str(getattr(kind, "value", kind)): table for kind, table in data.items()},
        names={int(key): value for key, value in document["names"].items()},
    )
    check_data(feeder, origin)
    return feeder


def write_feeder(document: Mapping[str, Any], path: str | Path) -> Feeder:
    """Write a feeder document, one element per line, after checking it.

    Args:
        document: As `feeder_from_document` takes it.
        path: Where to.

    Returns:
        The feeder that the file now holds.
    """
    feeder = feeder_from_document(json.loads(json.dumps(document)), str(path))
    Path(path).write_text(render_document(feeder.document), encoding="utf-8")
    return feeder


def render_document(document: Mapping[str, Any]) -> str:
    """The document as text that a diff can be read of: one element of the network per line."""
    parts = []
    for key, value in document.items():
        if key == "power_grid_model":
            tables = [
                f"   {json.dumps(kind)}: [\n    "
                + ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in rows)
                + "\n   ]"
                for kind, rows in value["data"].items()
            ]
            head = {k: v for k, v in value.items() if k != "data"}
            text = json.dumps(head)[:-1] + ', "data": {\n' + ",\n".join(tables) + "\n  }}"
        elif key in ("names", "coordinates"):
            rows = [f"   {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items()]
            text = "{\n" + ",\n".join(rows) + "\n  }"
        else:
            text = json.dumps(value, indent=2, ensure_ascii=False).replace("\n", "\n  ")
        parts.append(f"  {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"
