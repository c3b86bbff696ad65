"""`peerwatt import meter`: what was understood of meters' files, and profiles made of them."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json, say

if TYPE_CHECKING:
    from peerwatt.scenario.meter.understood import MeterFile


class Stamps(StrEnum):
    """What times are of."""

    start = "start"
    end = "end"


class Decimal(StrEnum):
    """Mark before decimals."""

    comma = ","
    point = "."


class Dates(StrEnum):
    """Which comes first."""

    dmy = "dmy"
    mdy = "mdy"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    group = typer.Typer(name="import", no_args_is_help=True, help="Read files as others have them.")
    group.callback()(lambda: None)
    group.command("meter")(meter)
    app.add_typer(group)


def meter(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="CSV files, directories of them, or patterns.")
    ],
    tz: Annotated[
        str | None, typer.Option(help="Time zone of times without an offset: Europe/Berlin.")
    ] = None,
    stamps: Annotated[
        Stamps | None, typer.Option(help="What times are of: the start or end of an interval.")
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Of values whose header has none: W, kW, Wh, kWh, MWh.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="What columns are, by name or number: 1=time,2=import:kWh,3=export:kWh. Also date, clock, "
            "start, end, load, pv, power, energy."
        ),
    ] = None,
    register: Annotated[
        bool | None,
        typer.Option(
            "--register/--no-register", help="Values are a register's readings, which only grow; or not."
        ),
    ] = None,
    interval: Annotated[
        int | None,
        typer.Option(min=60, max=86400, help="Length that intervals shall have, s: added up or spread."),
    ] = None,
    decimal: Annotated[Decimal | None, typer.Option(help="Mark before the decimals.")] = None,
    dates: Annotated[
        Dates | None, typer.Option(help="Day or month first, where slashes leave it open.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the text, where a guess is wrong: cp1252.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Directory to write a profile for each file to; nothing is written without."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what was understood of meters' files; with --out, write profiles of them."""
    from peerwatt.cli.exit_codes import ExitCode, report_error
    from peerwatt.scenario.meter.meter_file import understand
    from peerwatt.scenario.meter.understood import Stated

    stated = Stated(
        tz=tz,
        stamps=None if stamps is None else stamps.value,
        unit=unit,
        columns=_pairs(columns),
        register=register,
        interval_s=interval,
        decimal=None if decimal is None else decimal.value,
        dates=None if dates is None else dates.value,
        encoding=encoding,
    )
    documents: list[dict[str, Any]] = []
    refused = False
    for path in _paths(files):
        file = understand(path, stated)
        written = _write(file, out)
        refused = refused or bool(file.problems)
        if as_json:
            documents.append(_document(file, written))
            continue
        for line in _lines(file, written):
            say(line)
        for problem in file.problems:
            report_error(problem)
    if as_json:
        print_json({"files": documents})
    if refused:
        raise typer.Exit(ExitCode.REFUSED)


def _pairs(columns: str | None) -> tuple[tuple[str, str], ...]:
    from peerwatt.errors import InputError

    pairs = []
    for part in filter(None, (columns or "").split(",")):
        name, mark, what = part.rpartition("=")
        if not mark or not name.strip() or not what.strip():
            raise InputError(f"--columns {part}: write NAME=WHAT or NUMBER=WHAT, such as 1=time,2=import:kWh")
        pairs.append((name.strip(), what.strip()))
    return tuple(pairs)


def _paths(files: Sequence[str]) -> list[Path]:
    """The files that arguments name; a directory stands for the tables in it."""
    from peerwatt.errors import InputError
    from peerwatt.scenario.profile_files import is_table

    found: list[Path] = []
    for name in files:
        path = Path(name)
        if path.is_dir():
            inside = [each for each in sorted(path.iterdir()) if each.is_file() and is_table(each)]
            if not inside:
                raise InputError(f"{path}: has no CSV file in it")
            found += inside
        elif path.exists() or not glob.has_magic(name):
            found.append(path)
        else:
            matches = sorted(glob.glob(name))
            if not matches:
                raise InputError(f"{name}: no file matches")
            found += [Path(each) for each in matches]
    return list(dict.fromkeys(found))


