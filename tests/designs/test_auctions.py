"""What every auction promises, on books with ties, partial fills, zeros and silent sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.designs import Book, Mechanism, Orders, Terms
from peerwatt.designs.huang import equal_loss
from peerwatt.designs.merit import cross
from peerwatt.designs.optimum import efficiency, optimal_welfare
from peerwatt.designs.registry import AUCTIONS, MECHANISMS, SHARING_RULES, mechanism
from peerwatt.designs.sharing import MidMarketRate, SupplyDemandRatio
from peerwatt.designs.synthetic import random_book
from peerwatt.designs.truthfulness import largest_gain, temptation, utility
from peerwatt.designs.uniform import UniformPrice
from peerwatt.errors import InputError

TERMS = Terms()
TIED = (100, 101, 102, 103)
EFFICIENT = ("uniform", "pay-as-bid", "vickrey")
BALANCED = (
    "uniform",
    "muda",
    "cda",
    "cda-zi",
    "iterative",
    "bilateral",
    *(rule.name for rule in SHARING_RULES),
)
TRUTHFUL = ("vickrey", "huang", "muda")
each_auction = pytest.mark.parametrize("auction", AUCTIONS, ids=lambda auction: auction.name)
FAST = [rule for rule in MECHANISMS.values() if rule.name != "p2p-admm"]  # that one: test_peer_to_peer
each = pytest.mark.parametrize("rule", FAST, ids=lambda rule: rule.name)


@st.composite
def books(draw: st.DrawFn, most: int = 12) -> Book:
    """Small books with many ties."""
    level = st.one_of(st.sampled_from(TIED), st.integers(0, 400))
    order = st.tuples(level, st.one_of(st.integers(0, 5), st.integers(0, 10**6)))
    bids = draw(st.lists(order, max_size=most))
    asks = draw(st.lists(order, max_size=most))
    return Book.of(
        [(row, *values) for row, values in enumerate(bids)],
        [(len(bids) + row, *values) for row, values in enumerate(asks)],
    )


@each
@settings(max_examples=30, deadline=None)
@given(book=books())
def test_every_allocation_is_feasible(rule: Mechanism, book: Book) -> None:
    outcome = rule.clear(book, TERMS)
    assert outcome.bought.sum() == outcome.sold.sum()
    assert ((outcome.bought >= 0) & (outcome.bought <= book.bids.quantity)).all()
    assert ((outcome.sold >= 0) & (outcome.sold <= book.asks.quantity)).all()
    assert not outcome.paid[outcome.bought == 0].any()
    assert not outcome.received[outcome.sold == 0].any()


@each_auction
@settings(max_examples=30, deadline=None)
@given(book=books())
def test_nobody_trades_beyond_its_limit(auction: Mechanism, book: Book) -> None:
    outcome = auction.clear(book, TERMS)
    assert (outcome.paid <= outcome.bought * book.bids.price).all()
    assert (outcome.received >= outcome.sold * book.asks.price).all()


@pytest.mark.parametrize("name", BALANCED)
@settings(max_examples=30, deadline=None)
@given(book=books())
def test_what_buyers_pay_sellers_get(name: str, book: Book) -> None:
    assert mechanism(name).clear(book, TERMS).surplus == 0


@pytest.mark.parametrize("name", ["pay-as-bid", "mcafee", "huang"])
@settings(max_examples=30, deadline=None)
@given(book=books())
def test_never_a_deficit(name: str, book: Book) -> None:
    assert mechanism(name).clear(book, TERMS).surplus >= 0


def test_vickrey_pays_for_truth_with_a_deficit() -> None:
    outcome = mechanism("vickrey").clear(Book.of([(0, 200, 10)], [(1, 100, 10)]), TERMS)
    assert (int(outcome.paid[0]), int(outcome.received[0])) == (1_000, 2_000)


@pytest.mark.parametrize("name", EFFICIENT)
@settings(max_examples=80, deadline=None)
@given(book=books())
def test_efficient_auctions_reach_the_optimum_exactly(name: str, book: Book) -> None:
    assert mechanism(name).clear(book, TERMS).welfare(book) == optimal_welfare(book)


@pytest.mark.parametrize("name", EFFICIENT)
@pytest.mark.parametrize("size", [1, 2, 3, 10, 100, 1_000, 10_000])
@pytest.mark.parametrize("levels", [4, 220])
def test_efficient_at_every_size(name: str, size: int, levels: int) -> None:
    book = random_book(size + levels, size, size, most=10**6, low=100, high=100 + levels)
    assert mechanism(name).clear(book, TERMS).welfare(book) == optimal_welfare(book)


@pytest.mark.parametrize(
    ("name", "least"), [("mcafee", 0.999), ("huang", 0.98), ("muda", 0.9), ("iterative", 0.995)]
)
def test_little_is_lost_on_a_large_book(name: str, least: float) -> None:
    book = random_book(5, 500, 500)
    share = efficiency(book, mechanism(name).clear(book, TERMS))
    assert share is not None
    assert least <= share <= 1


@settings(max_examples=80, deadline=None)
@given(book=books())
def test_the_uniform_price_clears_and_leaves_no_envy(book: Book) -> None:
    for k_ppm in (0, 500_000, 1_000_000):
        outcome = UniformPrice(k_ppm).clear(book, TERMS)
        if outcome.price is None:
            assert outcome.volume == 0
            continue
        assert (outcome.bought == book.bids.quantity)[book.bids.price > outcome.price].all()
        assert (outcome.sold == book.asks.quantity)[book.asks.price < outcome.price].all()


def test_k_moves_the_price_from_the_buyers_to_the_sellers() -> None:
    book = Book.of([(0, 200, 10), (1, 120, 5)], [(2, 100, 10), (3, 190, 5)])
    assert [UniformPrice(k).clear(book, TERMS).price for k in (0, 500_000, 1_000_000)] == [120, 155, 190]
    with pytest.raises(InputError, match="outside"):
        UniformPrice(1_000_001)


@settings(max_examples=100, deadline=None)
@given(book=books())
def test_ties_at_the_margin_are_shared_pro_rata(book: Book) -> None:
    crossing = cross(book)
    fills = crossing.bids.fills(crossing.volume)
    marginal = crossing.bids.price_at(crossing.volume)
    if marginal is None:
        return
    level = book.bids.price == marginal
    wanted, filled = int(book.bids.quantity[level].sum()), int(fills[level].sum())
    exact = book.bids.quantity[level] * filled / wanted
    assert (np.abs(fills[level] - exact) < 1 + 1e-9).all()


def test_rationing_is_exact_where_products_leave_64_bits() -> None:
    quantity = 2**40
    bids = [(row, 100, quantity + row) for row in range(5)]
    outcome = UniformPrice().clear(Book.of(bids, [(9, 100, 3 * quantity + 1)]), TERMS)
    assert outcome.volume == 3 * quantity + 1
    upto, filled = 0, []
    for _, _, q in bids:
        total = sum(q for _, _, q in bids)
        filled.append((upto + q) * outcome.volume // total - upto * outcome.volume // total)
        upto += q
    assert outcome.bought.tolist() == filled


@settings(max_examples=30, deadline=None)
@given(book=books(most=6))
def test_vickrey_charges_the_harm_to_others(book: Book) -> None:
    outcome = mechanism("vickrey").clear(book, TERMS)
    best = optimal_welfare(book)
    for participant in range(book.participants):
        bids, asks = book.bids, book.asks
        others = Book(
            bids.take(np.flatnonzero(bids.participant != participant)),
            asks.take(np.flatnonzero(asks.participant != participant)),
        )
        assert utility(book, outcome, participant) == best - optimal_welfare(others)


def test_vickrey_counts_the_orders_of_one_participant_together() -> None:
    bids = [(0, 300, 4), (0, 250, 4), (1, 240, 4), (0, 230, 4), (2, 220, 4), (2, 150, 8)]
    asks = [(3, 100, 6), (4, 160, 5), (3, 210, 9), (5, 235, 4)]
    book = Book.of(bids, asks)
    outcome, best = mechanism("vickrey").clear(book, TERMS), optimal_welfare(book)
    for participant in range(6):
        others = Book.of(
            [row for row in bids if row[0] != participant], [row for row in asks if row[0] != participant]
        )
        assert utility(book, outcome, participant) == best - optimal_welfare(others)


def test_mcafee_by_hand() -> None:
    # The paper's rule on one unit each: p0 = (7 + 8) / 2 lies between s[2] = 5 and b[2] = 9: no loss.
    book = Book.of([(0, 10, 1), (1, 9, 1), (2, 7, 1)], [(3, 4, 1), (4, 5, 1), (5, 8, 1)])
    outcome = mechanism("mcafee").clear(book, TERMS)
    assert (outcome.volume, outcome.price) == (2, 7)
    # Here p0 = (1 + 4) / 2 is below s[2] = 3: the second trade is given up, 4 is paid and 3 received.
    book = Book.of([(0, 10, 1), (1, 4, 1), (2, 1, 1)], [(3, 2, 1), (4, 3, 1), (5, 4, 1)])
    outcome = mechanism("mcafee").clear(book, TERMS)
    assert (outcome.bought.tolist(), outcome.paid.tolist()) == ([1, 0, 0], [4, 0, 0])
    assert outcome.received.tolist() == [3, 0, 0]


def test_huang_by_hand() -> None:
    # Volume 90: buyer 2 and seller 5 are marginal. 80 Wh wanted, 60 offered: 10 less for each buyer.
    book = Book.of(
        [(0, 30, 50), (1, 28, 30), (2, 25, 40)], [(3, 10, 20), (4, 12, 40), (5, 20, 30), (6, 27, 9)]
    )
    outcome = mechanism("huang").clear(book, TERMS)
    assert outcome.bought.tolist() == [40, 20, 0]
    assert outcome.sold.tolist() == [20, 40, 0, 0]
    assert (outcome.paid.tolist(), outcome.received.tolist()) == ([1000, 500, 0], [400, 800, 0, 0])


def test_equal_loss_takes_the_same_from_each_and_none_below_zero() -> None:
    assert equal_loss(np.array([50, 3, 30]), 60).tolist() == [40, 0, 20]
    assert equal_loss(np.array([5, 5, 5]), 13).tolist() == [4, 4, 5]
    assert equal_loss(np.array([0, 4, 1]), 5).tolist() == [0, 4, 1]


@pytest.mark.parametrize("name", TRUTHFUL)
@pytest.mark.parametrize("seed", range(6))
def test_no_price_lie_pays(name: str, seed: int) -> None:
    book = random_book(seed, 6, 6, most=8, low=100, high=140)
    assert largest_gain(mechanism(name), book, Terms(seed=seed), range(95, 146, 2)).gain == 0


@pytest.mark.parametrize("seed", range(6))
def test_no_lie_pays_at_mcafee_with_one_unit_each(seed: int) -> None:
    book = random_book(seed, 7, 7, most=1, low=100, high=140)
    assert largest_gain(mechanism("mcafee"), book, TERMS, range(95, 146)).gain == 0


@pytest.mark.parametrize("name", ["uniform", "pay-as-bid", "mcafee"])
def test_the_others_can_be_gamed_by_holders_of_several_units(name: str) -> None:
    gains = [
        largest_gain(
            mechanism(name), random_book(seed, 6, 6, most=8, low=100, high=140), TERMS, range(95, 146, 2)
        ).gain
        for seed in range(4)
    ]
    assert max(gains) > 0


def test_temptation_is_zero_for_the_truthful_and_largest_where_one_pays_ones_bid() -> None:
    tempted = {
        name: temptation(mechanism(name)) for name in ("vickrey", "huang", "muda", "uniform", "pay-as-bid")
    }
    assert tempted["vickrey"] == tempted["huang"] == tempted["muda"] == 0
    assert 0 < tempted["uniform"] < tempted["pay-as-bid"]


def test_sharing_rules_follow_their_formulas() -> None:
    book = Book.of([(0, 300, 600), (1, 300, 400)], [(2, 80, 250)])
    middle = MidMarketRate().clear(book, Terms(retail=300, feed_in=100))
    assert (middle.price, middle.bought.tolist()) == (200, [150, 100])
    # SDR 0.25: 300 * 100 / (200 * 0.25 + 100) = 200
    assert SupplyDemandRatio().clear(book, Terms(retail=300, feed_in=100)).price == 200
    surplus = Book(book.asks, book.bids)
    assert SupplyDemandRatio().clear(surplus, Terms(retail=300, feed_in=100)).price == 100


def test_same_seed_same_outcome_and_another_seed_differs() -> None:
    book = random_book(1, 30, 30)
    for name in ("muda", "cda-zi", "bilateral"):
        first, again = (mechanism(name).clear(book, Terms(seed=4)) for _ in range(2))
        assert first.bought.tolist() == again.bought.tolist()
        assert first.bought.tolist() != mechanism(name).clear(book, Terms(seed=5)).bought.tolist()


def test_orders_refuse_what_they_cannot_hold() -> None:
    with pytest.raises(InputError, match="whole numbers"):
        Orders(np.arange(1), np.array([1.5]), np.arange(1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="negative"):
        Orders.of([(0, 100, -1)])
    with pytest.raises(InputError, match="choose from"):
        mechanism("no such")
