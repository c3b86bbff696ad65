"""A scenario's feeder under one seed, on which nothing is solved twice.

What the grid decides on an interval follows from its inputs. Rehearsals of one scenario and seed differ in
few of them: with another order of one home most intervals come to the same inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import GridDecision
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.oracle import ClearedInterval, GridForecast, Judgement
from peerwatt.oracle.judgement import judge
from peerwatt.scenario.counterfactual import Counterfactual
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.scenario import Scenario


@dataclass(frozen=True)
class _Remembering(GridRules):
    """The same rules, and what they decided."""

    decided: dict[bytes, GridDecision] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(cls, rules: GridRules) -> _Remembering:
        return cls(**{each.name: getattr(rules, each.name) for each in fields(rules)})

    def decide(self, solver: PowerFlow, exchange: Exchange, inverter_va: Floats) -> GridDecision:
        key = self.inputs_hash(exchange, inverter_va)
        if key not in self.decided:
            self.decided[key] = super().decide(solver, exchange, inverter_va)
        return self.decided[key]

    def inputs_hash(self, exchange: Exchange, inverter_va: Floats) -> bytes:
        plain = GridRules(**{each.name: getattr(self, each.name) for each in fields(GridRules)})
        return plain.inputs_hash(exchange, inverter_va)


@dataclass(frozen=True)
class Decided:
    """The grid's decision on trades, and what the network charges them.

    Attributes:
        participants: accounts, the order of arrays.
        grid: the decision.
        charges: base units of each; zeros where buyers pay the uniform fee.
    """

    participants: tuple[int, ...]
    grid: GridDecision
    charges: Ints


class SolvedFeeder:
    """The feeder as committee and dispatch know it.

    Attributes:
        scenario: whose feeder; its market is not looked at.
        seed: of the forecast errors.
        solver: of the feeder.
        without_market: what its homes would pay without a market.
    """

    def __init__(self, scenario: Scenario, seed: int) -> None:
        """
        Args:
            scenario: whose feeder.
            seed: of the forecast errors.
        """
        self.scenario = scenario
        self.seed = seed
        self.solver = PowerFlow(scenario.feeder)
        self.without_market = Counterfactual(scenario, seed, self.solver)
        self._neighbourhood = Neighbourhood(scenario, seed)
        self._rules = _Remembering.of(scenario.rules)
        self._forecasts: dict[int, GridForecast] = {}

    def forecast(self, index: int, limits: Mapping[int, EnergyLimits]) -> GridForecast:
        """What is expected to flow, with inverters that keep to a published envelope.

        Args:
            index: of the interval in the calendar, from 0.
            limits: of the envelope, Wh, by account; empty where there is none.
        """
        if limits:
            return self._neighbourhood.forecast(index, limits)
        if index not in self._forecasts:
            self._forecasts[index] = self._neighbourhood.forecast(index)
        return self._forecasts[index]

    def decide(self, index: int, sold: Mapping[int, int], bought: Mapping[int, int]) -> Decided:
        """What the grid lets stand of trades that were agreed on off chain.

        Args:
            index: of the interval in the calendar, from 0.
            sold: Wh by account.
            bought: likewise, of the same sum.

        Raises:
            FlowError: the power flow has no solution.
        """
        forecast, rules = self.forecast(index, {}), self._rules
        exchange = forecast.exchange(self.scenario.calendar.length_s, sold, bought)
        grid = rules.decide(self.solver, exchange, forecast.inverters_va)
        charges = rules.charges.charges(self.solver, exchange.nodes, grid.sell_wh, grid.buy_wh)
        return Decided(forecast.participants, grid, charges)

    def judge(self, cleared: ClearedInterval, forecast: GridForecast) -> Judgement:
        """The committee's report.

        Raises:
            FlowError: the power flow has no solution.
        """
        return judge(cleared, forecast, self.solver, self._rules)
