"""The curve that a home's own uncertainty implies: what a unit is worth is how likely it is to be there.

A home that sells a Wh which it then does not have buys it back at the retail tariff R; had it not sold it,
it would have earned the feed-in tariff F. So a Wh that will be missing with probability z is worth selling
from F + z (R - F) on. A home that buys a Wh which it then does not need gets F for it; had it not bought it,
it would have paid R. So a Wh that will not be needed with probability z is worth buying up to
R - z (R - F). What the network charges a trade comes on top of an ask and off a bid.

This is the newsvendor's quantile, by which wind farms bid under imbalance prices: J. B. Bremnes,
"Probabilistic wind power forecasts using local quantile regression", Wind Energy 7 (2004) 47-54; P. Pinson,
C. Chevallier, G. N. Kariniotakis, "Trading wind generation from short-term probabilistic forecasts of wind
power", IEEE Trans. Power Systems 22(3) (2007) 1148-1156.

These are reservation prices: at any price beyond them the home gains in expectation, so it posts the same
curve whatever the market's pricing rule. Nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from peerwatt.agents.forecast import ForecastError
from peerwatt.agents.strategy import Outlook, Prices
from peerwatt.messages.order import Step
from peerwatt.messages.vocabulary import MAX_STEP_QUANTITY, MAX_STEPS, TICKS, Side
from peerwatt.units import PERMILLE

POINTS = 16
"""Equally likely values that stand for each of the two errors, demand's and generation's."""


@dataclass(frozen=True)
class Newsvendor:
    """Bids by quantiles of its net surplus or need.

    Attributes:
        prices: What it decides by.
        most_steps: 1 to 8.
        error: Widths of its forecast errors, which it knows.
    """

    prices: Prices
    most_steps: int
    error: ForecastError

    def steps(self, outlook: Outlook) -> tuple[Step, ...]:
        """As `Strategy` has it.

        Of K steps the one with number k, from 0, holds what is missing, or not needed, with a probability of
        at most k/K beyond what the steps before it hold, and has the price of that probability.
        """
        net = outlook.forecast.net_import_wh
        side = Side.BUY if net > 0 else Side.SELL
        limit = outlook.connection.import_wh if net > 0 else outlook.connection.export_wh
        outcomes = self._outcomes(outlook, side)
        count, held = min(self.most_steps, MAX_STEPS), 0
        wanted: dict[int, int] = {}
        for k in range(count):
            offered = min(outcomes[k * len(outcomes) // count], limit, MAX_STEP_QUANTITY)
            tick = self._tick(side, k, count)
            if offered > held and 0 <= tick < TICKS:
                wanted[tick] = wanted.get(tick, 0) + offered - held
                held = offered
        return tuple(Step(side, tick, wanted[tick]) for tick in sorted(wanted))

    def _outcomes(self, outlook: Outlook, side: Side) -> list[int]:
        """What there is to sell, or is needed, in equally likely cases, ascending, Wh."""
        forecast, error = outlook.forecast, self.error
        demand = _actual(forecast.demand_wh, (error.demand_permille,))
        generation = _actual(forecast.generation_wh, (error.generation_permille, error.weather_permille))
        sign = 1 if side == Side.BUY else -1
        return sorted(max(0, sign * (used - made)) for used in demand for made in generation)

    def _tick(self, side: Side, k: int, count: int) -> int:
        """The tick of the k-th of `count` steps, rounded in the home's favour."""
        prices = self.prices
        risk = -((prices.feed_in - prices.retail) * k // count)  # rounded up
        if side == Side.SELL:
            return prices.ask_tick(prices.least_ask + risk)
        return prices.bid_tick(prices.highest_bid - risk)


def _actual(forecast_wh: int, spreads: tuple[int, ...]) -> list[int]:
    """Equally likely actual values behind a forecast that errs by the sum of triangular errors, Wh."""
    if forecast_wh == 0:
        return [0]
    return [forecast_wh * PERMILLE // (PERMILLE + error) for error in likely_errors(spreads)]


@lru_cache(maxsize=64)
def likely_errors(spreads: tuple[int, ...]) -> tuple[int, ...]:
    """Equally likely errors, permille: the middles of `POINTS` slices of the errors' distribution.

    Args:
        spreads: Half-widths of independent triangular errors that add up, permille.

    Returns:
        One value if there is no error; none at or below -1000, by which no forecast above 0 comes about.
    """
    chances = [1]
    for spread in spreads:
        chances = _sum(_sum(chances, spread + 1), spread + 1)
    lowest, total, found, passed = -sum(spreads), sum(chances), list[int](), 0
    if len(chances) == 1:
        return (0,)
    for place, chance in enumerate(chances):
        passed += chance
        while len(found) < POINTS and passed * 2 * POINTS >= total * (2 * len(found) + 1):
            found.append(lowest + place)
    return tuple(error for error in found if error > -PERMILLE) or (0,)


def _sum(chances: Sequence[int], values: int) -> list[int]:
    """The distribution of a sum with a number that is uniform over so many values."""
    result, window = [], 0
    for place in range(len(chances) + values - 1):
        window += chances[place] if place < len(chances) else 0
        window -= chances[place - values] if place >= values else 0
        result.append(window)
    return result
