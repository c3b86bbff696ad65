"""What homes would gain by ordering otherwise: one or several deviate, everybody else stays as they are.

A deviation changes what a home orders; what flows at its meter is then a home's as ever. Each is rehearsed on
whole days, and what every home pays is taken interval by interval, so that a deviation in some intervals only
can be read off the same rehearsal.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Final

from peerwatt.agents.home import Flow
from peerwatt.agents.strategy import Connection, Prices
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import MAX_STEP_QUANTITY, Order, Side, Step
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.rehearsal import Rehearsal, Resident
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario.bidding import bidding_prices, expectation
from peerwatt.scenario.household import Household
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import PERCENT


@dataclass(frozen=True)
class Situation:
    """What a home that deviates knows of an interval.

    Attributes:
        steps: of the order that its strategy would post.
        surplus_wh: what it expects to export, or less than 0 where it expects to import.
        connection: what it could order at most.
        prices: what it decides by.
        limited: whether the network operator will limit exports, which follows from the public forecast.
    """

    steps: tuple[Step, ...]
    surplus_wh: int
    connection: Connection
    prices: Prices
    limited: bool


Deviation = Callable[[Situation], tuple[Step, ...]]
"""The steps that a home orders instead; none to stay out."""


def stays_out(found: Situation) -> tuple[Step, ...]:
    """Posts nothing."""
    return ()


def asks(price: int) -> Deviation:
    """Offers all of an expected surplus at one price, base units per Wh."""

    def deviation(found: Situation) -> tuple[Step, ...]:
        if found.surplus_wh <= 0:
            return found.steps
        wh = min(found.surplus_wh, found.connection.export_wh, MAX_STEP_QUANTITY)
        return (Step(Side.SELL, found.prices.ask_tick(price), wh),)

    return deviation


def bids(price: int) -> Deviation:
    """Buys all of an expected need at one price, base units per Wh."""

    def deviation(found: Situation) -> tuple[Step, ...]:
        if found.surplus_wh >= 0:
            return found.steps
        wh = min(-found.surplus_wh, found.connection.import_wh, MAX_STEP_QUANTITY)
        return (Step(Side.BUY, found.prices.bid_tick(price), wh),)

    return deviation


def scaled(percent: int) -> Deviation:
    """Offers another quantity at the same prices: below 100 it withholds, above it oversells or overbuys."""

    def deviation(found: Situation) -> tuple[Step, ...]:
        left = {Side.SELL: found.connection.export_wh, Side.BUY: found.connection.import_wh}
        steps = []
        for step in found.steps:
            wh = min(step.quantity * percent // PERCENT, left[step.side], MAX_STEP_QUANTITY)
            left[step.side] -= wh
            if wh:
                steps.append(Step(step.side, step.tick, wh))
        return tuple(steps)

    return deviation


def sham_bid(price: int, wh: int, *, limited_only: bool = False) -> Deviation:
    """Buys energy that it will not draw, below what it asks itself where it also sells.

    Args:
        price: base units per Wh.
        wh: how much.
        limited_only: only where the network operator limits exports.
    """

    def deviation(found: Situation) -> tuple[Step, ...]:
        if limited_only and not found.limited:
            return found.steps
        sells = tuple(step for step in found.steps if step.side == Side.SELL)
        tick = min(found.prices.bid_tick(price), *(step.tick - 1 for step in sells), 255)
        wanted = min(wh, found.connection.import_wh, MAX_STEP_QUANTITY)
        buys = {step.tick: step.quantity for step in found.steps if step.side == Side.BUY}
        room = found.connection.import_wh - sum(buys.values())
        if tick < 0 or min(wanted, room) <= 0 or (len(buys) + len(sells) >= 8 and tick not in buys):
            return found.steps
        buys[tick] = buys.get(tick, 0) + min(wanted, room)
        return (*(Step(Side.BUY, at, buys[at]) for at in sorted(buys)), *sells)

    return deviation


def buys_from_itself(found: Situation) -> tuple[Step, ...]:
    """Buys its own surplus: an order whose asks are not above its bids, which the market skips."""
    sells = tuple(step for step in found.steps if step.side == Side.SELL)
    wh = min(sum(step.quantity for step in sells), found.connection.import_wh)
    if not wh:
        return found.steps
    return (Step(Side.BUY, max(step.tick for step in sells), wh), *sells)


class Deviating:
    """A household that orders otherwise."""

    def __init__(
        self, scenario: Scenario, participant: Participant, deviation: Deviation, feeder: SolvedFeeder
    ) -> None:
        """
        Args:
            scenario: the neighbourhood.
            participant: who deviates.
            deviation: what it orders instead.
            feeder: of the scenario and the seed.
        """
        self._scenario = scenario
        self._participant = participant
        self._deviation = deviation
        self._feeder = feeder
        self._household = Household(scenario, participant, feeder.seed, scenario.calendar.first)

    def order(self, interval: int, limits: EnergyLimits | None = None) -> Order | None:
        """As `Resident` has it."""
        scenario, participant = self._scenario, self._participant
        index = interval - scenario.calendar.first
        usual = self._household.order(interval, limits)
        connection = scenario.connection(participant)
        if limits is not None:
            connection = Connection(limits.imported, limits.exported)
        steps = self._deviation(
            Situation(
                steps=usual.steps if usual else (),
                surplus_wh=-expectation(scenario, participant, index, self._feeder.seed).net_import_wh,
                connection=connection,
                prices=bidding_prices(scenario.market, scenario.tariff),
                limited=self._feeder.without_market.allowed(index) is not None,
            )
        )
        return Order(interval, participant.account, steps) if steps else None

    def deviates(self, interval: int) -> bool:
        """Whether it orders otherwise than its household would."""
        return self.order(interval) != self._household.order(interval)

    def flow(self, interval: int, export_limit_wh: int | None) -> Flow:
        """As `Resident` has it."""
        return self._household.flow(interval, export_limit_wh)


Payments = Mapping[int, list[int]]
"""What each account pays in each interval, base units; negative where it is paid."""


class Day:
    """The first intervals of a scenario, and what every home pays if some of them deviate.

    Intervals are settled each for itself, so only those are rehearsed again in which somebody deviates.

    Attributes:
        usual: What every home pays if nobody does.
    """

    def __init__(self, scenario: Scenario, feeder: SolvedFeeder, intervals: int | None = None) -> None:
        """
        Args:
            scenario: the neighbourhood.
            feeder: of the scenario and the seed.
            intervals: how many; a day's by default.

        Raises:
            PeerwattError: the feeder refused.
        """
        self._scenario = scenario
        self._feeder = feeder
        self._intervals = scenario.calendar.per_day if intervals is None else intervals
        nobody: Payments = {home.account: [0] * self._intervals for home in scenario.participants}
        self.usual = self._rehearsed({}, range(self._intervals), nobody)

    def payments(self, deviations: Mapping[str, Deviation]) -> Payments:
        """What every home pays.

        Args:
            deviations: of those who deviate, by the participant's name.

        Raises:
            PeerwattError: the feeder refused.
        """
        scenario, first = self._scenario, self._scenario.calendar.first
        chosen = {
            home.account: Deviating(scenario, home, deviations[home.name], self._feeder)
            for home in scenario.participants
            if home.name in deviations
        }
        changed = frozenset(
            t for t in range(self._intervals) if any(each.deviates(first + t) for each in chosen.values())
        )
        return self._rehearsed(dict(chosen), changed, self.usual)

    def gain(self, deviations: Mapping[str, Deviation]) -> int:
        """What those who deviate gain together, base units; raises as `payments` does."""
        paid, accounts = self.payments(deviations), {h.name: h.account for h in self._scenario.participants}
        return sum(sum(self.usual[accounts[who]]) - sum(paid[accounts[who]]) for who in deviations)

    def _rehearsed(
        self, residents: Mapping[int, Resident], positions: Container[int], otherwise: Payments
    ) -> Payments:
        paid = {account: list(of_account) for account, of_account in otherwise.items()}

        def take(log: IntervalLog) -> None:
            for account, of_account in paid.items():
                of_account[log.index] = _payment(self._scenario, log, account)

        Rehearsal(
            self._scenario,
            self._feeder.seed,
            self._intervals,
            residents=residents,
            feeder=self._feeder,
            only=positions,
        ).run(take=take)
        return paid


def _payment(scenario: Scenario, log: IntervalLog, account: int) -> int:
    """What an account pays: on the market as it was booked, otherwise at the tariff within its limit."""
    if account in log.accepted:
        return -log.cash[account]
    assert log.judgement is not None
    flow, allowed = log.flows[account], log.judgement.allowed_export()
    exported = flow.exported if allowed is None else min(flow.exported, allowed[account])
    return scenario.tariff.retail * flow.imported - scenario.tariff.feed_in * exported


LADDER: Final = (100, 120, 140, 160, 200, 240, 280)
"""Prices at which the search asks and bids, base units per Wh."""

DEVIATIONS: Final[Mapping[str, Deviation]] = {
    "stays out": stays_out,
    "stays out where exports are limited": lambda found: () if found.limited else found.steps,
    "asks the floor": asks(0),
    "bids the ceiling": bids(10_000),
    **{f"asks {price / 10:.0f} ct/kWh": asks(price) for price in LADDER},
    **{f"bids {price / 10:.0f} ct/kWh": bids(price) for price in LADDER},
    **{f"withholds {PERCENT - percent} %": scaled(percent) for percent in (75, 50, 25)},
    **{f"orders {percent} % of it": scaled(percent) for percent in (110, 150, 300)},
    "buys from itself": buys_from_itself,
    "sham bid of 5 kWh at the floor": sham_bid(82, 5_000),
    "sham bid of 5 kWh at 12 ct/kWh": sham_bid(120, 5_000),
    "sham bid of 5 kWh at the ceiling": sham_bid(10_000, 5_000),
    "sham bid of 1 kWh where exports are limited": sham_bid(10_000, 1_000, limited_only=True),
}
"""What the search tries, by name."""
