"""No order of one home or of two that collude moves the feeder, by pandapower, or pays.

Forecasts are exact here, so that what meters count is what a report promised, to the Wh.
Needs the `grid` extra (pandapower, simbench).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandapower as pp
import pytest
import simbench

from peerwatt.agents.forecast import ForecastError
from peerwatt.agents.home import Flow
from peerwatt.grid.files.importers.pandapower import with_ratio_taps
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.messages import Order, Side, Step
from peerwatt.record.bills import bill_lines, interval_terms
from peerwatt.record.results import ReplayResult
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.replay.solved_feeder import SolvedFeeder
from peerwatt.scenario import variants
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.household import Household
from peerwatt.scenario.scenario import Scenario

MORNING, INTERVALS, SEED = 38, 14, 1
FEED_IN, CEILING = 2, 255
Offers = Callable[[Household, Order | None, EnergyLimits], tuple[tuple[Side, int, int], ...]]
"""What an attacker offers: side, tick and Wh, given its honest order and its connection."""


def nothing(home: Household, order: Order | None, limits: EnergyLimits) -> tuple[tuple[Side, int, int], ...]:
    return ()


def sell(times: int, tick: int) -> Offers:
    """A multiple of what it would sell."""

    def offers(
        home: Household, order: Order | None, limits: EnergyLimits
    ) -> tuple[tuple[Side, int, int], ...]:
        wanted = times * (order.total(Side.SELL) if order else 0)
        return ((Side.SELL, tick, min(wanted, limits.exported)),)

    return offers


def all_of(side: Side, tick: int) -> Offers:
    """Whatever its connection carries, forecast or not."""

    def offers(
        home: Household, order: Order | None, limits: EnergyLimits
    ) -> tuple[tuple[Side, int, int], ...]:
        return ((side, tick, limits.exported if side == Side.SELL else limits.imported),)

    return offers


ATTACKS: Mapping[str, Mapping[str, Offers]] = {
    "sell to a friend who draws nothing of it": {
        "works": sell(10, FEED_IN),
        "elif": all_of(Side.BUY, CEILING),
    },
    "buy from a friend and feed in oneself": {
        "ada": all_of(Side.BUY, CEILING),
        "works": sell(1, FEED_IN),
    },
    "a producer that buys": {"works": all_of(Side.BUY, CEILING)},
    "ten times its sun, at the floor": {"works": sell(10, FEED_IN)},
    "ten times its sun, above the floor": {"works": sell(10, 20)},
    "all that the connection carries": {"works": all_of(Side.SELL, 5)},
    "sun of a home without any": {"elif": all_of(Side.SELL, FEED_IN)},
    "ten times its need": {"restaurant": all_of(Side.BUY, 150)},
    "stay out": {"works": nothing},
    "stay out together": {"works": nothing, "ada": nothing},
}


LIKE: Mapping[str, Mapping[str, Offers]] = {
    "sell to a friend who draws nothing of it": {"works": sell(1, FEED_IN)},
    "buy from a friend and feed in oneself": {"works": sell(1, FEED_IN)},
    "ten times its sun, at the floor": {"works": sell(1, FEED_IN)},
    "ten times its sun, above the floor": {"works": sell(1, 20)},
    "all that the connection carries": {"works": sell(1, 5)},
}
"""The same prices for what there is, where an attack has others than the strategy: its measure."""


@dataclass
class Attacker:
    """A home that offers what it likes; its meter counts what flows."""

    home: Household
    limits: EnergyLimits
    offers: Offers

    def order(self, interval: int, limits: EnergyLimits | None = None) -> Order | None:
        honest = self.home.order(interval, limits)
        steps = self.offers(self.home, honest, self.limits)
        made = tuple(Step(side, tick, quantity) for side, tick, quantity in steps if quantity)
        return Order(interval, self.home.account, made) if made else None

    def flow(self, interval: int, export_limit_wh: int | None) -> Flow:
        return self.home.flow(interval, export_limit_wh)


@pytest.fixture(scope="module")
def noon(scenario: Scenario) -> Scenario:
    exact = replace(scenario, bidding=replace(scenario.bidding, error=ForecastError(0, 0, 0)))
    return from_interval(exact, MORNING)


@pytest.fixture(scope="module")
def feeder(noon: Scenario) -> SolvedFeeder:
    return SolvedFeeder(noon, SEED)


@pytest.fixture(scope="module")
def bare() -> Any:
    """The scenario's grid in pandapower, with one controllable injection per bus and nothing else."""
    net = with_ratio_taps(simbench.get_simbench_net("1-LV-rural2--2-sw"))
    for kind in ("load", "sgen", "storage"):
        net[kind] = net[kind].iloc[0:0]
    pp.create_sgens(net, net.bus.index, p_mw=0.0)
    return net


