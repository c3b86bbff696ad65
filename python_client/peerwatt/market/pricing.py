"""Pricing rules: how the auction finds the price of a trade.

No buyer pays more than its bid and no seller gets less than its ask. What buyers pay beyond what sellers get
goes to the community's account.
"""

from collections.abc import Sequence
from enum import IntEnum
from fractions import Fraction
from typing import Final

from peerwatt.market.merit_order import Level


class Pricing(IntEnum):
    """How the price of a trade is found, in the contract's numbers."""

    UNIFORM = 0
    """One price: the midpoint of the range that clears the market, rounded down to a tick."""
    PAY_AS_BID = 1
    """Every Wh at its own step's limit."""
    MCAFEE = 2
    """One price, the mean of the best bid and the best ask that do not trade. Where one is missing, or the
    mean lies outside the limits of the last bid and ask that trade, the last Wh is not traded and these two
    limits are the prices."""
    MID_MARKET_RATE = 3
    """The mean of retail and feed-in, rounded down."""
    SUPPLY_DEMAND_RATIO = 4
    """Between feed-in and retail, by the ratio of all supply to all demand, rounded down."""
    FIXED = 5
    """The same price always."""


SET_PRICES: Final = frozenset({Pricing.MID_MARKET_RATE, Pricing.SUPPLY_DEMAND_RATIO, Pricing.FIXED})
"""Rules whose price does not come from the orders: everybody trades whose limit allows the price."""


def mid_market_rate(retail: int, feed_in: int) -> int:
    """Long et al., IEEE PES General Meeting 2017: the mean of the tariffs, base units per Wh."""
    return (retail + feed_in) // 2


def ratio_price(retail: int, feed_in: int, supply: int, demand: int) -> int:
    """Liu et al., IEEE Trans. Power Systems 32 (2017), eqs. 8-9, base units per Wh.

    Args:
        retail: Price of energy from the supplier, base units per Wh.
        feed_in: Price that the supplier pays for surplus, base units per Wh.
        supply: Energy offered in all, Wh.
        demand: Energy wanted in all, Wh.
    """
    if supply >= demand or feed_in == 0:
        return feed_in
    ratio = Fraction(supply, demand)
    return int(Fraction(retail * feed_in) / ((retail - feed_in) * ratio + feed_in))


def total(levels: Sequence[Level]) -> int:
    """Energy on one side, Wh."""
    return sum(level.quantity for level in levels)
