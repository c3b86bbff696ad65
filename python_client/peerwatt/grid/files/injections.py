"""A table of injections: who feeds in or draws how much at which node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import ALL_PHASES, spread
from peerwatt.grid.errors import FeederError, TableOfInjectionsError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.shares.loss_rules import Elements
from peerwatt.tables.csv_table import CsvTable, Row, read_csv
from peerwatt.tables.numbers import decimal
from peerwatt.tables.problems import did_you_mean, quoted
from peerwatt.units import KILO

REQUIRED = ("node", "kw")
OPTIONAL = ("kvar", "phase", "participant", "zone", "rating_kva", "export_limit_kw", "import_limit_kw")
NUMBERS = ("kw", "kvar", "rating_kva", "export_limit_kw", "import_limit_kw")
MOST = 1_000_000
"""kW, kvar or kVA at one node: 1 GW stands on no distribution feeder."""

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
        TableOfInjectionsError: The file is missing, or rows or columns of it cannot be used; located.
    """
    table = read_csv(Path(path), REQUIRED, OPTIONAL, str.lower)
    if table.rows:
        table.read_numbers(NUMBERS)
    rows = table.rows
    lines: dict[str, int] = {}
    for row in rows:
        _check_place(table, row, feeder)
        name = row.cells.get("participant")
        if name and lines.setdefault(name, row.line) != row.line:
            message = f"{quoted(name)} is given twice (first in row {lines[name]}); names are unique"
            table.problem(row.line, "participant", message, "twice")

    def power(name: str, default: float = 0.0) -> Floats:
        return np.array([_number(table, row, name, default) for row in rows])

    kw, kvar, rating = power("kw"), power("kvar"), power("rating_kva")
    export, drawn = power("export_limit_kw", -1e-3), power("import_limit_kw", -1e-3)
    if table.problems:
        raise TableOfInjectionsError(table.problems)
    phases = [_phase(row, feeder) for row in rows]
    return Injections(
        tuple(row.cells.get("participant") or row.cells["node"] for row in rows),
        np.array([feeder.node(row.cells["node"]) for row in rows], dtype=np.int64),
        kw * KILO,
        kvar * KILO,
        np.array(phases, dtype=np.int64) if feeder.three_phase else None,
        tuple(row.cells.get("zone", "") for row in rows),
        rating * KILO,
        np.rint(export * KILO).astype(np.int64),
        np.rint(drawn * KILO).astype(np.int64),
    )


def _check_place(table: CsvTable, row: Row, feeder: Feeder) -> None:
    node, phase = row.cells["node"], row.cells.get("phase", "")
    if node not in feeder.node_index:
        near = did_you_mean(node, list(feeder.node_index))
        table.problem(row.line, "node", f"{quoted(node)} is no node of feeder {feeder.name}{near}", "node")
    if phase.lower() not in _PHASES:
        table.problem(row.line, "phase", f"{quoted(phase)}; give a, b, c or leave it empty", "phase")
    elif _PHASES[phase.lower()] != ALL_PHASES and not feeder.three_phase:
        message = f"a phase, but feeder {feeder.name} is balanced; leave it empty"
        table.problem(row.line, "phase", message, "balanced")
    elif feeder.is_circuit and node in feeder.node_index:
        try:
            _phase(row, feeder)
        except FeederError as error:
            table.problem(row.line, "phase", str(error), "phase")


def _phase(row: Row, feeder: Feeder) -> int:
    phase = _PHASES[row.cells.get("phase", "").lower()]
    return feeder.connection(row.cells["node"], phase) if feeder.is_circuit else phase


def _number(table: CsvTable, row: Row, name: str, default: float) -> float:
    if not row.cells.get(name) and name != "kw":
        return default
    unit = {"kw": "kW", "kva": "kVA"}.get(name.rpartition("_")[2], name)
    least = 0 if name.endswith(("limit_kw", "kva")) else -MOST
    value = table.number(row, name, decimal(unit, least, MOST))
    return default if value is None else float(value)
