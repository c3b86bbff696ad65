"""The time axis that all charts over the day share, so that a cursor can run through them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from peerwatt.record.results import IntervalResult
from peerwatt.report import words
from peerwatt.report.svg import Frame, Scale, label, line, rect
from peerwatt.units import DAY_S, HOUR_S

WIDTH = 1000.0
LEFT, RIGHT = 56.0, 984.0
HOURS_APART = (3, 6, 12, 24)
MOST_LABELS = 14


@dataclass(frozen=True)
class Day:
    """Intervals along the x axis, one slot each."""

    intervals: Sequence[IntervalResult]
    length_s: int

    @property
    def x(self) -> Scale:
        """Position of an interval to x; k is its left edge, k + 1 its right."""
        return Scale(0, len(self.intervals), LEFT, RIGHT)

    @property
    def many_days(self) -> bool:
        """Whether labels need the date."""
        return len(self.intervals) * self.length_s > DAY_S

    @cached_property
    def zone(self) -> str:
        """What the times are in: `UTC`, or with its offset such as `UTC+02:00`; both where it changes."""
        return " and ".join(f"UTC{offset}".removesuffix("+00:00") for offset in self._offsets) or "UTC"

    @cached_property
    def _offsets(self) -> list[str]:
        return list(dict.fromkeys(interval.start[-len("+00:00") :] for interval in self.intervals))

    def moment(self, interval: IntervalResult) -> str:
        """When an interval begins: `14:15`, or `17 Jun 14:15` in several days; with its offset where that
        changes."""
        offset = f" {interval.start[-len('+00:00') :]}" if len(self._offsets) > 1 else ""
        return words.moment(interval.start, self.many_days) + offset

    def stamp(self, interval: IntervalResult) -> str:
        """The same with the zone: `14:15 UTC`."""
        moment = self.moment(interval)
        return moment if len(self._offsets) > 1 else f"{moment} {self.zone}"

    def frame(self, top: float, bottom: float) -> Frame:
        """A plotting area as wide as the day."""
        return Frame(LEFT, top, RIGHT, bottom)

    def steps(self, values: Sequence[float], y: Scale, start: int = 0) -> list[tuple[float, float]]:
        """The corners of a step line: each value holds for its whole interval."""
        x, points = self.x, []
        for k, value in enumerate(values, start=start):
            points += [(x(k), y(value)), (x(k + 1), y(value))]
        return points

    def axis(self, bottom: float, labels: bool = True) -> str:
        """Hours under the area."""
        parts = [line(LEFT, bottom, RIGHT, bottom, "axis")]
        hours = len(self.intervals) * self.length_s / HOUR_S
        apart = next(
            (h for h in HOURS_APART if hours / h <= MOST_LABELS), 24 * (int(hours / 24 / MOST_LABELS) + 1)
        )
        for k, interval in enumerate(self.intervals):
            time = datetime.fromisoformat(interval.start)
            if time.minute or time.second or (time.hour + 24 * (k * self.length_s // DAY_S)) % apart:
                continue
            parts.append(line(self.x(k), bottom, self.x(k), bottom + 5, "axis"))
            if labels:
                midnight = f"{time.day} {time:%b}" if self.many_days and time.hour == 0 else f"{time:%H:%M}"
                parts.append(label(midnight, self.x(k), bottom + 20, "tick", "middle"))
        return "".join(parts)

    def sensor(self, top: float, bottom: float) -> str:
        """What the page's script listens to: the cursor's line, and the area that moves it."""
        return line(LEFT, top, LEFT, bottom, "cursor") + rect(
            LEFT, top, RIGHT - LEFT, bottom - top, "sensor", data_slots=str(len(self.intervals))
        )
