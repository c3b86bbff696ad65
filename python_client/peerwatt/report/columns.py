"""How a value stands in a CSV cell: kWh with three decimals, money with six, ct/kWh with one.

The unit is in the column's name. Every text is exact and read back to the same integer; floats (voltages,
loadings) are rounded once, here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from peerwatt.units import BASE_UNITS_PER_CENT_KWH, BASE_UNITS_PER_CURRENCY, WH_PER_KWH

ENERGY_DECIMALS = 3
"""Of kWh: whole Wh."""
PU_DECIMALS = 6
PERCENT_DECIMALS = 3


@dataclass(frozen=True)
class Column:
    """One column of a CSV file.

    Attributes:
        name: header, unit included.
        field: attribute of the record, or dotted path to it.
        write: value to cell.
        read: cell to value.
        derived: computed from other columns; written for the reader's convenience, not read back.
        decimals: of an exact decimal; None where the cell is none.
        kind: of a cell that is no exact decimal.
    """

    name: str
    field: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    derived: bool = False
    decimals: int | None = None
    kind: type = str


def scaled(value: int, scale: int) -> str:
    """An integer of small units as an exact decimal of big ones: `scaled(-1234, 1000)` is `-1.234`."""
    decimals = len(str(scale)) - 1
    whole, rest = divmod(abs(value), scale)
    return f"{'-' * (value < 0)}{whole}.{rest:0{decimals}d}"


def unscaled(cell: str, scale: int) -> int:
    """The integer behind `scaled`."""
    value = Decimal(cell) * scale
    if value != value.to_integral_value():
        raise ValueError(f"{cell} has more decimals than this column")
    return int(value)


def kwh(name: str, field: str | None = None, derived: bool = False) -> Column:
    """Energy: `own` becomes column `own_kwh` of field `own_wh`."""
    return Column(
        f"{name}_kwh",
        field or f"{name}_wh",
        lambda value: scaled(value, WH_PER_KWH),
        lambda cell: unscaled(cell, WH_PER_KWH),
        derived,
        decimals=ENERGY_DECIMALS,
    )


def kwh_if_any(name: str) -> Column:
    """The same, empty where there is none."""
    return Column(
        f"{name}_kwh",
        f"{name}_wh",
        lambda value: "" if value is None else scaled(value, WH_PER_KWH),
        lambda cell: unscaled(cell, WH_PER_KWH) if cell else None,
        decimals=ENERGY_DECIMALS,
    )


def money(name: str, currency: str, field: str | None = None, derived: bool = False) -> Column:
    """Money, in the currency: six decimals are its base units."""
    return Column(
        f"{name}_{currency.lower()}",
        field or name,
        lambda value: scaled(value, BASE_UNITS_PER_CURRENCY),
        lambda cell: unscaled(cell, BASE_UNITS_PER_CURRENCY),
        derived,
        decimals=6,
    )


def price(name: str) -> Column:
    """A price in ct/kWh, empty where there is none."""
    return Column(
        f"{name}_ct_per_kwh",
        name,
        lambda value: "" if value is None else scaled(value, BASE_UNITS_PER_CENT_KWH),
        lambda cell: unscaled(cell, BASE_UNITS_PER_CENT_KWH) if cell else None,
        decimals=1,
    )


def _finite(cell: str) -> float:
    value = float(cell)
    if not isfinite(value):
        raise ValueError(f"{cell} is no measured quantity")
    return value


def real(name: str, decimals: int) -> Column:
    """A measured or computed quantity, rounded."""
    return Column(name, name, lambda value: f"{value:.{decimals}f}", _finite, kind=float)


def real_if_any(name: str, decimals: int) -> Column:
    """The same, empty where there is none."""
    return Column(
        name,
        name,
        lambda value: "" if value is None else f"{value:.{decimals}f}",
        lambda cell: _finite(cell) if cell else None,
        kind=float,
    )


def share(name: str) -> Column:
    """A ratio, derived, empty where it is not defined."""
    return Column(
        name, name, lambda value: "" if value is None else f"{value:.4f}", float, derived=True, kind=float
    )


def whole(name: str) -> Column:
    """A count or a number."""
    return Column(name, name, str, int, kind=int)


_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
"""What a cell begins with that a spreadsheet computes; and the mark itself, so that it can be taken off."""


def text(name: str) -> Column:
    """Words; a spreadsheet must not take them for a formula, so that some have a `'` before them."""
    return Column(
        name,
        name,
        lambda value: f"'{value}" if str(value).startswith(_FORMULA) else str(value),
        lambda cell: cell.removeprefix("'"),
    )


def flag(name: str) -> Column:
    """yes or no."""
    return Column(name, name, lambda value: "yes" if value else "no", lambda cell: cell == "yes", kind=bool)


def value_of(record: Any, field: str) -> Any:
    """The value at a dotted path of attributes."""
    for part in field.split("."):
        record = getattr(record, part)
    return record
