"""Which rows of a table say something about which interval of a calendar, and why that cannot be said.

A table may cover more than the calendar, be in any order of time, and, where its reader can add up, have
shorter steps. Everything else is refused, with the likely cause where the times show one: stamps at the ends
of intervals, local time around a change of the clock, another resolution, other days.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import lcm

from peerwatt.scenario.calendar import Calendar
from peerwatt.tables.csv_table import CsvTable, Row
from peerwatt.tables.problems import quoted
from peerwatt.units import HOUR_S

TIME_COLUMN = "TIME"
INTERVAL_COLUMN = "INTERVAL"
WHEN_COLUMNS = (TIME_COLUMN, INTERVAL_COLUMN)

IMPORTER = "`peerwatt import meter FILE`"
WITH_ZONE, WITH_ENDS = "`peerwatt import meter FILE --tz ZONE`", "`peerwatt import meter FILE --stamps end`"
_TIME_OF_DAY = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::00)?")
_NUMBER = re.compile(r"[0-9]{1,9}")
_ISO = re.compile(r"[0-9]{4}-?(?:[0-9]{2}|W)[-0-9]*(?:[T ][-+:.,Z0-9]*)?")
_MIDNIGHT = re.compile(r"(?:.*[T ])?24:00(?::00)?.*")

Stamps = list[tuple[datetime, Row]]


@dataclass(frozen=True)
class Timeline:
    """The rows of a table by interval.

    Attributes:
        rows: of every interval, in order of time.
        step_s: how long each row lasts.
    """

    rows: list[list[Row]]
    step_s: int


def when_column(header: tuple[str, ...]) -> str | None:
    """The column that says when, as it is spelled; None where there is none, or several."""
    found = [name for name in header if name.upper() in WHEN_COLUMNS]
    return found[0] if len(found) == 1 else None


def timeline(calendar: Calendar, table: CsvTable, column: str, finer: bool = False) -> Timeline | None:
    """The table's rows by interval, by its column TIME or INTERVAL; None where that fails.

    TIME is ISO 8601 with offset. INTERVAL is what other programs write there: the same, in UTC where it
    has no offset; or times of day in UTC, for one day that repeats; or whole numbers from 0 or 1 on.

    Args:
        calendar: the intervals to cover.
        table: it has rows; mistakes and remarks are noted in it.
        column: that says when.
        finer: whether rows may last a whole fraction of an interval.
    """
    first = table.rows[0].cells[column]
    if column.upper() == INTERVAL_COLUMN:
        if _TIME_OF_DAY.fullmatch(first):
            table.remark("times of day are taken as UTC, for one day that repeats")
            day = replace(calendar, days=1)
            found = _found(day, table, column, lambda cell: _time_of_day(day, cell), finer)
            return None if found is None else replace(found, rows=found.rows * calendar.days)
        if first in ("0", "1"):
            return _found(calendar, table, column, lambda cell: _numbered(calendar, cell, int(first)), False)
        if _iso(first) and not _has_offset(first):
            table.remark(
                f"times have no offset and are taken as UTC; if they are local, {WITH_ZONE} converts them"
            )
            return _found(calendar, table, column, _utc_by_default, finer)
    return _found(calendar, table, column, _utc, finer)


def _found(
    calendar: Calendar, table: CsvTable, column: str, read: Callable[[str], datetime | None], finer: bool
) -> Timeline | None:
    stamps: Stamps = []
    for row in table.rows:
        time = read(row.cells[column])
        if time is None:
            table.problem(row.line, column, _unreadable(calendar, row.cells[column], column), "time")
        else:
            stamps.append((time, row))
    if len(stamps) < len(table.rows):
        return None
    found = _exact(calendar, stamps) or _rearranged(calendar, table, stamps, finer)
    if found is None:
        _refuse(calendar, table, column, stamps)
    return found


def _exact(calendar: Calendar, stamps: Stamps) -> Timeline | None:
    """Row by row, interval by interval: what nearly every table is."""
    if len(stamps) != calendar.count:
        return None
    if any(time != calendar.time(k) for k, (time, _) in enumerate(stamps)):
        return None
    return Timeline([[row] for _, row in stamps], calendar.length_s)


def _rearranged(calendar: Calendar, table: CsvTable, stamps: Stamps, finer: bool) -> Timeline | None:
    """In another order, with more than the calendar's days, in shorter steps; said where it is so."""
    ordered = sorted(stamps, key=lambda stamp: stamp[0])
    if _turned(calendar, stamps):
        return None
    inside = [stamp for stamp in ordered if calendar.start <= stamp[0] < calendar.end]
    step = _step(inside)
    shorter = 0 < step < calendar.length_s and calendar.length_s % step == 0
    if step != calendar.length_s and not (finer and shorter) and calendar.count > 1:
        return None
    step = step if shorter else calendar.length_s
    fine = replace(calendar, length_s=step)
    if _exact(fine, inside) is None:
        return None
    if ordered != stamps:
        table.remark("rows are not in order of time; they were sorted")
    outside = len(stamps) - len(inside)
    if outside:
        table.remark(f"{outside} rows lie outside of the scenario's days and are not used")
    each = calendar.length_s // step
    if each > 1:
        table.remark(f"rows are {step} s apart; every {each} of them make an interval")
    rows = [row for _, row in inside]
    return Timeline([rows[k : k + each] for k in range(0, len(rows), each)], step)


