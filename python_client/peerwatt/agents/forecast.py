"""What a home believes about its next interval.

The error model: forecast = actual value x (1 + error), the error drawn from the seed in whole permille from
triangular distributions. A home's demand has an error of its own; its generation has one of its own plus one
that all homes share, because a passing cloud is everybody's. Nothing else is known to the strategy, so what
it sells and what it delivers differ and imbalance is real. Integers throughout: the same on every machine.
"""

from dataclasses import dataclass

from peerwatt.agents.draws import triangular
from peerwatt.units import PERMILLE

WEATHER_INTERVALS = 4
"""A weather error lasts this many intervals: an hour of quarter-hours, as irradiance forecasts do."""


@dataclass(frozen=True)
class ForecastError:
    """Half-widths of the triangular errors, in permille of the actual value, 0..1000."""

    demand_permille: int
    generation_permille: int
    weather_permille: int


@dataclass(frozen=True)
class Forecast:
    """Expected demand and generation of one interval, Wh."""

    demand_wh: int
    generation_wh: int

    @property
    def net_import_wh(self) -> int:
        """Expected import, or export where negative."""
        return self.demand_wh - self.generation_wh


def forecast(
    demand_wh: int,
    generation_wh: int,
    error: ForecastError,
    seed: int,
    participant: str,
    scenario_interval: int,
) -> Forecast:
    """Blur the actual values of one home and interval.

    Args:
        demand_wh: what the home will consume.
        generation_wh: what its generators will produce.
        error: the widths.
        seed: of the replay.
        participant: id; two homes of the same profile err differently.
        scenario_interval: the interval's number in the scenario, the same on every chain and at any time.
    """
    weather = triangular(error.weather_permille, seed, "weather", scenario_interval // WEATHER_INTERVALS)
    of_generation = triangular(error.generation_permille, seed, "generation", participant, scenario_interval)
    of_demand = triangular(error.demand_permille, seed, "demand", participant, scenario_interval)
    return Forecast(
        demand_wh=_scaled(demand_wh, of_demand), generation_wh=_scaled(generation_wh, of_generation + weather)
    )


def _scaled(energy_wh: int, error_permille: int) -> int:
    return max(0, energy_wh * (PERMILLE + error_permille) // PERMILLE)
