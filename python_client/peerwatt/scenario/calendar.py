"""When a scenario's intervals are: half-open, in UTC, numbered as the market numbers them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from peerwatt.units import DAY_S


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

    @property
    def end(self) -> datetime:
        """First second after the last interval."""
        return self.time(self.count)
