"""A table of injections: who feeds in or draws how much at which node."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import ALL_PHASES, spread
from peerwatt.grid.errors import InjectionError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.shares.loss_rules import Elements
from peerwatt.units import KILO

_COLUMNS = (
    "node",
    "kw",
    "kvar",
    "phase",
    "participant",
    "zone",
    "rating_kva",
    "export_limit_kw",
    "import_limit_kw",
)
_PHASES = {"": ALL_PHASES, "abc": ALL_PHASES, "a": 1, "b": 2, "c": 3, "1": 1, "2": 2, "3": 3}


@dataclass(frozen=True)
class Injections:
    """The rows of the table, in its order.

    Attributes:
        names: `participant`, or the node where none is given.
        nodes: Node of each.
        p_w: Active injection, W, generation positive.
        q_var: Reactive injection, var, delivered positive.
        phases: Phase of each on a three-phase feeder, 0 for all; none on a balanced one.
        zones: Zone of each, empty where none is given.
        rating_va: Inverter rating of each, VA; 0 where none is given.
        export_limit_w: Connection limit of injection, W; -1 where none is given.
        import_limit_w: Connection limit of offtake, W; -1 where none is given.
    """

    names: tuple[str, ...]
    nodes: Ints
    p_w: Floats
    q_var: Floats
    phases: Ints | None
    zones: tuple[str, ...]
    rating_va: Floats
    export_limit_w: Ints
    import_limit_w: Ints

    @property
    def elements(self) -> Elements:
        """The rows as elements whose losses can be shared."""
        return Elements(self.nodes, self.p_w, self.q_var, self.phases)

    def per_node(self, count: int) -> tuple[Floats, Floats]:
        """Their sums per node (and phase), W and var."""
        p, q = (spread(x, self.nodes, self.phases, count) for x in (self.p_w, self.q_var))
        return p, q


def read_injections(path: str | Path, feeder: Feeder) -> Injections:
    """Read a table of injections.

    The CSV's columns are `node`, `kw` (generation positive, demand negative) and, as wanted, `kvar`, `phase`
    (a, b, c or empty for all three), `participant`, `zone`, `rating_kva` (of an inverter), `export_limit_kw`,
    `import_limit_kw`.

    Args:
        path: The CSV file.
        feeder: The feeder that it is about.

    Raises:
        InjectionError: The file is missing, or a row or column of it cannot be used; located.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            table = [
                (number, row) for number, row in enumerate(csv.reader(file), 1) if any(c.strip() for c in row)
            ]
    except FileNotFoundError:
        raise InjectionError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise InjectionError(f"{path}: not UTF-8 text: {error.reason} at byte {error.start}") from None
    if not table:
        raise InjectionError(f"{path}: empty; the header is {','.join(_COLUMNS[:4])}")
    header = [cell.strip().lower() for cell in table[0][1]]
    for name in header:
        if name not in _COLUMNS:
            raise InjectionError(f"{path}: column {name!r} is unknown; known are {', '.join(_COLUMNS)}")
    for name in ("node", "kw"):
        if header.count(name) != 1:
            raise InjectionError(f"{path}: needs one column {name!r}")
    rows = []
    for number, row in table[1:]:
        if len(row) != len(header):
            raise InjectionError(f"{path}, row {number}: {len(row)} fields, the header has {len(header)}")
        rows.append((number, dict(zip(header, (cell.strip() for cell in row), strict=True))))
    for number, fields in rows:
        if fields["node"] not in feeder.node_index:
            raise InjectionError(
                f"{path}, row {number}: {fields['node']!r} is no node of feeder {feeder.name}"
            )
        if fields.get("phase", "").lower() not in _PHASES:
            raise InjectionError(
                f"{path}, row {number}: phase {fields['phase']!r}; give a, b, c or leave it empty"
            )
        if fields.get("phase", "").lower() not in ("", "abc") and not feeder.three_phase:
            raise InjectionError(
                f"{path}, row {number}: a phase, but feeder {feeder.name} is balanced; leave it empty"
            )

    def power(name: str, default: float = 0.0) -> Floats:
        return np.array(
            [_number(path, number, name, fields.get(name, ""), default) for number, fields in rows]
        )

    limits = [
        np.rint(power(f"{side}_limit_kw", -1e-3) * KILO).astype(np.int64) for side in ("export", "import")
    ]
    phases = [_PHASES[fields.get("phase", "").lower()] for _, fields in rows]
    return Injections(
        tuple(fields.get("participant") or fields["node"] for _, fields in rows),
        np.array([feeder.node(fields["node"]) for _, fields in rows], dtype=np.int64),
        power("kw") * KILO,
        power("kvar") * KILO,
        np.array(phases, dtype=np.int64) if feeder.three_phase else None,
        tuple(fields.get("zone", "") for _, fields in rows),
        power("rating_kva") * KILO,
        limits[0],
        limits[1],
    )


def _number(path: str | Path, row: int, name: str, text: str, default: float) -> float:
    if not text and name != "kw":
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (name.endswith(("limit_kw", "kva")) and value < 0):
        raise InjectionError(
            f"{path}, row {row}: {name} is {text!r}, must be a number of {name.split('_')[-1]}"
        )
    return value
