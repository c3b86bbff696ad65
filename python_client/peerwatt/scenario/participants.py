"""Who takes part: `participants.csv`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peerwatt.grid.errors import FeederError
from peerwatt.market.ledger import FIRST_PARTICIPANT
from peerwatt.messages.roster import MAX_CONNECTION_LIMIT
from peerwatt.tables.csv_table import CsvTable, Row, read_csv
from peerwatt.tables.numbers import CellError, decimal, text
from peerwatt.tables.problems import Problem, did_you_mean, one_of, quoted
from peerwatt.units import CONNECTION_UNIT_W, W_PER_KW

COLUMNS = ("participant", "node", "kind", "import_limit_kw", "export_limit_kw", "pv_kwp", "description")
OPTIONAL_COLUMNS = ("inverter_kva", "phase", "zone")
NUMBERS = ("import_limit_kw", "export_limit_kw", "pv_kwp", "inverter_kva")
NAME_PATTERN = r"[a-z0-9][a-z0-9_-]{0,31}"
KINDS = ("consumer", "prosumer")
PHASES = {"abc": 0, "a": 1, "b": 2, "c": 3}
"""As in the feeder's power flow: 0 is all three alike."""

MAX_POWER_W = MAX_CONNECTION_LIMIT * CONNECTION_UNIT_W
"""Largest power of a connection, W."""


@dataclass(frozen=True)
class Participant:
    """One participant of a scenario.

    Attributes:
        name: as in `participants.csv`.
        account: index on chain; system accounts come first.
        node: of the feeder.
        kind: `consumer` or `prosumer`.
        import_limit: of the connection, units of 100 W.
        export_limit: of the connection, units of 100 W.
        pv_w: rated power of the photovoltaics, W.
        description: one line.
        inverter_va: rated power of its inverters, photovoltaics and batteries together, VA.
        phase: of the feeder, 1 to 3; 0 for all three.
        zone: for network charges by zone; empty for none.
        demand_wh: consumption of each interval of the calendar.
        generation_wh: available generation of each interval.
        metered: whether these two are what its meter counts, so that nothing more is used behind it.
    """

    name: str
    account: int
    node: str
    kind: str
    import_limit: int
    export_limit: int
    pv_w: int
    description: str
    inverter_va: int = 0
    phase: int = 0
    zone: str = ""
    demand_wh: tuple[int, ...] = ()
    generation_wh: tuple[int, ...] = ()
    metered: bool = False


def read_participants(
    path: Path,
    nodes: Sequence[str] | None,
    problems: list[Problem],
    remarks: list[Problem] | None = None,
    *,
    phases: bool = True,
    connection: Callable[[str, int], int] | None = None,
) -> list[Participant]:
    """Read `participants.csv`, without the profiles.

    Args:
        path: the file.
        nodes: of the feeder, or None where it could not be read.
        problems: mistakes are appended here.
        remarks: what was found out about the file and could be wrong is appended here.
        phases: whether the feeder has phases to be connected to.
        connection: the phase at which one is connected, of a node and a phase asked for; see
            `peerwatt.grid.feeder.Feeder.connection`.
    """
    table = read_csv(path, COLUMNS, OPTIONAL_COLUMNS, str.lower)
    if table.rows and not table.read_numbers(NUMBERS):
        table.rows = []
    found: list[Participant] = []
    lines: dict[str, int] = {}
    for row in table.rows:
        name = table.cell(row, "participant", _name)
        if name in lines:
            message = f"{name!r} is given twice (first in row {lines[name]}); names are unique"
            table.problem(row.line, "participant", message)
        elif name is not None:
            lines[name] = row.line
        participant = _participant(table, row, name, FIRST_PARTICIPANT + len(found), nodes, phases)
        if participant is not None:
            found.append(_connected(table, row, participant, connection))
    problems.extend(table.problems)
    if remarks is not None and (unusual := table.unusual()):
        table.remark(f"read as {unusual}")
        remarks.extend(table.remarks)
    return found


def _participant(
    table: CsvTable, row: Row, name: str | None, account: int, nodes: Sequence[str] | None, phases: bool
) -> Participant | None:
    node = table.cell(row, "node", lambda cell: _node(cell, nodes))
    kind = table.cell(row, "kind", _kind)
    import_limit = table.number(row, "import_limit_kw", lambda cell: _limit_units(cell, least=1))
    export_limit = table.number(row, "export_limit_kw", lambda cell: _limit_units(cell, least=0))
    pv_kwp = table.number(row, "pv_kwp", decimal("kW", 0, MAX_POWER_W // W_PER_KW))
    inverter_kva = pv_kwp
    if row.cells.get("inverter_kva"):
        inverter_kva = table.number(row, "inverter_kva", decimal("kVA", 0, MAX_POWER_W // W_PER_KW))
    phase = table.cell(row, "phase", lambda cell: _phase(cell, phases)) if "phase" in table.header else 0
    if (
        name is None
        or node is None
        or phase is None
        or kind is None
        or import_limit is None
        or export_limit is None
    ):
        return None
    if kind == "prosumer" and export_limit == 0:
        table.problem(
            row.line, "export_limit_kw", "0 kW: a prosumer could never sell; raise it or say consumer"
        )
    return Participant(
        name=name,
        account=account,
        node=node,
        kind=kind,
        import_limit=import_limit,
        export_limit=export_limit,
        pv_w=int((pv_kwp or 0) * W_PER_KW),
        description=row.cells["description"],
        inverter_va=int((inverter_kva or 0) * W_PER_KW),
        phase=phase,
        zone=row.cells.get("zone", ""),
    )


def _connected(
    table: CsvTable, row: Row, participant: Participant, connection: Callable[[str, int], int] | None
) -> Participant:
    """At the phase that its node has."""
    if connection is None:
        return participant
    try:
        return replace(participant, phase=connection(participant.node, participant.phase))
    except FeederError as error:
        table.problem(row.line, "phase", str(error))
        return participant


def _name(cell: str) -> str:
    if not re.fullmatch(NAME_PATTERN, cell):
        raise CellError(f"{quoted(cell)} must be lower-case letters, digits, - and _, at most 32")
    return cell


def _node(cell: str, nodes: Sequence[str] | None) -> str:
    if nodes is not None and text(cell) not in nodes:
        raise CellError(f"the feeder has no node {quoted(cell)}{did_you_mean(cell, list(nodes))}")
    return cell


def _kind(cell: str) -> str:
    if cell not in KINDS:
        raise CellError(f"{quoted(cell)} must be {one_of(list(KINDS))}")
    return cell


def _phase(cell: str, phases: bool) -> int:
    if cell not in PHASES:
        raise CellError(f"{quoted(cell)} must be {one_of(list(PHASES))}")
    if not phases and PHASES[cell]:
        raise CellError(f'the feeder is balanced (no "phases": 3), so nobody is on phase {cell!r}; write abc')
    return PHASES[cell]


def _limit_units(cell: str, least: int) -> int:
    units = decimal("kW", 0, MAX_CONNECTION_LIMIT // 10)(cell) * W_PER_KW / CONNECTION_UNIT_W
    if units != units.to_integral_value():
        raise CellError(f"{cell} kW is no multiple of 0.1 kW, the unit of a connection limit on chain")
    if units < least:
        raise CellError(f"{cell} kW: nothing could flow; a connection limit is at least 0.1 kW")
    return int(units)