def attacked(
    noon: Scenario, feeder: SolvedFeeder, mechanism: str, attack: Mapping[str, Offers]
) -> ReplayResult:
    market, first = variants.under(noon, mechanism), noon.calendar.first
    attackers = {}
    for home in market.participants:
        if home.name in attack:
            carries = noon.connection(home)
            limits = EnergyLimits(carries.import_wh, carries.export_wh)
            household = Household(market, home, SEED, first, INTERVALS)
            attackers[home.account] = Attacker(household, limits, attack[home.name])
    return rehearse_scenario(market, SEED, INTERVALS, residents=attackers, feeder=feeder)


def highest_by_pandapower(noon: Scenario, feeder: SolvedFeeder, bare: Any, result: ReplayResult) -> float:
    """Of all intervals that are cut, from what the meters counted."""
    found, first = 0.0, noon.calendar.first
    homes = {home.name: home for home in noon.participants}
    for interval in (each.interval for each in result.intervals if each.verdict.cuts):
        forecast = feeder.forecast(interval - first, {})
        power = np.array(forecast.background_w)
        for each in result.settlements:
            if each.interval == interval:
                node = forecast.nodes[homes[each.participant].account]
                power[node] += (each.exported_wh - each.imported_wh) * 3600 / noon.calendar.length_s
        bare.sgen["p_mw"], bare.sgen["q_mvar"] = power / 1e6, forecast.background_var / 1e6
        pp.runpp(bare, calculate_voltage_angles=True)
        found = max(found, float(bare.res_bus.vm_pu.max()))
    return found


def paid(noon: Scenario, result: ReplayResult, names: Collection[str], intervals: Collection[int]) -> int:
    """What some homes pay together for some intervals, base units."""
    terms = interval_terms(result.intervals, result.orders)
    return sum(
        bill_lines(each, terms[each.interval], noon.tariff).total
        for each in result.settlements
        if each.participant in names and each.interval in intervals
    )


def test_what_flows_is_what_was_promised_where_forecasts_do_not_miss(
    noon: Scenario, feeder: SolvedFeeder, bare: Any
) -> None:
    result = attacked(noon, feeder, "uniform", {})
    highest = highest_by_pandapower(noon, feeder, bare, result)
    assert highest <= result.summary.limits.voltage_max_pu
    cut = [i.voltage_max_pu_after for i in result.intervals if i.verdict.cuts]
    assert len(cut) > 10
    assert highest == pytest.approx(max(cut), abs=2e-6)


@pytest.mark.parametrize("mechanism", ["uniform", "mid-market"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_orders_move_the_feeder_beyond_its_limit_or_pay_where_the_gate_cuts(
    attack: str, mechanism: str, noon: Scenario, feeder: SolvedFeeder, bare: Any
) -> None:
    names, like = ATTACKS[attack], LIKE.get(attack, {})
    before, after = (attacked(noon, feeder, mechanism, each) for each in (like, names))
    assert after.orders != before.orders
    for one, other in zip(before.settlements, after.settlements, strict=True):
        assert (one.exported_wh, one.imported_wh) == (other.exported_wh, other.imported_wh)
    assert highest_by_pandapower(noon, feeder, bare, after) <= after.summary.limits.voltage_max_pu
    assert after.summary.intervals_beyond_limits == 0
    cut = {each.interval for each in after.intervals if each.verdict.cuts}
    assert paid(noon, after, names, cut) >= paid(noon, before, names, cut)
    for home in after.participants:
        assert home.participant in names or not home.loses
