"""Designs that look beyond one interval, and the measures that put all of them side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from peerwatt.designs import DESIGNS, Book, Terms, design, mechanism
from peerwatt.designs.battery import batteries_of, schedule
from peerwatt.designs.bidders import LEVELS, level_price
from peerwatt.designs.demurrage import DemurrageTokens
from peerwatt.designs.measures import gini, jain, measure
from peerwatt.designs.neighbourhood import Battery, Neighbourhood, net_book
from peerwatt.designs.prospect import ProspectBidders
from peerwatt.designs.synthetic import random_book, random_neighbourhood
from peerwatt.errors import InputError

SMALL = random_neighbourhood(1, 6, interval_s=3600)
TERMS = SMALL.terms


@pytest.mark.parametrize("name", DESIGNS)
def test_money_is_neither_made_nor_lost(name: str) -> None:
    """Households pay together the tariff on what they exchange outside, and what the market keeps."""
    run = design(name).run(SMALL)
    result = measure(SMALL, run)
    outside = TERMS.retail * (run.imported - np.minimum(run.bought, run.imported))
    outside += TERMS.retail * (run.sold - np.minimum(run.sold, run.exported))
    outside -= TERMS.feed_in * (run.exported - np.minimum(run.sold, run.exported))
    outside -= TERMS.feed_in * (run.bought - np.minimum(run.bought, run.imported))
    peer = int(run.payment.sum() + run.dues.sum())
    assert int(result.bills.sum()) == int(outside.sum()) + peer
    if name == "merge-split":
        assert run.surplus == 0  # coordination is a cost, nobody keeps it
    elif name != "tokens":  # tokens are paid for now and redeemed later
        assert peer == run.surplus


@pytest.mark.parametrize("name", DESIGNS)
def test_same_seed_same_run(name: str) -> None:
    one, two = (
        measure(SMALL, design(name).run(random_neighbourhood(1, 6, interval_s=3600))) for _ in range(2)
    )
    assert one.bills.tolist() == two.bills.tolist()
    assert one.messages == two.messages


@pytest.mark.parametrize("name", [name for name in DESIGNS if name not in ("bill-sharing", "virtual-pool")])
def test_nobody_is_worse_off_where_the_design_says_so(name: str) -> None:
    exact = replace(SMALL, books=tuple(SMALL.readings(t) for t in range(SMALL.intervals)), expected=None)
    savings = measure(exact, design(name).run(exact)).savings
    if name in ("merge-split", "nash-flexible"):
        assert savings.sum() >= 0  # together; one alone may lose
    else:
        assert savings.min() >= 0


def test_the_pool_of_mechanisms_reaches_all_that_can_be_shared() -> None:
    for name in ("mid-market-ex-post", "sdr-ex-post", "shapley", "nucleolus"):
        assert measure(SMALL, design(name).run(SMALL)).gain_share == pytest.approx(1)
    assert measure(SMALL, design("tariff-only").run(SMALL)).gain == 0


def test_a_missed_forecast_is_settled_as_on_chain() -> None:
    demand, generation = np.array([[400, 0]]), np.array([[0, 300]])
    book = Book.of([(0, 300, 500)], [(1, 80, 500)])  # 100 Wh too much bought, 200 Wh too much sold
    neighbourhood = Neighbourhood(("a", "b"), demand, generation, Terms(retail=300, feed_in=80), 900, (book,))
    result = measure(neighbourhood, design("uniform").run(neighbourhood))
    assert result.bills.tolist() == [500 * 190 - 100 * 80, -500 * 190 + 200 * 300]


def test_measures_by_hand() -> None:
    demand, generation = np.array([[100, 50], [100, 50]]), np.array([[0, 150], [0, 0]])
    neighbourhood = Neighbourhood(
        ("a", "b"),
        demand,
        generation,
        Terms(retail=300, feed_in=100),
        3600,
        (net_book(np.zeros(2, int), TERMS),) * 2,
    )
    result = measure(neighbourhood, design("mid-market-ex-post").run(neighbourhood))
    assert result.bills.tolist() == [100 * 200 + 100 * 300, -100 * 200 + 50 * 300]
    assert result.savings.tolist() == [10_000, 10_000]
    assert (result.gini, result.jain, result.better_off, result.gain_share) == (0, 1, 1, 1)
    assert result.self_sufficiency == pytest.approx((50 + 100) / 300)
    assert result.self_consumption == 1
    assert result.peak == 150
    dark = replace(neighbourhood, generation=generation * 0)
    assert measure(dark, design("mid-market-ex-post").run(dark)).self_consumption is None


def test_equality_indices() -> None:
    assert gini(np.array([1, 1, 1, 1])) == 0
    assert gini(np.array([0, 0, 0, 4])) == pytest.approx(0.75)
    assert jain(np.array([0, 0, 0, 4])) == pytest.approx(0.25)
    assert gini(np.zeros(3, dtype=np.int64)) is None


def test_a_battery_plan_by_hand() -> None:
    # 100 Wh of surplus, then 60 Wh of demand: at 50 % in, storing 100 saves 50 Wh of retail.
    battery, terms = Battery(1_000, 1_000, efficiency_percent=50), Terms(retail=300, feed_in=100)
    charge, discharge = schedule(np.array([-100, 60]), [battery], terms, 3600)
    assert (charge[:, 0].tolist(), discharge[:, 0].tolist()) == ([100, 0], [0, 50])
    charge, _ = schedule(np.array([-100, 60]), [battery], Terms(retail=300, feed_in=160), 3600)
    assert charge.sum() == 0  # feeding in earns more than half of retail


@pytest.mark.parametrize("name", ["battery-home", "battery-central"])
def test_batteries_keep_their_limits(name: str) -> None:
    run = design(name).run(SMALL)
    moved = (run.imported - run.exported) - (SMALL.imported - SMALL.exported)
    for home, battery in enumerate(batteries_of(SMALL)):
        if battery is None:
            assert not moved[:, home].any()
            continue
        assert (np.abs(moved[:, home]) <= battery.power).all()
        charge, discharge = np.maximum(moved[:, home], 0), np.maximum(-moved[:, home], 0)
        state = np.cumsum(charge * battery.efficiency_percent - discharge * 100)
        assert state.min() >= 0
        assert state.max() <= battery.capacity * 100


def test_one_plan_is_no_dearer_than_everybodys_own() -> None:
    alone, together = (
        measure(SMALL, design(name).run(SMALL)) for name in ("battery-home", "battery-central")
    )
    assert int(together.bills.sum()) <= int(alone.bills.sum())
    assert together.gain > measure(SMALL, design("mid-market-ex-post").run(SMALL)).gain


def test_battery_blocks_cost_no_more_than_they_save_at_the_tariff() -> None:
    run = design("battery-auction").run(SMALL)
    assert run.surplus > 0
    shared = replace(run, bought=run.bought * 0, sold=run.sold * 0, payment=run.payment * 0)
    assert measure(SMALL, shared).savings.min() >= 0


def test_learning_raises_what_homes_save_over_random_levels() -> None:
    neighbourhood = random_neighbourhood(2, 8, interval_s=3600)
    random = measure(neighbourhood, design("uniform").run(neighbourhood)).gain
    for name in ("q-learning", "ppo"):
        assert measure(neighbourhood, design(name).run(neighbourhood)).gain > random


@pytest.mark.parametrize("name", ["q-learning", "ppo", "prospect"])
def test_bidders_without_a_seller_trade_nothing(name: str) -> None:
    demand, generation = np.tile([100, 0], (24, 1)), np.tile([0, 0], (24, 1))
    run = design(name).run(
        Neighbourhood(("a", "b"), demand, generation, Terms(), 3600, (Book.of([], []),) * 24)
    )
    assert run.bought.sum() == 0
    assert run.payment.sum() == 0


def test_level_prices_run_between_the_tariffs() -> None:
    levels, terms = np.array([0, LEVELS - 1]), Terms(retail=300, feed_in=80, network_fee=20)
    assert level_price(levels, np.array([True, True]), terms).tolist() == [280, 80]
    assert level_price(levels, np.array([False, False]), terms).tolist() == [80, 280]


def test_the_loss_averse_bid_at_their_reference_and_the_rational_do_not_care() -> None:
    rational = [ProspectBidders(hope, 1, 1, 1).level() for hope in (0.3, 0.4, 0.6)]
    assert rational == [5, 5, 5]  # half of the spread: the best answer to a uniform price
    assert [ProspectBidders(hope, 1, 2.25, 1).level() for hope in (0.3, 0.4)] == [3, 4]
    assert [ProspectBidders(hope).level() for hope in (0.6, 0.7)] == [6, 7]


def test_tokens_melt() -> None:
    hoard, melt = (measure(SMALL, DemurrageTokens(ppm).run(SMALL)) for ppm in (0, 200_000))
    assert hoard.gain > melt.gain
    with pytest.raises(InputError, match="demurrage"):
        DemurrageTokens(2_000_000)


@pytest.mark.parametrize("seed", range(6))
def test_no_pair_would_both_gain_by_another_contract(seed: int) -> None:
    book = random_book(seed, 6, 6, most=4, low=100, high=140)
    rule = replace(mechanism("contracts"), unit=1, step=1)  # type: ignore[type-var]
    outcome = rule.clear(book, Terms())
    assert (outcome.paid <= outcome.bought * book.bids.price).all()
    assert (outcome.received >= outcome.sold * book.asks.price).all()
    paid = {bid: max((t.price for t in outcome.trades if t.bid == bid), default=None) for bid in range(6)}
    for bid in range(6):
        for ask in range(6):
            limit = int(book.bids.price[bid])
            wants = outcome.bought[bid] < book.bids.quantity[bid]
            ceiling = limit if wants else paid[bid]
            free = outcome.sold[ask] < book.asks.quantity[ask]
            least = min((t.price for t in outcome.trades if t.ask == ask), default=int(book.asks.price[ask]))
            floor = int(book.asks.price[ask]) if free else least
            # A blocking contract would leave both better off by a step: offered above floor, below ceiling.
            assert ceiling is None or ceiling - floor <= 2 * 1
