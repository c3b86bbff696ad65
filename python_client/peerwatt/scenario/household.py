"""A participant of a scenario as a home: what it knows of an interval, orders, and then lets flow."""

from __future__ import annotations

from peerwatt.agents.home import Flow, metered_flow
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages.order import Order
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario


class Household:
    """One participant's home.

    Attributes:
        participant: whose it is.
    """

    def __init__(
        self, scenario: Scenario, participant: Participant, seed: int, first: int, count: int | None = None
    ) -> None:
        """
        Args:
            scenario: the neighbourhood.
            participant: one of it.
            seed: of its forecasts and bids.
            first: number of the interval on chain that is the scenario's first one.
            count: of the intervals that it takes part in; all of the scenario's by default.
        """
        self.participant = participant
        self._scenario = scenario
        self._seed = seed
        self._first = first
        self._count = scenario.calendar.count if count is None else count

    @property
    def account(self) -> int:
        """Its account in the market."""
        return self.participant.account

    def knows(self, interval: int) -> bool:
        """Whether it takes part in an interval."""
        return 0 <= interval - self._first < self._count

    def order(self, interval: int, limits: EnergyLimits | None = None) -> Order | None:
        """What it orders, within its envelope, Wh; None where it expects to exchange nothing."""
        index = interval - self._first
        return order_of(self._scenario, self.participant, index, self._seed, interval, limits)

    def flow(self, interval: int, export_limit_wh: int | None) -> Flow:
        """What flows in an interval, where the inverter feeds in at most so much."""
        index, participant = interval - self._first, self.participant
        demand, generation = participant.demand_wh[index], participant.generation_wh[index]
        return metered_flow(demand, generation, export_limit_wh, metered=participant.metered)
