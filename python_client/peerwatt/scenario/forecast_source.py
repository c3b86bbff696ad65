"""A scenario's forecasts as the committee takes them: to demonstrate, and to write a pilot's files."""

from __future__ import annotations

from peerwatt.oracle.forecast_file import ForecastDocument
from peerwatt.scenario.neighbourhood import Neighbourhood
from peerwatt.scenario.scenario import Scenario


class ScenarioForecasts:
    """The forecasts of a scenario's homes.

    Attributes:
        scenario: the scenario.
        first: number of the interval that is its first one on the chain.
    """

    def __init__(self, scenario: Scenario, seed: int, first: int | None = None) -> None:
        self.scenario = scenario
        self.first = scenario.calendar.first if first is None else first
        self._neighbourhood = Neighbourhood(scenario, seed)

    def forecast(self, interval: int) -> ForecastDocument:
        """What is expected in an interval.

        Outside the scenario's days its first day serves again and again, at the same time of day.
        """
        position = interval - self.first
        if not 0 <= position < self.scenario.calendar.count:
            position %= self.scenario.calendar.per_day
        return ForecastDocument.of(interval, self._neighbourhood.forecast(position), self.scenario.feeder)
