"""What a scenario's homes expect and bid: the agents, set up by the scenario."""

from __future__ import annotations

from dataclasses import replace

from peerwatt.agents.forecast import Forecast, forecast
from peerwatt.agents.strategy import Connection, bid
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.market.pricing import SET_PRICES, Pricing
from peerwatt.messages.order import Order, Step
from peerwatt.messages.vocabulary import TICKS, Side
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
    order = bid(
        expectation(scenario, participant, index, seed),
        scenario.bidding.band,
        connection,
        scenario.bidding.most_steps,
        seed,
        participant.name,
        account=participant.account,
        scenario_interval=scenario_interval,
        interval=scenario_interval if interval is None else interval,
    )
    return None if order is None else with_limits_for(scenario.market.pricing, order)


def with_limits_for(pricing: Pricing, order: Order) -> Order:
    """The order as a member of a pool posts it: whatever the price that the rule sets, it takes part.

    Bids go to the top of the ladder and asks to its bottom, so that all of a side share alike. Orders for an
    auction stay as they are.
    """
    if pricing not in SET_PRICES:
        return order
    ends = {Side.BUY: TICKS - 1, Side.SELL: 0}
    totals = {side: order.total(side) for side in Side}
    return replace(order, steps=tuple(Step(side, ends[side], totals[side]) for side in Side if totals[side]))