def _write(file: MeterFile, out: Path | None) -> Path | None:
    """Write the profile; why it was not written is one of the file's problems."""
    from peerwatt.errors import InputError
    from peerwatt.scenario.meter.profile_writer import profile_name, write_profile
    from peerwatt.tables.problems import Problem

    if out is None or file.series is None:
        return None
    try:
        return write_profile(file.series, out, profile_name(file.path))
    except InputError as error:
        file.problems.append(Problem(str(file.path), None, "", str(error)))
        return None


def _lines(file: MeterFile, written: Path | None) -> list[str]:
    """What was understood, for people: a name and a sentence a line."""
    from peerwatt.report.words import kwh
    from peerwatt.scenario.quantity_columns import SIGNED

    table = file.table
    lines = [str(file.path)]
    if table.header:
        lines.append(f"  written as  {_dialect(file)}")
    if file.columns.when:
        names = " and ".join(repr(each.name) for each in file.columns.when)
        lines.append(f"  time        {names}{': ' + file.times if file.times else ''}{_of(file.stamps)}")
    if file.values:
        counted = [
            f"{each.column!r} is {'net ' if each.counted in SIGNED else ''}{each.counted.value.lower()} "
            f"in {each.unit.name}"
            for each in file.values
        ]
        lines.append(f"  values      {', '.join(counted)}")
    if file.columns.others:
        lines.append(f"  not used    {', '.join(repr(name) for name in file.columns.others)}")
    if table.rows:
        lines.append(f"  first row   {' | '.join(table.rows[0].cells.values())}")
    series = file.series
    if series is not None:
        lines.append(
            f"  intervals   {series.count} of {series.step_s} s, {series.first.isoformat()} to "
            f"{series.last.isoformat()}"
        )
        gaps = (
            f"{len(series.missing)} missing, the first {series.missing[0].isoformat()}"
            if series.missing
            else "none"
        )
        lines.append(f"  gaps        {gaps}")
        totals = ", ".join(f"{kwh(round(amount))} kWh {what}" for what, amount in _totals(file).items())
        lines.append(f"  energy      {totals}")
    lines += [f"  note        {note}" for note in file.notes]
    if written is not None:
        lines.append(f"  written     {written}")
    return lines


def _of(stamps: str) -> str:
    return f", the {stamps}s of the intervals" if stamps else ""


def _dialect(file: MeterFile) -> str:
    from peerwatt.tables.dialect import SEPARATORS

    table = file.table
    guess = "" if table.encoding.startswith("UTF") else " (a guess)"
    mark = "commas" if table.numbers.decimal == "," else "points"
    separator = SEPARATORS.get(table.separator, repr(table.separator))
    return (
        f"{table.encoding}{guess}, {separator}s between cells, decimal {mark}, header in row "
        f"{table.header_line}"
    )


def _totals(file: MeterFile) -> dict[str, Any]:
    """Wh by what they are: import and export, or load and generation."""
    from peerwatt.scenario.quantity_columns import SIGNED, Counted

    assert file.series is not None
    totals: dict[str, Any] = {}
    for counted in file.series.energies:
        if counted in SIGNED:
            totals["import"] = file.series.total_wh(counted)
            totals["export"] = file.series.total_wh(counted, -1)
        else:
            name = "generation" if counted is Counted.PV else counted.value.lower()
            totals[name] = file.series.total_wh(counted)
    return totals


def _document(file: MeterFile, written: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    table, series = file.table, file.series
    return {
        "file": str(file.path),
        "encoding": table.encoding,
        "separator": table.separator,
        "decimal": table.numbers.decimal,
        "header_row": table.header_line,
        "header": list(table.header),
        "first_row": list(table.rows[0].cells.values()) if table.rows else [],
        "times": {
            "columns": [each.name for each in file.columns.when],
            "are": file.times,
            "stamps": file.stamps,
        },
        "values": [
            {"column": each.column, "counted": each.counted.value.lower(), "unit": each.unit.name}
            for each in file.values
        ],
        "interval_s": series.step_s if series else None,
        "first": series.first.isoformat() if series else None,
        "last": series.last.isoformat() if series else None,
        "intervals": series.count if series else None,
        "gaps": [each.isoformat() for each in series.missing] if series else [],
        "energy_wh": {name: float(amount) for name, amount in _totals(file).items()} if series else {},
        "notes": file.notes,
        "problems": [asdict(problem) for problem in file.problems],
        "written": None if written is None else str(written),
    }
