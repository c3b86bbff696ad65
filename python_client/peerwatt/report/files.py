"""The export of a replay: plain files that anyone can plot, written whole or not at all.

`summary.json` and one CSV per kind of record; the seed and the version are inside. The page is made from
these files alone, so it can be made again from them.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any

from peerwatt.errors import InputError
from peerwatt.market.market_rules import Tariff
from peerwatt.record.bill_check import check_bills
from peerwatt.record.household_results import BillLines
from peerwatt.record.results import (
    BillCheck,
    BranchState,
    FeederPicture,
    Limits,
    NodeState,
    ReplayResult,
    Summary,
)
from peerwatt.report.columns import PERCENT_DECIMALS, PU_DECIMALS, Column, value_of
from peerwatt.report.consistency import SUMMARY, require_consistent, require_typed
from peerwatt.report.headline import skipped_orders
from peerwatt.report.layout import Layout, layouts
from peerwatt.tables.csv_table import NO_ROWS, CsvTable, Row, read_csv
from peerwatt.tables.json_text import load_json
from peerwatt.tables.problems import LocatedError

FEEDER = "feeder_picture.json"
PAGE = "report.html"
WALL_DECIMALS = 1
OURS = frozenset({SUMMARY, FEEDER, PAGE, *(f"{name}.csv" for name in layouts("XXX"))})
"""Every file of an export; nothing else is ever overwritten or removed."""
COMPARED = ("intervals", "participants", "settlements", "orders", "accounts")
"""Tables that the bills are checked with."""


class ExportError(LocatedError):
    """An export cannot be read back; `problems` has every mistake that was found."""


def check_destination(directory: Path) -> None:
    """Refuse a directory that an export must not replace, before anything is computed.

    Raises:
        InputError: it is a file, holds files that are not an export's, or cannot be written to.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory}: is a file; give a directory")
    if directory.is_dir():
        foreign = sorted(path.name for path in directory.iterdir() if path.name not in OURS)
        if foreign:
            raise InputError(
                f"{directory}: holds {foreign[0]}, which is no part of a report; give another directory"
            )
    parent = directory.absolute().parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{directory}: {parent} is not writable; give another directory")


def write_results(result: ReplayResult, directory: Path) -> None:
    """Write the export and the page, replacing an earlier export in the same place.

    Everything is written beside the destination first and moved there in one step, so a run that dies leaves
    nothing half-written.

    Args:
        result: what the replay found out.
        directory: destination; made if need be.

    Raises:
        InputError: the destination cannot be used.
    """
    check_destination(directory)
    target = directory.absolute()
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new")
    stale = target.with_name(f".{target.name}.{os.getpid()}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh.mkdir()
        try:
            _write(result, fresh)
            write_page(fresh)
            if target.exists():
                target.rename(stale)
            fresh.rename(target)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            if stale.exists() and not target.exists():
                stale.rename(target)
            shutil.rmtree(stale, ignore_errors=True)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror or error}") from None


def _write(result: ReplayResult, directory: Path) -> None:
    _write_json(directory / SUMMARY, summary_document(result))
    for name, (_, columns) in layouts(result.summary.currency).items():
        _write_csv(directory / f"{name}.csv", columns, getattr(result, name))
    if result.feeder is not None:
        _write_json(directory / FEEDER, asdict(result.feeder))


