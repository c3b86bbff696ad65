"""Every pricing rule is the mechanism of its name, to the Wh and the base unit, and respects all limits."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.designs import Book, Mechanism, Outcome
from peerwatt.designs import Terms as Tariffs
from peerwatt.designs.posted_pool import FixedPrice
from peerwatt.designs.registry import mechanism
from peerwatt.market import Auctioned, MarketConfig, Pricing, Terms, TickBook, clear, fill
from peerwatt.market.accepted import Accepted
from peerwatt.market.errors import BadConfig
from peerwatt.market.settlement import peer_cash
from peerwatt.messages import PlacedStep, Record, Side, Step, Verdict
from peerwatt.scenario.switches import PRICING
from peerwatt.scenario.variants import SWITCH_OF
from tests.market.conftest import CONFIG as SMALL
from tests.market.conftest import TARIFF

# The ladder begins below the feed-in tariff, so that every rule's price is on it.
CONFIG = replace(SMALL, base_price=TARIFF.feed_in - 10)
FIXED_PRICE = 177
POOLS = ("mid-market", "sdr", "fixed-price")

ticks = st.one_of(st.integers(0, 8), st.integers(0, 255))
quantities = st.one_of(st.integers(1, 12), st.integers(1, 100_000))
steps = st.builds(Step, st.sampled_from(Side), ticks, quantities)
books = st.lists(steps, max_size=25)


def config_of(name: str) -> MarketConfig:
    pricing = PRICING[SWITCH_OF[name]]
    return replace(CONFIG, pricing=pricing, fixed_price=FIXED_PRICE if pricing == Pricing.FIXED else 0)


def off_chain(name: str) -> Mechanism:
    return FixedPrice(price=FIXED_PRICE) if name == "fixed-price" else mechanism(name)


def auctioned(name: str, book_steps: Sequence[Step]) -> tuple[Auctioned, list[PlacedStep]]:
    book = TickBook()
    placed = [book.post([step])[0] for step in book_steps]
    return clear(book, config_of(name), TARIFF), placed


def paid(name: str, found: Auctioned, placed: PlacedStep) -> int:
    """What a step's fill comes to, base units."""
    terms = Terms(found.clearing, Verdict.ACCEPT, 0, found.volume, 0, TARIFF)
    got, sells = fill(placed, found.clearing), placed.step.side == Side.SELL
    accepted = Accepted(got if sells else 0, 0 if sells else got, 0, 0, 0, 0)
    return sum(peer_cash(Record(4, (placed,)), accepted, terms, config_of(name)))


def expected(name: str, book_steps: Sequence[Step]) -> Outcome:
    sides = [
        [(4, CONFIG.price(step.tick), step.quantity) for step in book_steps if step.side == side]
        for side in Side
    ]
    return off_chain(name).clear(Book.of(*sides), Tariffs(TARIFF.retail, TARIFF.feed_in, TARIFF.network_fee))


def require_equal(name: str, book_steps: Sequence[Step]) -> None:
    found, placed = auctioned(name, book_steps)
    outcome = expected(name, book_steps)
    for side, energy, cash in (
        (Side.BUY, outcome.bought, outcome.paid),
        (Side.SELL, outcome.sold, outcome.received),
    ):
        own = [each for each in placed if each.step.side == side]
        assert [fill(each, found.clearing) for each in own] == np.asarray(energy).tolist()
        assert [paid(name, found, each) for each in own] == np.asarray(cash).tolist()
    assert found.volume == outcome.volume


@pytest.mark.parametrize("name", SWITCH_OF)
@given(book_steps=books)
def test_every_rule_on_chain_is_the_mechanism_of_its_name(name: str, book_steps: list[Step]) -> None:
    require_equal(name, book_steps)


@pytest.mark.parametrize("name", SWITCH_OF)
@given(book_steps=books)
def test_nobody_pays_more_than_its_bid_or_gets_less_than_its_ask(name: str, book_steps: list[Step]) -> None:
    found, placed = auctioned(name, book_steps)
    bought = sold = balance = 0
    for each in placed:
        got, cash, limit = fill(each, found.clearing), paid(name, found, each), CONFIG.price(each.step.tick)
        assert 0 <= got <= each.step.quantity
        if each.step.side == Side.BUY:
            assert cash <= limit * got
            bought, balance = bought + got, balance + cash
        else:
            assert cash >= limit * got
            sold, balance = sold + got, balance - cash
    assert bought == sold == found.volume
    assert balance >= 0, "the community would have to pay for it"


@pytest.mark.parametrize("name", POOLS)
@given(book_steps=books)
def test_pool_trades_all_that_is_content_with_its_price(name: str, book_steps: list[Step]) -> None:
    found, _ = auctioned(name, book_steps)
    if found.volume == 0:
        return
    price = found.clearing.buy_price
    content = [
        sum(
            step.quantity
            for step in book_steps
            if step.side == side
            and (CONFIG.price(step.tick) >= price if side == Side.BUY else CONFIG.price(step.tick) <= price)
        )
        for side in Side
    ]
    assert found.volume == min(content)


@given(books, st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_is_cut_from_an_order_at_its_limits_is_its_worst_steps(
    book_steps: list[Step], bought: int, sold: int
) -> None:
    lanes = {step.lane: step for step in book_steps}
    found, placed = auctioned("pay-as-bid", [lanes[lane] for lane in sorted(lanes)])
    fills = {side: [e for e in placed if e.step.side == side] for side in Side}
    totals = {side: sum(fill(e, found.clearing) for e in fills[side]) for side in Side}
    accepted = Accepted(min(sold, totals[Side.SELL]), min(bought, totals[Side.BUY]), 0, 0, 0, 0)
    terms = Terms(found.clearing, Verdict.CURTAIL, 0, accepted.sell, 0, TARIFF)
    cash = peer_cash(Record(4, tuple(placed)), accepted, terms, CONFIG)
    bids = sorted(
        (CONFIG.price(e.step.tick) for e in fills[Side.BUY] for _ in range(min(1, fill(e, found.clearing)))),
        reverse=True,
    )
    if accepted.buy and bids:
        assert bids[-1] * accepted.buy <= cash.cost <= bids[0] * accepted.buy
    by_wh = [
        (CONFIG.price(e.step.tick), fill(e, found.clearing))
        for e in sorted(fills[Side.SELL], key=lambda e: e.step.tick)
    ]
    left, income = accepted.sell, 0
    for price, quantity in by_wh:
        income += price * min(left, quantity)
        left -= min(left, quantity)
    assert cash.income == income


@pytest.mark.parametrize(
    ("pricing", "fixed_price"), [(Pricing.FIXED, 69), (Pricing.FIXED, 326), (Pricing.UNIFORM, 100)]
)
def test_fixed_price_must_be_on_the_ladder_and_is_for_the_fixed_rule_only(
    pricing: Pricing, fixed_price: int
) -> None:
    with pytest.raises(BadConfig, match="fixed_price"):
        replace(CONFIG, pricing=pricing, fixed_price=fixed_price)
