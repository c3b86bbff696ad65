"""What the market says about its parameters, in the keys and units of the scenario file."""

from __future__ import annotations

import re
from typing import Final

from peerwatt.units import BASE_UNITS_PER_CENT_KWH

KEYS: Final = {
    "Tariff.retail": "retail_ct_per_kwh",
    "Tariff.feed_in": "feed_in_ct_per_kwh",
    "Tariff.network_fee": "network_fee_ct_per_kwh",
    "MarketConfig.base_price": "base_price_ct_per_kwh",
    "MarketConfig.tick_size": "tick_size_ct_per_kwh",
    "MarketConfig.margin_price": "margin_price_ct_per_kwh",
    "MarketConfig.fixed_price": "fixed_price_ct_per_kwh",
    "MarketConfig.max_network_fee": "max_ct_per_kwh",
    "MarketConfig.interval_length": "interval_length_s",
    "MarketConfig.gate_lead": "gate_lead_s",
    "MarketConfig.report_window": "report_window_s",
    "MarketConfig.attest_window": "attest_window_s",
    "MarketConfig.overrule_window": "overrule_window_s",
    "MarketConfig.reveal_window": "reveal_window_s",
    "MarketConfig.open_ahead": "open_ahead_intervals",
    "MarketConfig.ring_size": "ring_size",
    "MarketConfig.bond": "bond_ct",
    "MarketConfig.recovery_delay": "recovery_delay_days",
    "MarketConfig.correction_delay": "correction_delay_h",
    "MarketConfig.correction_cap": "correction_cap_ct",
}
"""The file's key by the market's name of a parameter."""

PRICE_WORDS: Final = ("base units per Wh", *(name for name, key in KEYS.items() if "_ct_per_kwh" in key))


def in_units_of_the_file(message: str) -> str:
    """A message of the market with the file's keys; where it is about prices, with its numbers in ct/kWh."""
    if any(word in message for word in PRICE_WORDS):
        message = re.sub(r"(?<![\w.])[0-9]+(?![\w.]*[\w])", _cents, message)
        message = message.replace("base units per Wh", "ct/kWh").replace("give an integer", "give a price")
    for name, key in KEYS.items():
        message = re.sub(rf"\b{re.escape(name)}\b", key, message)
    return message.replace("gate_lead =", "gate_lead_s =").replace("raise gate_lead.", "raise gate_lead_s.")


def _cents(number: re.Match[str]) -> str:
    return f"{int(number[0]) / BASE_UNITS_PER_CENT_KWH:.1f}"