def write_page(directory: Path, time_zone: str | None = None) -> Path:
    """Make the page from the export in a directory, and from nothing else.

    Args:
        directory: which.
        time_zone: in which the page says times, by its name in the tz database; the export's by default.

    Returns:
        Path of the page.

    Raises:
        InputError: the export cannot be read, or the page not be written.
    """
    from peerwatt.report.html import render_page
    from peerwatt.report.local_time import shown_in

    page = render_page(shown_in(read_results(directory), time_zone))
    path, fresh = directory / PAGE, directory / f".{PAGE}.{os.getpid()}"
    try:
        fresh.write_text(page, encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def summary_document(result: ReplayResult) -> dict[str, Any]:
    """`summary.json`: the summary and every household's bill in base units (1e-6 of the currency)."""
    bills = {
        p.participant: {
            "market": p.bill_market,
            "without_market": p.bill_without_market,
            "forecast_error_cost": p.forecast_error_cost,
        }
        for p in result.participants
    }
    summary = asdict(result.summary)
    for name, value in summary.items():
        if isinstance(value, float):
            summary[name] = round(value, PERCENT_DECIMALS if "percent" in name else PU_DECIMALS)
    wall_seconds = summary.pop("wall_seconds")
    return {
        **summary,
        "checks": _checks(result),
        "bills": bills,
        "wall_seconds": round(wall_seconds, WALL_DECIMALS),
    }


def _checks(result: ReplayResult) -> dict[str, Any]:
    """What must agree, and what the market skipped; base units and Wh."""
    summary, bills = result.summary, result.bill_check
    return {
        "agrees": result.agrees,
        "reference_mismatches": summary.reference_mismatches,
        "conservation_error": summary.conservation_error,
        "skipped_orders": skipped_orders(result),
        "bills_compared": bills.compared,
        "bills_outside_the_chain": bills.outside,
        "bill_differences": [{**asdict(each), "amount": each.amount} for each in bills.differences],
    }


def _write_json(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[Column], records: Sequence[Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([column.name for column in columns])
        for record in records:
            writer.writerow([column.write(value_of(record, column.field)) for column in columns])


def read_results(directory: Path) -> ReplayResult:
    """Read an export back.

    Args:
        directory: as `write_results` left it.

    Raises:
        InputError: a file is missing or cannot be read.
        ExportError: a cell cannot be read, or contradicts the cells that it is computed from.
    """
    if not (directory / SUMMARY).is_file():
        raise InputError(f"{directory}: has no {SUMMARY}; give the directory that a replay wrote")
    summary = _summary(directory / SUMMARY)
    tables: dict[str, tuple[Any, ...]] = {}
    for name, layout in layouts(summary.currency).items():
        tables[name] = _read_csv(directory / f"{name}.csv", layout)
    require_consistent(directory, summary, tables)
    tariff = Tariff(summary.retail, summary.feed_in, summary.network_fee)
    compared = {name: tables[name] for name in COMPARED}
    return ReplayResult(
        summary=summary,
        bill_check=_bill_check(directory, tariff, compared),
        feeder=_feeder(directory / FEEDER),
        **tables,
    )


def _bill_check(directory: Path, tariff: Tariff, tables: dict[str, tuple[Any, ...]]) -> BillCheck:
    try:
        return check_bills(tariff, **tables)
    except (KeyError, IndexError, ValueError):
        raise InputError(
            f"{directory}: its tables are not of one replay: intervals, participants and accounts differ; "
            "replay again"
        ) from None


def _summary(path: Path) -> Summary:
    document = _read_json(path)
    try:
        limits = Limits(**document["limits"])
        known = {
            field.name: document[field.name]
            for field in fields(Summary)
            if field.name != "limits" and (field.name in document or field.default is MISSING)
        }
        summary = Summary(**known, limits=limits)
        require_typed(path, summary)
        return summary
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: is no summary of this version of peerwatt{_lacking(error)}; replay again"
        ) from None


def _feeder(path: Path) -> FeederPicture | None:
    if not path.exists():
        return None
    document = _read_json(path)
    try:
        nodes = tuple(
            NodeState(**{**node, "participants": tuple(node["participants"])}) for node in document["nodes"]
        )
        branches = tuple(BranchState(**branch) for branch in document["branches"])
        return FeederPicture(document["interval"], nodes, branches)
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{path}: is no feeder picture of this version{_lacking(error)}; replay again"
        ) from None


def _lacking(error: Exception) -> str:
    return f": it has no {error.args[0]!r}" if isinstance(error, KeyError) else ""


def _read_json(path: Path) -> Any:
    try:
        return load_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not UTF-8 text: {error.reason} at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}:{error.colno}: is not JSON: {error.msg}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read_csv(path: Path, layout: Layout) -> tuple[Any, ...]:
    record, columns = layout
    table = read_csv(path, tuple(column.name for column in columns))
    records = [_record(table, row, record, columns) for row in table.rows]
    # an export without curtailments has a header and no rows
    problems = [problem for problem in table.problems if problem.message != NO_ROWS]
    if problems:
        raise ExportError(problems)
    return tuple(records)


def _record(table: CsvTable, row: Row, record: type, columns: Sequence[Column]) -> Any:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for column in columns:
        try:
            value = column.read(row.cells[column.name])
        except (ValueError, ArithmeticError):
            if not column.derived:
                table.problem(row.line, column.name, f"{row.cells[column.name]!r} cannot be read")
                return None
            continue
        if column.field.startswith("lines."):
            lines[column.field.removeprefix("lines.")] = value
        elif not column.derived:
            values[column.field] = value
    made = record(**values, **({"lines": BillLines(**lines)} if lines else {}))
    for column in columns:
        stands, follows = row.cells[column.name], column.write(value_of(made, column.field))
        if column.derived and stands != follows:
            table.problem(
                row.line, column.name, f"{stands!r} contradicts its row, from which follows {follows}"
            )
    return made
