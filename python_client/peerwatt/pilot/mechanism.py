"""Which pricing rule a scenario's market is created with, by its switch and by the mechanism's name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from peerwatt.errors import InputError
from peerwatt.market.pricing import SET_PRICES, Pricing, mid_market_rate
from peerwatt.messages.order import Order, Step
from peerwatt.messages.vocabulary import TICKS, Side
from peerwatt.pilot.scenario import Scenario
from peerwatt.pilot.switches import PRICING

SWITCH_OF: Final[Mapping[str, str]] = {
    "uniform": "uniform",
    "pay-as-bid": "pay_as_bid",
    "mcafee": "mcafee",
    "mid-market": "mid_market",
    "sdr": "sdr",
    "virtual-pool": "fixed",
}
"""Value of `switches.price` by the name that `peerwatt mechanisms` lists, for those that run on chain."""


def under(scenario: Scenario, mechanism: str) -> Scenario:
    """The scenario with a market that is priced by another mechanism.

    A virtual pool keeps the scenario's fixed price; where it has none, the mean of retail and feed-in.

    Args:
        scenario: whose market.
        mechanism: as `peerwatt mechanisms` lists it.

    Raises:
        InputError: the mechanism does not run on chain.
    """
    if mechanism not in SWITCH_OF:
        raise InputError(
            f"mechanism '{mechanism}' does not run on chain; choose from {', '.join(SWITCH_OF)}, "
            "or compare it off-chain with `peerwatt compare`"
        )
    switch = SWITCH_OF[mechanism]
    pricing = PRICING[switch]
    tariff = scenario.tariff
    fixed = scenario.market.fixed_price or mid_market_rate(tariff.retail, tariff.feed_in)
    return replace(
        scenario,
        switches=scenario.switches.model_copy(update={"price": switch}),
        market=replace(
            scenario.market, pricing=pricing, fixed_price=fixed if pricing == Pricing.FIXED else 0
        ),
    )


def with_limits_for(pricing: Pricing, order: Order) -> Order:
    """The order as a member of a pool posts it: whatever the price that the rule sets, it takes part.

    Bids go to the top of the ladder and asks to its bottom, so that all of a side share alike. Orders for an
    auction stay as they are.
    """
    if pricing not in SET_PRICES:
        return order
    ends = {Side.BUY: TICKS - 1, Side.SELL: 0}
    totals = {side: order.total(side) for side in Side}
    return replace(order, steps=tuple(Step(side, ends[side], totals[side]) for side in Side if totals[side]))
