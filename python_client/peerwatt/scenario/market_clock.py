"""Whether a market's clock leaves its parties the time that they need, found out before a replay."""

from __future__ import annotations

from typing import Final

from peerwatt.market.market_rules import MarketConfig

ORDER_LEAD_S: Final = 60
"""Before gate closure: when homes order, and orders are posted or, in a sealed market, committed to."""

EVERY_STEP_S: Final = 10
"""What a party needs for a step: its block, those of others at the same second, and whoever signs with it."""

SETUP_S: Final = 86_400
"""A chain that a replay starts begins a day before the scenario: time to deploy, register and deposit."""

MOST_LEAD_S: Final = SETUP_S // 2
"""Gate lead that leaves the other half of it."""


def too_little_time(config: MarketConfig, envelopes: bool) -> list[tuple[tuple[str, str], str]]:
    """What is too short, by section and key of the scenario file.

    Args:
        config: the market's clock.
        envelopes: whether operating envelopes are published before the orders.
    """
    length = config.interval_length
    lead = config.gate_lead + ORDER_LEAD_S + EVERY_STEP_S * envelopes
    found = []
    if lead > config.open_ahead * length:
        found.append(
            (
                ("market", "gate_lead_s"),
                f"{config.gate_lead}: orders are posted {lead} s before an interval, and it takes them from "
                f"{config.open_ahead * length} s before on; lower it, or raise open_ahead_intervals to "
                f"{-(-lead // length)}",
            )
        )
    elif config.gate_lead > MOST_LEAD_S:
        found.append(
            (
                ("market", "gate_lead_s"),
                (f"{config.gate_lead}: a replay's gate closes {MOST_LEAD_S} s ahead at most"),
            )
        )
    for key, window, who in (
        ("report_window_s", config.report_window, "the committee to report"),
        ("attest_window_s", config.attest_window, "the metering operator to attest readings"),
    ):
        if window < EVERY_STEP_S:
            found.append(
                (("market", key), (f"{window}: leaves no time for {who}; give at least {EVERY_STEP_S}"))
            )
    if 0 < config.overrule_window < EVERY_STEP_S:
        found.append(
            (
                ("market", "overrule_window_s"),
                f"{config.overrule_window}: leaves no time for meters to overrule; give 0 or at least "
                f"{EVERY_STEP_S}",
            )
        )
    if config.is_sealed and config.reveal_window < EVERY_STEP_S:
        found.append(
            (
                ("sealed", "reveal_window_s"),
                f"{config.reveal_window}: leaves no time to reveal batches; give at least {EVERY_STEP_S}",
            )
        )
    settled = length + config.attest_window + config.overrule_window + 2 * EVERY_STEP_S
    if lead + settled > config.ring_size * length:
        least = -(-(lead + settled) // length)
        found.append(
            (
                ("market", "ring_size"),
                f"{config.ring_size}: an interval is settled {settled} s after its start, and the next "
                "one in its "
                f"slot takes orders {lead} s before it begins; give at least {least}",
            )
        )
    return found
