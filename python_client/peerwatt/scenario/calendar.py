"""When a scenario's intervals are: half-open, in UTC, numbered as the market numbers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from peerwatt.scenario.csv_table import CsvTable, Row
from peerwatt.units import DAY_S

TIME_COLUMN = "TIME"
INTERVAL_COLUMN = "INTERVAL"
_TIME_OF_DAY = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::00)?")


@dataclass(frozen=True)
class Calendar:
    """The intervals that the data covers.

    Attributes:
        start: first second, UTC.
        days: days of 86,400 s.
        length_s: of one interval.
    """

    start: datetime
    days: int
    length_s: int

    @property
    def per_day(self) -> int:
        """Intervals of a day."""
        return DAY_S // self.length_s

    @property
    def count(self) -> int:
        """Intervals of all days."""
        return self.days * self.per_day

    @property
    def first(self) -> int:
        """Number of the first interval: Unix time over interval length."""
        return int(self.start.timestamp()) // self.length_s

    def time(self, index: int) -> datetime:
        """First second of the interval at an index, counted from 0."""
        return self.start + timedelta(seconds=index * self.length_s)

    def iso(self, index: int) -> str:
        """The same as ISO 8601 text with offset."""
        return self.time(index).isoformat()

    def in_order(self, table: CsvTable) -> list[Row] | None:
        """The table's rows, one per interval, by its column TIME or INTERVAL; None where that fails.

        TIME is ISO 8601 with offset. INTERVAL is what other programs write there: the same, in UTC where it
        has no offset; or times of day in UTC, for one day that repeats; or whole numbers from 0 or 1 on.
        """
        if TIME_COLUMN in table.header:
            return self.aligned(table)
        first = table.rows[0].cells[INTERVAL_COLUMN]
        if _TIME_OF_DAY.fullmatch(first):
            day = replace(self, days=1)
            rows = day.aligned(table, INTERVAL_COLUMN, day._at_time_of_day)
            return None if rows is None else rows * self.days
        if first in ("0", "1"):
            return self.aligned(table, INTERVAL_COLUMN, lambda cell: self._at_number(cell, int(first)))
        return self.aligned(table, INTERVAL_COLUMN, _utc_by_default)

    def aligned(
        self,
        table: CsvTable,
        column: str = TIME_COLUMN,
        read: Callable[[str], datetime | None] | None = None,
    ) -> list[Row] | None:
        """The table's rows if a column holds exactly the calendar's intervals in order.

        Otherwise every gap, duplicate and stray time is noted in the table, and None is returned.

        Args:
            table: the table; it has rows.
            column: that says when.
            read: a cell as the first second of its interval, UTC, or None; ISO 8601 with offset by default.
        """
        read = read or _utc
        known = {self.time(k): k for k in range(self.count)}
        faults = len(table.problems)
        expected = 0
        for row in table.rows:
            time = read(row.cells[column])
            index = None if time is None else known.get(time)
            if index is None:
                table.problem(row.line, column, self._stray(row.cells[column], time, column))
            elif index < expected:
                table.problem(row.line, column, f"{row.cells[column]} is given twice or out of order")
            else:
                if index > expected:
                    table.problem(row.line, column, self._gap(expected, index))
                expected = index + 1
        if expected < self.count and len(table.problems) == faults:
            last = table.rows[-1].line if table.rows else 1
            table.problem(last, column, f"the file ends; {self._gap(expected, self.count)}")
        return table.rows if len(table.problems) == faults else None

    def _gap(self, expected: int, found: int) -> str:
        missing = found - expected
        return f"{missing} interval{'s' * (missing > 1)} missing from {self.iso(expected)} on"

    def _at_time_of_day(self, cell: str) -> datetime | None:
        found = _TIME_OF_DAY.fullmatch(cell)
        if found is None:
            return None
        time = self.start.replace(hour=int(found[1]), minute=int(found[2]), second=0)
        return time if time >= self.start else time + timedelta(days=1)

    def _at_number(self, cell: str, first: int) -> datetime | None:
        known = cell.isdecimal() and first <= int(cell) < first + self.count
        return self.time(int(cell) - first) if known else None

    def _stray(self, text: str, time: datetime | None, column: str) -> str:
        if time is None and column == INTERVAL_COLUMN:
            return (
                f"{text!r} is no interval of the scenario, written as the first row's: ISO 8601 such as "
                f"{self.iso(0)}, a time of day (UTC) such as 00:15, or a whole number from 0 or 1 on"
            )
        if time is None:
            return f"{text!r} is no ISO 8601 time with offset, such as {self.iso(0)}"
        last = self.iso(self.count - 1)
        return f"{text} is no interval of the scenario: {self.iso(0)} to {last} in steps of {self.length_s} s"


def _utc_by_default(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


def _utc(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else None
