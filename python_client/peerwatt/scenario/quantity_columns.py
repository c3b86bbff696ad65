"""Columns of power and energy: what they count and in which unit, from their names, such as `LOAD(W)`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from peerwatt.units import HOUR_S


class Counted(StrEnum):
    """What a column counts."""

    LOAD = "LOAD"
    PV = "PV"
    POWER = "POWER"
    ENERGY = "ENERGY"
    IMPORT = "IMPORT"
    EXPORT = "EXPORT"


@dataclass(frozen=True)
class Unit:
    """A unit of power or energy.

    Attributes:
        name: as people write it.
        factor: of W, or of Wh.
        energy: whether it is one of energy.
    """

    name: str
    factor: int
    energy: bool


UNITS: Final = {
    unit.name.lower(): unit
    for unit in (
        Unit("W", 1, False),
        Unit("kW", 1000, False),
        Unit("MW", 1_000_000, False),
        Unit("Wh", 1, True),
        Unit("kWh", 1000, True),
        Unit("MWh", 1_000_000, True),
    )
}
MILLI: Final = ("mW", "mWh")
"""Differ from the mega units by the case of one letter: nobody means them, and 1e9 is no detail."""

LAYOUTS: Final = (
    frozenset({Counted.LOAD, Counted.PV}),
    frozenset({Counted.LOAD}),
    frozenset({Counted.POWER}),
    frozenset({Counted.ENERGY}),
    frozenset({Counted.IMPORT, Counted.EXPORT}),
    frozenset({Counted.IMPORT}),
)
"""What a profile may say of an interval."""

SIGNED: Final = (Counted.POWER, Counted.ENERGY)
"""Net of both directions: + import, - export."""

_COLUMN = re.compile(r"([A-Z]+)\s*[(\[]\s*(\w+)\s*[)\]]", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Quantity:
    """A column of power or energy.

    Attributes:
        column: its name in the file.
        counted: what it counts.
        unit: in which unit.
    """

    column: str
    counted: Counted
    unit: Unit

    def watt_seconds(self, value: Decimal, seconds: int) -> Fraction:
        """A value of a row that lasts so many seconds, as energy in Ws: exactly."""
        return Fraction(value) * self.unit.factor * (HOUR_S if self.unit.energy else seconds)


def unit_of(name: str) -> Unit | None:
    """The unit of a name in any case; None where there is none, or where it would be a milliwatt."""
    return None if name in MILLI else UNITS.get(name.lower())


def quantity(column: str) -> Quantity | None:
    """The quantity that a column's name states; None where it states none."""
    found = _COLUMN.fullmatch(column)
    if found is None:
        return None
    word, unit = found[1].upper(), unit_of(found[2])
    if unit is None or word not in Counted.__members__:
        return None
    counted = Counted(word)
    if (counted is Counted.POWER and unit.energy) or (counted is Counted.ENERGY and not unit.energy):
        return None
    return Quantity(column, counted, unit)


def quantities(columns: Iterable[str]) -> tuple[Quantity, ...] | None:
    """The quantities of a profile's columns; None where they are none of `LAYOUTS`."""
    found = [quantity(column) for column in columns]
    known = [each for each in found if each is not None]
    counted = [each.counted for each in known]
    fits = len(known) == len(found) == len(set(counted)) and frozenset(counted) in LAYOUTS
    return tuple(known) if fits else None
