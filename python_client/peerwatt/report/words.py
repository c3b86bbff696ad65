"""Numbers as people read them: kWh with three decimals, ct/kWh with one, money with two."""

from __future__ import annotations

from datetime import datetime

from peerwatt.report.columns import scaled
from peerwatt.units import (
    BASE_UNITS_PER_CENT,
    BASE_UNITS_PER_CENT_KWH,
    BASE_UNITS_PER_CURRENCY,
    PERCENT,
    WH_PER_KWH,
)

MINUS = "−"
NOT_DEFINED = "not defined"


def kwh(energy_wh: int) -> str:
    """`12.345`."""
    return _signed(scaled(energy_wh, WH_PER_KWH))


def ct(price: int | None) -> str:
    """`18.4`, or a dash where there is no price."""
    return "–" if price is None else _signed(scaled(price, BASE_UNITS_PER_CENT_KWH))


def prices(paid: int | None, earned: int | None) -> str:
    """`18.4`, or `18.4 paid, 16.2 earned` where buyers pay another price than sellers get."""
    return ct(paid) if paid == earned else f"{ct(paid)} paid, {ct(earned)} earned"


def money(amount: int, plus: bool = False) -> str:
    """`-3.07`: base units rounded half away from zero to cents, for reading; the CSV has every digit.

    Args:
        amount: base units.
        plus: write a + before gains.
    """
    cents = (abs(amount) + BASE_UNITS_PER_CENT // 2) // BASE_UNITS_PER_CENT
    text = scaled(cents, BASE_UNITS_PER_CURRENCY // BASE_UNITS_PER_CENT)
    if cents == 0:
        return text
    return f"{MINUS}{text}" if amount < 0 else f"+{text}" if plus else text


def pu(voltage: float) -> str:
    """`1.0583`."""
    return f"{voltage:.4f}"


def pu_if_any(voltage: float | None) -> str:
    """The same, or a dash where there is none."""
    return "–" if voltage is None else pu(voltage)


def percent(loading: float) -> str:
    """`83.1`."""
    return f"{loading:.1f}"


def share(ratio: float | None) -> str:
    """`41 %`, or `not defined`."""
    return NOT_DEFINED if ratio is None else f"{ratio * PERCENT:.0f} %"


def count(number: int) -> str:
    """`1 234 567`, with thin spaces."""
    return f"{number:,}".replace(",", "\u2009")


def clock(iso: str) -> str:
    """`14:15` of an ISO 8601 time."""
    return datetime.fromisoformat(iso).strftime("%H:%M")


def date(iso: str) -> str:
    """`17 June 2016`."""
    time = datetime.fromisoformat(iso)
    return f"{time.day} {time:%B %Y}"


def moment(iso: str, many_days: bool) -> str:
    """`14:15`, or `17 Jun 14:15` where several days are shown."""
    time = datetime.fromisoformat(iso)
    return f"{time.day} {time:%b} {time:%H:%M}" if many_days else f"{time:%H:%M}"


def _signed(text: str) -> str:
    return text.replace("-", MINUS)
