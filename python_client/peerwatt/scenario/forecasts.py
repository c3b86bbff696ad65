"""What is expected to flow on a scenario's feeder: as power flow takes it, and as the committee does."""

from __future__ import annotations

from collections.abc import Mapping

from peerwatt.grid.arrays import Floats
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.oracle import GridForecast
from peerwatt.oracle.forecast_file import ForecastDocument
from peerwatt.scenario.bidding import expectation
from peerwatt.scenario.scenario import Scenario


class Neighbourhood:
    """A scenario's homes on their feeder, as they are expected to behave.

    Attributes:
        scenario: the scenario.
        seed: of the forecast errors.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        self.seed = seed
        names = scenario.feeder.node_names
        self._nodes = {
            participant.account: scenario.feeder.node(participant.node)
            for participant in scenario.participants
        }
        three_phase = scenario.feeder.three_phase
        self._phases = (
            {participant.account: participant.phase for participant in scenario.participants}
            if three_phase
            else {}
        )
        self._inverter_va = {
            participant.account: participant.inverter_va for participant in scenario.participants
        }
        # The files count demand as positive, the power flow injection.
        self._background_w: Floats = -scenario.active.nodal(names)
        self._background_var: Floats = -scenario.reactive.nodal(names)

    def forecast(self, index: int, limits: Mapping[int, EnergyLimits] | None = None) -> GridForecast:
        """What is expected to flow in the interval at an index of the calendar, before its gate closes.

        Args:
            index: in the calendar, from 0.
            limits: of a published envelope, Wh, by account: inverters keep to them.
        """
        nets = {
            participant.account: expectation(self.scenario, participant, index, self.seed).net_import_wh
            for participant in self.scenario.participants
        }
        return GridForecast(
            nodes=self._nodes,
            import_wh={account: max(0, net) for account, net in nets.items()},
            export_wh={
                account: min(max(0, -net), limits[account].exported) if limits else max(0, -net)
                for account, net in nets.items()
            },
            background_w=self._background_w[index],
            background_var=self._background_var[index],
            inverter_va=self._inverter_va,
            phases=self._phases,
        )


class ScenarioForecasts:
    """The forecasts of a scenario's homes, as members of the committee take them.

    Attributes:
        scenario: the scenario.
        first: number of the interval that is its first one on the chain.
    """

    def __init__(self, scenario: Scenario, seed: int, first: int | None = None) -> None:
        """
        Args:
            scenario: the scenario.
            seed: of the forecast errors.
            first: number of the interval that is its first one on the chain; the scenario's own by default.
        """
        self.scenario = scenario
        self.first = scenario.calendar.first if first is None else first
        self._neighbourhood = Neighbourhood(scenario, seed)
        self._newest: ForecastDocument | None = None

    def forecast(self, interval: int) -> ForecastDocument:
        """What is expected in an interval.

        Outside the scenario's days its first day serves again and again, at the same time of day.
        """
        if self._newest is None or self._newest.interval != interval:
            index = interval - self.first
            if not 0 <= index < self.scenario.calendar.count:
                index %= self.scenario.calendar.per_day
            expected = self._neighbourhood.forecast(index)
            self._newest = ForecastDocument.of(interval, expected, self.scenario.feeder)
        return self._newest
