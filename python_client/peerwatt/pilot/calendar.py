"""When a scenario's intervals are: half-open slots in UTC, numbered as the market numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from peerwatt.pilot.csv_table import CsvTable, Row

DAY_S = 86_400
TIME_COLUMN = "TIME"


@dataclass(frozen=True)
class Calendar:
    """The slots that the data covers.

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

    def time(self, position: int) -> datetime:
        """First second of the interval at a position, counted from 0."""
        return self.start + timedelta(seconds=position * self.length_s)

    def iso(self, position: int) -> str:
        """The same as ISO 8601 text with offset."""
        return self.time(position).isoformat()

    def aligned(self, table: CsvTable) -> list[Row] | None:
        """The table's rows if column TIME holds exactly the calendar's slots in order.

        Otherwise every gap, duplicate and stray time is noted in the table, and None is returned.
        """
        known = {self.time(k): k for k in range(self.count)}
        faults = len(table.problems)
        expected = 0
        for row in table.rows:
            time = _utc(row.cells[TIME_COLUMN])
            position = None if time is None else known.get(time)
            if position is None:
                table.problem(row.line, TIME_COLUMN, self._stray(row.cells[TIME_COLUMN], time))
            elif position < expected:
                table.problem(
                    row.line, TIME_COLUMN, f"{row.cells[TIME_COLUMN]} is given twice or out of order"
                )
            else:
                if position > expected:
                    table.problem(row.line, TIME_COLUMN, self._gap(expected, position))
                expected = position + 1
        if expected < self.count and len(table.problems) == faults:
            last = table.rows[-1].line if table.rows else 1
            table.problem(last, TIME_COLUMN, f"the file ends; {self._gap(expected, self.count)}")
        return table.rows if len(table.problems) == faults else None

    def _gap(self, expected: int, found: int) -> str:
        missing = found - expected
        return f"{missing} interval{'s' * (missing > 1)} missing from {self.iso(expected)} on"

    def _stray(self, text: str, time: datetime | None) -> str:
        if time is None:
            return f"{text!r} is no ISO 8601 time with offset, such as {self.iso(0)}"
        last = self.iso(self.count - 1)
        return f"{text} is no interval of the scenario: {self.iso(0)} to {last} in steps of {self.length_s} s"


def _utc(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else None
