"""A meter's series as the profile of a participant."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from peerwatt.errors import InputError
from peerwatt.scenario.meter.series import Series
from peerwatt.scenario.participants import NAME_PATTERN
from peerwatt.scenario.quantity_columns import Counted
from peerwatt.scenario.timeline import TIME_COLUMN
from peerwatt.units import HOUR_S

MICRO = 1_000_000
"""Parts of a Wh that a profile states; a division by three needs to end somewhere."""
COLUMN = {
    Counted.POWER: Counted.ENERGY,
}


def profile_name(path: Path) -> str:
    """The participant that a file's name stands for.

    Raises:
        InputError: it can be none; without the path.
    """
    stem = path.name.partition(".")[0].lower()
    name = re.sub(r"[^a-z0-9_-]+", "-", stem).strip("-_")[:32]
    if not re.fullmatch(NAME_PATTERN, name):
        raise InputError("its name makes no name of a participant; rename it to letters and digits")
    return name


def write_profile(series: Series, directory: Path, name: str) -> Path:
    """Write a profile: energies in Wh, exact to a millionth, their sums too.

    Raises:
        InputError: values are missing, there is such a file, or it cannot be written.
    """
    path = directory / f"{name}.csv"
    if series.missing:
        first = series.missing[0].isoformat()
        raise InputError(
            f"{len(series.missing)} values are missing from {first} on, and a profile has none missing: "
            "not written"
        )
    if path.exists():
        raise InputError(f"{path} exists; remove it, or give another --out")
    counted = [each for each in Counted if each in series.energies]
    names = [f"{COLUMN.get(each, each).value}(Wh)" for each in counted]
    starts = series.starts()
    columns = [_decimals([series.energies[each][start] for start in starts]) for each in counted]
    lines = [",".join((TIME_COLUMN, *names))]
    lines += [",".join((start.isoformat(), *row)) for start, *row in zip(starts, *columns, strict=True)]
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{directory}: cannot be written: {error.strerror or error}") from None
    return path


def _decimals(energies_ws: Sequence[Fraction]) -> list[str]:
    """Energies in Wh whose sums are right to a millionth of a Wh, however many there are."""
    exact = Fraction(0)
    told = 0
    cells = []
    for energy in energies_ws:
        exact += energy * MICRO / HOUR_S
        now = round(exact)
        cells.append(_cell(now - told))
        told = now
    return cells


def _cell(micro: int) -> str:
    whole, rest = divmod(abs(micro), MICRO)
    decimals = f".{rest:06d}".rstrip("0") if rest else ""
    return f"{'-' * (micro < 0)}{whole}{decimals}"
