"""The factors between units, each once: energy in Wh, power in W, money in base units, time in s.

Integers where an exact figure follows from them. The prefixes are floats, for the power flow's quantities.
"""

from typing import Final

HOUR_S: Final = 3600
"""Seconds of an hour."""

DAY_S: Final = 86_400
"""Seconds of a day of 24 hours."""

WH_PER_KWH: Final = 1000
"""1 kWh in Wh."""

W_PER_KW: Final = 1000
"""1 kW in W; also 1 kVA in VA."""

CONNECTION_UNIT_W: Final = 100
"""The unit of connection limits on chain, W."""

BASE_UNITS_PER_CURRENCY: Final = 1_000_000
"""1 euro, or whatever the currency is, in base units of the payment token, which has six decimals."""

BASE_UNITS_PER_CENT: Final = 10_000
"""1 ct in base units: 1e-2 of the currency, a base unit being 1e-6 of it."""

BASE_UNITS_PER_CENT_KWH: Final = 10
"""1 ct/kWh in base units per Wh: 1e-2 of the currency over 1e3 Wh, a base unit being 1e-6 of it."""

PERCENT: Final = 100
"""A whole in percent."""

PERMILLE: Final = 1000
"""A whole in permille."""

PPM: Final = 1_000_000
"""A whole in parts per million."""

PPM_PER_PERCENT: Final = 10_000
"""1 % in parts per million."""

PERMILLE_PER_PERCENT: Final = 10
"""1 % in permille."""

KILO: Final = 1e3
"""The prefix k: kW, kvar, kVA, kV, kA."""

MEGA: Final = 1e6
"""The prefix M: MW, Mvar, MVA."""
