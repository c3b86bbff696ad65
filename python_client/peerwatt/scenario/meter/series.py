"""A meter's values as energies of equal intervals: exact sums, gaps that stay gaps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from peerwatt.errors import InputError
from peerwatt.scenario.quantity_columns import Counted
from peerwatt.units import DAY_S, HOUR_S

Energies = dict[datetime, Fraction]
"""Ws by the first second of the interval, UTC; a reading that is missing has no entry."""


@dataclass(frozen=True)
class Series:
    """What a meter counted.

    Attributes:
        step_s: length of an interval.
        energies: by what is counted.
        first: first second of the first interval, UTC.
        last: first second of the last one.
        missing: the intervals in between for which a value is missing.
    """

    step_s: int
    energies: Mapping[Counted, Energies]
    first: datetime
    last: datetime
    missing: tuple[datetime, ...]

    @property
    def count(self) -> int:
        """Intervals from the first to the last one, gaps included."""
        return int((self.last - self.first).total_seconds()) // self.step_s + 1

    def starts(self) -> list[datetime]:
        """First second of every interval, gaps included."""
        return [self.first + timedelta(seconds=k * self.step_s) for k in range(self.count)]

    def total_wh(self, counted: Counted, sign: int = 1) -> Fraction:
        """All energy of one sign, Wh."""
        energies = self.energies.get(counted, {})
        return sum((max(Fraction(0), sign * each) for each in energies.values()), Fraction(0)) / HOUR_S


def step_of(moments: Sequence[datetime]) -> int:
    """The time from one row to the next, s, for moments in order.

    Raises:
        InputError: there is none, or it is no fraction of a day.
    """
    gaps = Counter(int((later - earlier).total_seconds()) for earlier, later in pairwise(moments))
    gaps.pop(0, None)
    if not gaps:
        raise InputError("has one time only: from it, nobody can tell how long an interval is")
    step = gaps.most_common(1)[0][0]
    irregular = next((gap for gap in gaps if gap % step), None)
    if irregular is not None or DAY_S % step:
        odd = irregular if irregular is not None else step
        raise InputError(
            f"most rows are {step} s apart and some {odd} s: the values are of no equal intervals, and "
            "such are not read"
        )
    return step


def series_of(step_s: int, energies: Mapping[Counted, Energies]) -> Series:
    """What was counted, with its gaps."""
    starts = {start for each in energies.values() for start in each}
    first, last = min(starts), max(starts)
    every = (
        first + timedelta(seconds=k * step_s)
        for k in range(int((last - first).total_seconds()) // step_s + 1)
    )
    missing = tuple(start for start in every if any(start not in each for each in energies.values()))
    return Series(step_s, energies, first, last, missing)


def differences(readings: Sequence[tuple[datetime, Fraction]]) -> tuple[Energies, list[datetime]]:
    """A register's readings as the energies between them.

    Args:
        readings: in order, Ws.

    Returns:
        The energies, by the time of the earlier reading, and when the register fell: what was used until then
        is not known, so it has no entry.
    """
    energies: Energies = {}
    falls = []
    for (start, earlier), (end, later) in pairwise(readings):
        if later < earlier:
            falls.append(end)
        else:
            energies[start] = later - earlier
    return energies, falls


def resampled(series: Series, length_s: int) -> Series:
    """The same in intervals of another length.

    Shorter ones are added up, which is exact; an interval with a gap in it stays a gap. Longer ones are
    spread evenly, which keeps every sum and invents the course in between.

    Raises:
        InputError: neither length is a whole multiple of the other.
    """
    step = series.step_s
    if length_s == step:
        return series
    if length_s % step and step % length_s:
        raise InputError(
            f"--interval {length_s}: rows are {step} s apart, and neither is a multiple of the other"
        )
    made: dict[Counted, Energies] = {}
    for counted, energies in series.energies.items():
        found: Energies = {}
        if length_s < step:
            parts = step // length_s
            for start, energy in energies.items():
                for k in range(parts):
                    found[start + timedelta(seconds=k * length_s)] = energy / parts
        else:
            rows = Counter[datetime]()
            for start, energy in energies.items():
                slot = start - timedelta(seconds=int(start.timestamp()) % length_s)
                rows[slot] += 1
                found[slot] = found.get(slot, Fraction(0)) + energy
            whole = length_s // step
            found = {slot: energy for slot, energy in found.items() if rows[slot] == whole}
        made[counted] = found
    if not any(made.values()):
        raise InputError(f"--interval {length_s}: no such interval is covered whole")
    return series_of(length_s, made)
