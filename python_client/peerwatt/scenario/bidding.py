"""What a scenario's homes expect and bid: the agents, set up by the scenario."""

from __future__ import annotations

from peerwatt.agents.forecast import Forecast, forecast
from peerwatt.agents.strategies import STRATEGIES
from peerwatt.agents.strategy import Connection, Outlook, Prices, Strategy
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.pricing import SET_PRICES
from peerwatt.messages.order import Order
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario


def expectation(scenario: Scenario, participant: Participant, index: int, seed: int) -> Forecast:
    """What a participant believes about an interval before its gate closure.

    Args:
        scenario: the scenario.
        participant: one of its participants.
        index: of the interval in the calendar, from 0.
        seed: of the replay.
    """
    return forecast(
        participant.demand_wh[index],
        participant.generation_wh[index],
        scenario.bidding.error,
        seed,
        participant.name,
        scenario.calendar.first + index,
    )


def order_of(
    scenario: Scenario,
    participant: Participant,
    index: int,
    seed: int,
    interval: int | None = None,
    limits: EnergyLimits | None = None,
) -> Order | None:
    """A participant's order for an interval, or None where it expects to exchange nothing.

    Args:
        scenario: the scenario.
        participant: one of its participants.
        index: of the interval in the calendar, from 0.
        seed: of the replay.
        interval: its number on chain, where the chain's clock is not the scenario's.
        limits: what the interval's operating envelope leaves of its connection, Wh; all of it by default.
    """
    connection = scenario.connection(participant)
    if limits is not None:
        connection = Connection(import_wh=limits.imported, export_wh=limits.exported)
    scenario_interval = scenario.calendar.first + index
    expected = expectation(scenario, participant, index, seed)
    outlook = Outlook(expected, connection, seed, participant.name, scenario_interval)
    steps = strategy_of(scenario).steps(outlook)
    number = scenario_interval if interval is None else interval
    return Order(interval=number, participant=participant.account, steps=steps) if steps else None


def strategy_of(scenario: Scenario) -> Strategy:
    """How the homes of a scenario bid."""
    bidding, market = scenario.bidding, scenario.market
    made = STRATEGIES[bidding.strategy]
    prices = bidding_prices(market, scenario.tariff)
    return made(prices, bidding.most_steps, bidding.error, market.pricing in SET_PRICES)


def bidding_prices(market: MarketConfig, tariff: Tariff) -> Prices:
    """What a home decides by in a market: the tariffs, and what the network may charge either side."""
    between = market.break_even(tariff)
    return Prices(
        base_price=market.base_price,
        tick_size=market.tick_size,
        retail=tariff.retail,
        feed_in=tariff.feed_in,
        seller_charge=between.low - tariff.feed_in,
        buyer_charge=tariff.retail - between.high,
    )