def _step(ordered: Stamps) -> int:
    """The most frequent time between two rows, s; 0 where there are no two."""
    gaps = Counter((later - earlier) for (earlier, _), (later, _) in pairwise(ordered))
    return int(gaps.most_common(1)[0][0].total_seconds()) if gaps else 0


def _refuse(calendar: Calendar, table: CsvTable, column: str, stamps: Stamps) -> None:
    """Note what is wrong: one cause where there is one, otherwise every kind of fault with its first row."""
    cause = _cause(calendar, table, column, stamps)
    if cause is not None:
        row, message = cause
        table.problem(row.line, column, message)
        return
    known = {calendar.time(k): k for k in range(calendar.count)}
    expected = 0
    for time, row in stamps:
        index = known.get(time)
        text = row.cells[column]
        if index is None:
            last = calendar.iso(calendar.count - 1)
            table.problem(
                row.line,
                column,
                f"{text} is no interval of the scenario: {calendar.iso(0)} to {last} in steps of "
                f"{calendar.length_s} s",
                "stray",
            )
        elif index < expected:
            table.problem(row.line, column, f"{text} is given twice or out of order", "twice")
        else:
            if index > expected:
                table.problem(row.line, column, _gap(calendar, expected, index), "gap")
            expected = index + 1
    if expected < calendar.count:
        message = f"the file ends; {_gap(calendar, expected, calendar.count)}"
        table.problem(stamps[-1][1].line, column, message, "gap")


def _cause(calendar: Calendar, table: CsvTable, column: str, stamps: Stamps) -> tuple[Row, str] | None:
    """The one thing that explains all: the row that shows it, and what to do."""
    length = timedelta(seconds=calendar.length_s)
    ordered = sorted(stamps, key=lambda stamp: stamp[0])
    first, last = ordered[0], ordered[-1]
    step = _step(ordered)
    naive = column.upper() == INTERVAL_COLUMN and not _has_offset(first[1].cells[column])
    if naive and (changed := _clock_change(ordered, step)) is not None:
        return changed
    if _turned(calendar, stamps) or _whole(replace(calendar, start=calendar.start + length), ordered):
        begin, end = (stamps[k][1].cells[column] for k in (0, -1))
        return stamps[-1][1], (
            f"the times look like the ends of the intervals, from {begin} to {end}: a scenario's are their "
            f"starts; {_how_to_shift(begin)}"
        )
    if step > calendar.length_s:
        return ordered[1][1], (
            f"rows are {step} s apart, an interval lasts {calendar.length_s} s: state "
            f"interval_length_s: {step} if all tables are so, or spread the values with "
            f"`peerwatt import meter FILE --interval {calendar.length_s}`"
        )
    if 0 < step < calendar.length_s and calendar.length_s % step:
        return ordered[1][1], (
            f"rows are {step} s apart, and an interval of {calendar.length_s} s is no whole number of them; "
            f"another interval_length_s is, such as {lcm(step, calendar.length_s)}"
        )
    if 0 < step < calendar.length_s:
        return ordered[1][1], (
            f"rows are {step} s apart, an interval lasts {calendar.length_s} s, and they do not fill "
            f"them all; {IMPORTER} shows the gaps"
        )
    if first[0] >= calendar.end or last[0] < calendar.start:
        return first[1], (
            f"covers {first[0].isoformat()} to {last[0].isoformat()} and none of the scenario's time, "
            f"{calendar.iso(0)} to {calendar.iso(calendar.count - 1)}: correct start in scenario.yaml; "
            "another day of a scenario is picked with --start"
        )
    late = first[0] - calendar.start
    if (
        naive
        and timedelta() < late <= timedelta(hours=14)
        and _whole(replace(calendar, start=first[0]), ordered)
    ):
        return first[1], (
            f"begins {late} after the scenario and is as long as it: its times look local; {WITH_ZONE} "
            "converts them"
        )
    return None


