"""What a home would pay without a market: the same home, on the same feeder, at the tariff.

A feeder that cannot carry everybody's export cannot carry it without a market either. The network operator
then limits exports, by the scenario's stated rule and from the forecast alone. So the counterfactual is the
same under every pricing rule, strategy, sealed phase and envelope: it depends on the scenario and the seed of
its forecasts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from peerwatt.agents.home import Flow, metered_flow
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.oracle import allowed_without_market
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario

STATED: Final[Mapping[str, str]] = {
    "equal_shares": "without a market everybody pays the tariff on the same feeder: where it cannot carry "
    "the forecast export of all, everybody may feed in the same share of its own, more only where that takes "
    "from nobody, and what flows earns the feed-in tariff",
}
"""The rule of a counterfactual in words, by the value of `counterfactual`."""


class Counterfactual:
    """A scenario's homes without a market, under one seed.

    Attributes:
        scenario: whose homes.
        seed: of their forecasts' errors.
    """

    def __init__(self, scenario: Scenario, seed: int, solver: PowerFlow | None = None) -> None:
        """
        Args:
            scenario: whose homes.
            seed: of their forecasts' errors.
            solver: of the scenario's feeder; one is made by default.
        """
        self.scenario = scenario
        self.seed = seed
        self._solver = solver or PowerFlow(scenario.feeder)
        self._neighbourhood = Neighbourhood(scenario, seed)
        self._allowed: dict[int, Mapping[int, int] | None] = {}

    def allowed(self, index: int) -> Mapping[int, int] | None:
        """What the network operator lets each home feed in, Wh by account; none where nothing is limited.

        Args:
            index: of the interval in the calendar, from 0.

        Raises:
            FlowError: no share of the exports has a power flow.
        """
        if index not in self._allowed:
            forecast, length_s = self._neighbourhood.forecast(index), self.scenario.calendar.length_s
            self._allowed[index] = allowed_without_market(
                forecast, length_s, self._solver, self.scenario.rules
            )
        return self._allowed[index]

    def flow(self, index: int, participant: Participant) -> Flow:
        """What a home's meter would count; raises as `allowed` does."""
        allowed = self.allowed(index)
        return metered_flow(
            participant.demand_wh[index],
            participant.generation_wh[index],
            None if allowed is None else allowed[participant.account],
            metered=participant.metered,
        )

    def payment(self, index: int, participant: Participant) -> int:
        """What a home would pay for an interval, base units; negative where it is paid."""
        flow, tariff = self.flow(index, participant), self.scenario.tariff
        return tariff.retail * flow.imported - tariff.feed_in * flow.exported


def counterfactual(scenario: Scenario, seed: int | None = None) -> Counterfactual:
    """What a scenario's homes would pay without a market.

    Args:
        scenario: whose homes.
        seed: of their forecasts' errors; the scenario's by default.
    """
    return Counterfactual(scenario, scenario.seed if seed is None else seed)
