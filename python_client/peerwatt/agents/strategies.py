"""Every bidding strategy by its name in the scenario file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from peerwatt.agents.forecast import ForecastError
from peerwatt.agents.newsvendor import Newsvendor
from peerwatt.agents.strategy import Prices, Strategy
from peerwatt.agents.zero_intelligence import ZeroIntelligence

StrategyName = Literal["newsvendor", "zero_intelligence"]

STRATEGIES: Final[Mapping[StrategyName, Callable[[Prices, int, ForecastError, bool], Strategy]]] = {
    "newsvendor": lambda prices, most_steps, error, takes_the_price: Newsvendor(prices, most_steps, error),
    "zero_intelligence": lambda prices, most_steps, error, takes_the_price: ZeroIntelligence(
        prices, most_steps, takes_the_price
    ),
}
"""Made from the prices that a home decides by, the most steps of an order, the widths of its forecast errors,
and whether the market's price is set by a rule."""
