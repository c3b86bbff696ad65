"""Losses take no order beyond its limits, whatever was cut of it, under every rule, with any tick size."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market import MarketConfig, Pricing, Terms, TickBook, accepted_quantity, clear
from peerwatt.market.accepted import Accepted, accepted_of
from peerwatt.market.settlement import peer_cash
from peerwatt.messages import Clearing, Decision, MarginalTick, PlacedStep, Record, Side, Step, Verdict
from tests.market.conftest import CONFIG, TARIFF

FIXED_PRICE = 177
ticks = st.integers(0, 40)
steps = st.builds(Step, st.sampled_from(Side), ticks, st.integers(1, 300))
books = st.lists(steps, max_size=12)
ladders = st.dictionaries(ticks, st.integers(1, 300), min_size=1, max_size=8)


def config_of(pricing: Pricing, tick_size: int) -> MarketConfig:
    fixed = FIXED_PRICE if pricing == Pricing.FIXED else 0
    return replace(CONFIG, base_price=60, tick_size=tick_size, pricing=pricing, fixed_price=fixed)


def at_limits(record: Record, terms: Terms, config: MarketConfig, accepted: Accepted) -> int:
    """What the energy that an order kept comes to at its own limits, the best steps first."""
    energy = accepted.sell + accepted.buy
    best = sorted(record.steps, key=lambda p: p.step.tick if p.step.side == Side.SELL else -p.step.tick)
    cash = 0
    for placed in best:
        taken = min(accepted_quantity(placed, terms.clearing), energy)
        cash += config.price(placed.step.tick) * taken
        energy -= taken
    assert energy == 0
    return cash


@pytest.mark.parametrize("pricing", list(Pricing), ids=lambda rule: rule.name.lower())
@pytest.mark.parametrize("tick_size", [1, 2, 7])
@given(
    book_steps=books,
    side=st.sampled_from(Side),
    ladder=ladders,
    verdict=st.sampled_from([Verdict.ACCEPT, Verdict.CURTAIL]),
    kept=st.integers(0, 2400),
    loss=st.integers(0, 500),
)
def test_a_seller_nets_its_asks_and_a_buyer_pays_its_bids_at_most(
    pricing: Pricing,
    tick_size: int,
    book_steps: list[Step],
    side: Side,
    ladder: dict[int, int],
    verdict: Verdict,
    kept: int,
    loss: int,
) -> None:
    config, book = config_of(pricing, tick_size), TickBook()
    record = Record(4, book.post([Step(side, tick, wh) for tick, wh in sorted(ladder.items())]))
    for step in book_steps:
        book.post([step])
    clearing, volume = clear(book, config, TARIFF)
    terms = Terms(clearing, verdict, 0, volume, 0, TARIFF)
    accepted = accepted_of(record, terms, Decision(kept, kept, loss), config)
    income, cost = peer_cash(record, accepted, terms, config)
    limit = at_limits(record, terms, config, accepted)
    assert 0 <= accepted.loss_cost <= TARIFF.retail * accepted.loss
    if side == Side.SELL:
        assert income - accepted.loss_cost >= limit
    else:
        assert cost + accepted.loss_cost <= limit
    if pricing == Pricing.PAY_AS_BID:
        assert accepted.loss_cost == 0


def test_losses_that_fit_between_price_and_limit_are_paid_in_full() -> None:
    """An ask of 100 sold at 110: 1000 Wh leave 10,000, and 33 Wh of loss are 9,900, 34 Wh would be 10,200."""
    placed = PlacedStep(Step(Side.SELL, 0, 1000), 0)
    marginal = MarginalTick(0, 1000, 1000, 1000)
    clearing = Clearing(110, 110, False, MarginalTick(10, 1000, 1000, 1000), marginal)
    terms = Terms(clearing, Verdict.ACCEPT, 0, 1000, 1000, TARIFF)
    paid = [
        accepted_of(Record(4, (placed,)), terms, Decision(0, 0, loss), CONFIG).loss_cost for loss in (33, 34)
    ]
    assert paid == [9_900, 10_000]
