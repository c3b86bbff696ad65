"""Decimals of the scenario file and the integers that they stand for, exactly or not at all."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from peerwatt.tables.problems import quoted
from peerwatt.units import BASE_UNITS_PER_CENT, BASE_UNITS_PER_CENT_KWH, PERMILLE_PER_PERCENT, PPM_PER_PERCENT

NO_NEGATIVE: Final = "the price ladder begins at 0 or above, so this market knows no negative prices"
_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")


def base_units_per_wh(ct_per_kwh: Decimal) -> int:
    """A price in ct/kWh as base units per Wh.

    Raises:
        ValueError: it is no whole number of base units per Wh.
    """
    scaled = ct_per_kwh * BASE_UNITS_PER_CENT_KWH
    if scaled != scaled.to_integral_value():
        raise ValueError(
            f"{ct_per_kwh} ct/kWh is no whole multiple of 0.1 ct/kWh (1 base unit per Wh); round it"
        )
    return int(scaled)


def base_units(ct: Decimal) -> int:
    """An amount in ct as base units.

    Raises:
        ValueError: it is no whole number of base units.
    """
    scaled = ct * BASE_UNITS_PER_CENT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{ct} ct is no whole number of base units (0.0001 ct); give at most four decimals")
    return int(scaled)


def ppm(percent: Decimal) -> int:
    """A percentage as parts per million.

    Raises:
        ValueError: it has more than four decimals.
    """
    scaled = percent * PPM_PER_PERCENT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{percent} % is no whole number of parts per million; give at most four decimals")
    return int(scaled)


def permille(percent: Decimal) -> int:
    """A percentage as permille.

    Raises:
        ValueError: it has more than one decimal.
    """
    scaled = percent * PERMILLE_PER_PERCENT
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{percent} % has more than one decimal; round it")
    return int(scaled)


def _plain(allowed: str, least: int, most: int, above: bool = False) -> BeforeValidator:
    """Reads a plain decimal number within bounds; whatever else is given is answered with what is allowed."""

    def read(value: Any) -> Decimal:
        # a strict Decimal field takes no int, and `retail_ct_per_kwh: 32` means 32
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            if isinstance(value, str) and _COMMA.fullmatch(value):
                point = value.replace(",", ".")
                raise ValueError(
                    f"{value!r} has a decimal comma, and YAML's numbers have a point: write {point}"
                )
            shown = quoted(value) if isinstance(value, str) else repr(value)
            raise ValueError(f"{shown} is no plain decimal number; give one {allowed}")
        if not least <= value <= most or (above and value == least):
            raise ValueError(f"{value} is out of range; give a number {allowed}")
        return Decimal(value)

    return BeforeValidator(read)


def _price(value: Decimal) -> Decimal:
    base_units_per_wh(value)
    return value


def _amount(value: Decimal) -> Decimal:
    base_units(value)
    return value


def _ppm(value: Decimal) -> Decimal:
    ppm(value)
    return value


def _permille(value: Decimal) -> Decimal:
    permille(value)
    return value


Price = Annotated[
    Decimal,
    _plain(f"from 0 to 1000 ct/kWh, a multiple of 0.1; {NO_NEGATIVE}", 0, 1000),
    AfterValidator(_price),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1000, "multipleOf": 0.1}),
]
"""ct/kWh, a multiple of 0.1."""

Amount = Annotated[
    Decimal,
    _plain("above 0 and at most 1000000000 ct, with at most four decimals", 0, 1_000_000_000, above=True),
    AfterValidator(_amount),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000_000}),
]
"""ct, with at most four decimals."""

PpmPercent = Annotated[
    Decimal,
    _plain("from 0 to 100 %, with at most four decimals", 0, 100),
    AfterValidator(_ppm),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
"""Percent with at most four decimals."""

PermillePercent = Annotated[
    Decimal,
    _plain("from 0 to 100 %, with at most one decimal", 0, 100),
    AfterValidator(_permille),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 100}),
]
"""Percent with at most one decimal."""

Positive = Annotated[
    Decimal,
    _plain("above 0 and at most 1000000", 0, 1_000_000, above=True),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 1_000_000}),
]
"""A plain number above 0."""
