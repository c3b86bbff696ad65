"""Pricing rules: how the auction finds the price of a trade.

No buyer pays more than its bid and no seller gets less than its ask. What buyers pay beyond what sellers get
goes to the community's account.
"""

from collections.abc import Sequence
from enum import IntEnum
from fractions import Fraction
from typing import Final, NamedTuple

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
    """The mean of what a seller must get and what a buyer can pay, rounded down."""
    SUPPLY_DEMAND_RATIO = 4
    """Between these two, by the ratio of all supply to all demand, rounded down."""
    FIXED = 5
    """The same price always."""


SET_PRICES: Final = frozenset({Pricing.MID_MARKET_RATE, Pricing.SUPPLY_DEMAND_RATIO, Pricing.FIXED})
"""Rules whose price does not come from the orders: everybody trades whose limit allows the price."""


class BreakEven(NamedTuple):
    """The prices between which nobody loses by trading, fees included, base units per Wh.

    Attributes:
        low: What a seller must get: the feed-in tariff, and the network charge that it may pay.
        high: What a buyer can pay: the retail price less the network fee or charge.
    """

    low: int
    high: int


def mid_market_rate(between: BreakEven) -> int:
    """After Long et al., IEEE PES General Meeting 2017: the mean of the two, base units per Wh."""
    return (between.low + between.high) // 2


def ratio_price(between: BreakEven, supply: int, demand: int) -> int:
    """After Liu et al., IEEE Trans. Power Systems 32 (2017), eqs. 8-9, on what was posted; base units per Wh.

    Args:
        between: In place of the paper's feed-in and retail tariffs.
        supply: Energy offered in all, Wh.
        demand: Energy wanted in all, Wh.
    """
    low, high = between
    if supply >= demand or low == 0:
        return low
    ratio = Fraction(supply, demand)
    return int(Fraction(high * low) / ((high - low) * ratio + low))


def total(levels: Sequence[Level]) -> int:
    """Energy on one side, Wh."""
    return sum(level.quantity for level in levels)
