"""A home's curve is what each Wh is worth to it: at any price beyond its limit it gains in expectation."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise, product

import pytest

from peerwatt.agents.draws import triangular
from peerwatt.agents.forecast import Forecast, ForecastError
from peerwatt.agents.newsvendor import POINTS, Newsvendor, likely_errors
from peerwatt.agents.strategy import Connection, Outlook, Prices
from peerwatt.messages.order import Order, Step
from peerwatt.messages.vocabulary import Side

RETAIL, FEED_IN, FEE = 320, 82, 15
ERROR = ForecastError(demand_permille=150, generation_permille=50, weather_permille=100)
CONNECTIONS = Connection(import_wh=50_000, export_wh=50_000)


def prices(tick_size: int = 1, seller: int = 0, buyer: int = FEE) -> Prices:
    return Prices(80, tick_size, RETAIL, FEED_IN, seller, buyer)


def curve(
    demand: int, generation: int, steps: int = 4, *, at: Prices | None = None, error: ForecastError = ERROR
) -> tuple[Step, ...]:
    outlook = Outlook(Forecast(demand, generation), CONNECTIONS, 1, "home-3", 9)
    return Newsvendor(at or prices(), steps, error).steps(outlook)


def price(step: Step, at: Prices) -> int:
    return at.base_price + step.tick * at.tick_size


def gain(step: Step, first: int, outcomes: list[int], at: Prices, charge: int) -> Fraction:
    """What the step's Wh, the ones from `first` on, gain in expectation at its own limit, base units."""
    total = 0
    for actual in outcomes:
        there = min(max(actual - first, 0), step.quantity)
        missing = step.quantity - there
        if step.side == Side.SELL:
            total += (price(step, at) - charge) * step.quantity - RETAIL * missing - FEED_IN * there
        else:
            total += RETAIL * there + FEED_IN * missing - (price(step, at) + charge) * step.quantity
    return Fraction(total, len(outcomes))


def outcomes(demand: int, generation: int, side: Side) -> list[int]:
    """Equally likely nets, counted out a second time."""
    used = [demand * 1000 // (1000 + e) for e in likely_errors((150,))] if demand else [0]
    made = [generation * 1000 // (1000 + e) for e in likely_errors((50, 100))] if generation else [0]
    sign = 1 if side == Side.BUY else -1
    return [max(0, sign * (u - m)) for u, m in product(used, made)]


@pytest.mark.parametrize("tick_size", [1, 2, 7])
@pytest.mark.parametrize(("seller", "buyer"), [(0, FEE), (9, 15)])
@pytest.mark.parametrize(("demand", "generation"), [(900, 0), (35, 2700), (800, 1000), (1000, 950), (0, 3)])
def test_no_step_loses_in_expectation_at_its_own_limit(
    demand: int, generation: int, seller: int, buyer: int, tick_size: int
) -> None:
    at = prices(tick_size, seller, buyer)
    found = curve(demand, generation, at=at)
    assert found
    side = found[0].side
    ordered = found if side == Side.SELL else found[::-1]
    first = 0
    for step in ordered:
        cases = outcomes(demand, generation, side)
        assert gain(step, first, cases, at, seller if side == Side.SELL else buyer) >= 0
        first += step.quantity


def test_a_limit_is_no_worse_than_a_tick_from_what_the_dearest_wh_is_worth() -> None:
    for demand, generation in ((900, 0), (35, 2700)):
        found = curve(demand, generation)
        side = found[0].side
        first, cases = 0, outcomes(demand, generation, side)
        for step in found if side == Side.SELL else found[::-1]:
            last = first + step.quantity
            risk = Fraction(sum(actual < last for actual in cases), len(cases)) * (RETAIL - FEED_IN)
            worth = FEED_IN + risk if side == Side.SELL else RETAIL - FEE - risk
            assert abs(price(step, prices()) - worth) <= Fraction(RETAIL - FEED_IN, POINTS) + 1
            first = last


def test_what_is_certain_is_asked_at_the_feed_in_tariff_and_bid_at_retail_less_the_fee() -> None:
    assert price(curve(0, 2700)[0], prices()) == FEED_IN
    assert price(curve(900, 0)[-1], prices()) == RETAIL - FEE
    certain = ForecastError(0, 0, 0)
    assert curve(100, 2700, error=certain) == (Step(Side.SELL, 2, 2600),)
    assert curve(900, 0, error=certain) == (Step(Side.BUY, 225, 900),)


def test_charges_come_on_top_of_an_ask_and_off_a_bid() -> None:
    charged = prices(seller=9, buyer=15)
    both = zip(curve(0, 2700), curve(0, 2700, at=charged), strict=True)
    assert [with_charge.tick - without.tick for without, with_charge in both] == [9] * 4
    assert curve(900, 0, at=prices(buyer=40))[-1].tick == curve(900, 0)[-1].tick - 25


@pytest.mark.parametrize("most", range(1, 9))
def test_an_order_has_one_side_is_canonical_and_has_no_more_steps_than_allowed(most: int) -> None:
    for demand, generation in product((0, 1, 35, 1000), repeat=2):
        steps = curve(demand, generation, most)
        assert len(steps) <= most
        assert len({step.side for step in steps}) <= 1
        assert not steps or Order(9, 4, steps).is_canonical()


def test_more_steps_offer_more_of_what_is_uncertain() -> None:
    totals = [sum(step.quantity for step in curve(0, 2700, most)) for most in range(1, 9)]
    assert all(fewer <= more for fewer, more in pairwise(totals))
    assert totals[0] < 2700 < totals[-1]


@pytest.mark.parametrize("spreads", [(150,), (50, 100), (1000,), (1000, 1000), (3,)])
def test_likely_errors_are_the_distribution_that_forecasts_are_drawn_from(spreads: tuple[int, ...]) -> None:
    found = likely_errors(spreads)
    drawn = sorted(
        sum(triangular(spread, 7, "error", place, k) for place, spread in enumerate(spreads))
        for k in range(20_000)
    )
    slices = [drawn[(2 * k + 1) * len(drawn) // (2 * POINTS)] for k in range(POINTS)]
    kept = [each for each in slices if each > -1000]
    assert len(found) >= len(kept) - 1
    for mine, theirs in zip(found[::-1], kept[::-1], strict=False):
        assert abs(mine - theirs) <= max(2, sum(spreads) // 40)


def test_without_an_error_there_is_one_outcome() -> None:
    assert likely_errors((0, 0)) == (0,)


def test_a_forecast_that_may_err_by_all_of_it_is_offered_all_the_same() -> None:
    wild = ForecastError(1000, 1000, 1000)
    steps = curve(0, 2700, 8, error=wild)
    assert steps
    assert steps[0].quantity < 2700