def _clock_change(ordered: Stamps, step: int) -> tuple[Row, str] | None:
    """The hour that local time has twice in autumn, and not at all in spring."""
    if not step or HOUR_S % step:
        return None
    rows = HOUR_S // step
    twice = [row for (a, _), (b, row) in pairwise(ordered) if a == b]
    if len(twice) == rows:
        return twice[0], (
            "an hour is given twice without an offset, as local time does when the clock is put back: "
            f"{WITH_ZONE} tells the two apart"
        )
    gaps = [row for (a, _), (b, row) in pairwise(ordered) if (b - a).total_seconds() == step + HOUR_S]
    uneven = [1 for (a, _), (b, _) in pairwise(ordered) if (b - a).total_seconds() != step]
    if len(gaps) == len(uneven) == 1 and step < HOUR_S:
        return gaps[0], (
            "an hour is missing without an offset, as local time does when the clock is put forward: "
            f"{WITH_ZONE} closes the gap"
        )
    return None


def _turned(calendar: Calendar, stamps: Stamps) -> bool:
    """Whether the first interval's row is the last: midnight, as the end of a day by the clock."""
    return len(stamps) > 2 and _whole(calendar, [stamps[-1], *stamps[:-1]])


def _whole(calendar: Calendar, ordered: Stamps) -> bool:
    return _exact(calendar, ordered) is not None


def _gap(calendar: Calendar, expected: int, found: int) -> str:
    missing = found - expected
    return f"{missing} interval{'s' * (missing > 1)} missing from {calendar.iso(expected)} on"


def _time_of_day(calendar: Calendar, cell: str) -> datetime | None:
    found = _TIME_OF_DAY.fullmatch(cell)
    if found is None:
        return None
    time = calendar.start.replace(hour=int(found[1]), minute=int(found[2]), second=0)
    return time if time >= calendar.start else time + timedelta(days=1)


def _numbered(calendar: Calendar, cell: str, first: int) -> datetime | None:
    known = _NUMBER.fullmatch(cell) and first <= int(cell) < first + calendar.count
    return calendar.time(int(cell) - first) if known else None


def _unreadable(calendar: Calendar, text: str, column: str) -> str:
    if _MIDNIGHT.fullmatch(text):
        return (
            f"{quoted(text)}: 24:00 ends a day, so the times are the ends of the intervals: a scenario's are "
            f"their starts; {_how_to_shift(text)}"
        )
    if column.upper() == INTERVAL_COLUMN:
        return (
            f"{quoted(text)} is no interval of the scenario, written as the first row's: ISO 8601 such as "
            f"{calendar.iso(0)}, a time of day (UTC) such as 00:15, or a whole number from 0 or 1 on; "
            f"{IMPORTER} reads other ways of writing"
        )
    if _iso(text) and not _has_offset(text):
        return f"{quoted(text)} has no offset; if it is local time, {WITH_ZONE} converts it"
    return (
        f"{quoted(text)} is no ISO 8601 time with offset, such as {calendar.iso(0)}; {IMPORTER} reads other "
        "ways of writing"
    )


def _how_to_shift(text: str) -> str:
    """What to do about ends of intervals; the importer needs dates."""
    if len(text) <= len("24:00:00"):
        return "write a day from 00:00 on"
    return f"{WITH_ENDS} shifts them"


def _iso(text: str) -> datetime | None:
    if not _ISO.fullmatch(text):  # fromisoformat takes any digits of Unicode, and any character for the T
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _has_offset(text: str) -> bool:
    time = _iso(text)
    return time is not None and time.tzinfo is not None


def _utc_by_default(text: str) -> datetime | None:
    """Of a table whose first time has no offset: none has."""
    time = _iso(text)
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else None


def _utc(text: str) -> datetime | None:
    time = _iso(text)
    try:
        return time.astimezone(UTC) if time is not None and time.tzinfo else None
    except OverflowError:
        return None
