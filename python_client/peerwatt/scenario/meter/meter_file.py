"""One file of a meter: what it says when read with what somebody stated and what it shows itself.

Everything that was concluded is in `MeterFile`, so that it can be shown before it is used; what cannot be
known is refused with the option that states it.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from peerwatt.errors import InputError
from peerwatt.scenario.meter.clock import (
    zone_named,
)
from peerwatt.scenario.meter.columns import (
    find_columns,
    is_header,
    stated_columns,
)
from peerwatt.scenario.meter.energies import energies_of, values_of
from peerwatt.scenario.meter.moments import moments_of
from peerwatt.scenario.meter.series import resampled, series_of, step_of
from peerwatt.scenario.meter.understood import MeterFile, RefusedError, Stated
from peerwatt.scenario.quantity_columns import unit_of
from peerwatt.tables.csv_table import Row, read_table
from peerwatt.tables.problems import grouped, quoted

CLOCK_OF_A_DAY = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::00)?")
FEWEST_CLOCKS = 23
"""Columns named by times of day that make a table of whole days: the hours of the shortest day."""


def understand(path: Path, stated: Stated) -> MeterFile:
    """Read a meter's file. Whatever is wrong with it ends up in `problems`; nothing is raised for it.

    Raises:
        InputError: what was stated is no time zone, unit or encoding.
    """
    if stated.tz is not None:
        zone_named(stated.tz)
    if stated.unit is not None and unit_of(stated.unit) is None:
        raise InputError(f"--unit {stated.unit}: is no unit; W, kW, MW, Wh, kWh and MWh are")
    header = {name for name, _ in stated.columns if not name.isdigit()}
    known = (lambda cells: header <= set(cells)) if header else is_header
    file = MeterFile(path, read_table(path, known, encoding=stated.encoding))
    try:
        if not file.table.problems:
            _understand(file, stated)
    except RefusedError as error:
        file.table.problem(error.line, error.column, str(error))
    except InputError as error:
        file.table.problem(None, "", str(error))
    file.problems = grouped(file.table.problems)
    if file.problems:
        file.series = None
    return file


def _understand(file: MeterFile, stated: Stated) -> None:
    table = file.table
    if not table.header:
        raise RefusedError("is empty")
    if not table.rows:
        raise RefusedError("has a header and no rows", table.header_line)
    try:
        file.columns = (
            stated_columns(table.header, stated.columns) if stated.columns else find_columns(table.header)
        )
    except ValueError as error:
        raise RefusedError(f"--columns: {error}", table.header_line) from None
    if not file.columns.when or not file.columns.values:
        if sum(bool(CLOCK_OF_A_DAY.fullmatch(name)) for name in table.header) >= FEWEST_CLOCKS:
            raise RefusedError(
                "has a row for a day and a column for each of its intervals; export it with a row for "
                "each interval",
                table.header_line,
            )
        lacking = "when" if not file.columns.when else "how much"
        raise RefusedError(
            f"no column of {quoted(', '.join(table.header))} says {lacking}: name them with --columns, "
            "such as "
            "--columns 1=time,2=import:kWh",
            table.header_line,
        )
    used = [each.name for each in file.columns.when] + [each.name for each in file.columns.values]
    for name in used:
        if table.header.count(name) > 1:
            raise RefusedError(
                "is the name of several columns: give each a name of its own", table.header_line, name
            )
    file.values = values_of(file, stated)
    if not table.read_numbers(tuple(each.column for each in file.values), stated.decimal):
        return
    moments = moments_of(file, stated)
    if table.problems:
        return
    order = sorted(range(len(moments)), key=lambda k: moments[k])
    if order != list(range(len(order))):
        file.notes.append("rows were not in order of time; they were sorted")
    rows = [table.rows[k] for k in order]
    moments, rows = _once(file, [moments[k] for k in order], rows)
    step = step_of(moments)
    energies = energies_of(file, stated, moments, rows, step)
    if table.problems:
        return
    if not any(energies.values()):
        raise RefusedError("has no value at all")
    series = series_of(step, energies)
    if stated.interval_s is not None:
        if stated.interval_s < step:
            file.notes.append(
                f"values of {step} s were spread evenly over intervals of {stated.interval_s} s: the sums "
                "are the "
                "meter's, the course in between is not"
            )
        series = resampled(series, stated.interval_s)
    file.series = series


def _once(file: MeterFile, moments: list[datetime], rows: list[Row]) -> tuple[list[datetime], list[Row]]:
    """Each time once: rows that repeat another whole are left out; others with its time are refused."""
    kept: dict[datetime, Row] = {}
    repeated = 0
    names = [each.column for each in file.values]
    for moment, row in zip(moments, rows, strict=True):
        earlier = kept.setdefault(moment, row)
        if earlier is row:
            continue
        repeated += 1
        differs = any(earlier.cells[name] != row.cells[name] for name in names)
        varies = [name for name in file.columns.others if earlier.cells.get(name) != row.cells.get(name)]
        if differs or varies:
            another = ", with another value" if differs else ""
            cause = f": column {quoted(varies[0])} differs; split the file by it" if varies else ""
            file.table.problem(
                row.line,
                file.columns.when[0].name,
                f"is the time of row {earlier.line} again{another}{cause}",
                "twice",
            )
    if repeated and not file.table.problems:
        file.notes.append(f"{repeated} rows repeat another one and were left out")
    return list(kept), list(kept.values())
