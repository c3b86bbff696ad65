"""A relayer of an open market asks the chain what became of what it sent, whatever answer it got."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.client.market import Registration
from peerwatt.client.supplier import cover_with
from peerwatt.errors import InputError
from peerwatt.market.participant_registry import Participant
from peerwatt.messages import Order, Side, Step
from peerwatt.replay.founding import ETHER_PER_KEY, cover_all, pay_in
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.relayer import BatchState, OrderQueue, Relayer
from peerwatt.roles.relayer.entry import OpenEntry
from tests.client.conftest import BUYER, CONFIG, FIRST, SELLER, SmallMarket, open_small_market

CLOSURE = CONFIG.gate_closure(FIRST)


@pytest.fixture(scope="module")
def deployed() -> Iterator[SmallMarket]:
    with open_small_market() as small:
        small.network.fund({small.keys.relayer.address: ETHER_PER_KEY})
        yield small


@pytest.fixture
def market(deployed: SmallMarket) -> Iterator[SmallMarket]:
    """The same for each test, at a time when the first interval takes orders."""
    snapshot = deployed.network.snapshot()
    deployed.network.advance_to(CLOSURE - 100)
    yield deployed
    deployed.network.revert(snapshot)


@pytest.fixture
def relayer(market: SmallMarket) -> Iterator[Relayer]:
    client = MarketClient(market.network, market.deployment, Sender(market.network, market.keys.relayer))
    with OrderQueue() as queue:
        found = Relayer(client, queue, client.watch())
        for order in market.orders(FIRST, 500):
            found.accept(order)
        yield found


def states(relayer: Relayer) -> list[tuple[BatchState, int | None]]:
    return [(row.state, row.number) for row in relayer.queue.batches.of_interval(FIRST)]


def posted(market: SmallMarket) -> int:
    """How many batches the chain has."""
    view = market.client.watch()
    view.follow()
    return len(view.interval(FIRST).records)


def test_what_waits_is_posted_when_its_time_has_come_and_not_before(
    market: SmallMarket, relayer: Relayer
) -> None:
    relayer.step(CLOSURE - 61)
    assert states(relayer) == []
    market.network.advance_to(CLOSURE - 60)
    relayer.step(CLOSURE - 60)
    assert (states(relayer), posted(market)) == ([(BatchState.POSTED, 0)], 1)
    relayer.step(CLOSURE - 50)
    assert posted(market) == 1


def test_a_batch_whose_answer_was_lost_is_found_on_chain_and_not_posted_again(
    market: SmallMarket, relayer: Relayer
) -> None:
    relayer._make(FIRST)
    [row] = relayer.queue.batches.of_interval(FIRST)
    # Sent and mined; the relayer is killed before it hears of it.
    OpenEntry(relayer.client, relayer.client.watch()).post(row.batch)
    assert states(relayer) == [(BatchState.STORED, None)]
    block = market.network.web3.eth.block_number
    relayer.tend()
    assert (states(relayer), posted(market)) == ([(BatchState.POSTED, 0)], 1)
    assert market.network.web3.eth.block_number == block


def test_a_batch_that_was_mined_after_the_gates_closure_was_seen_is_noted_all_the_same(
    market: SmallMarket, relayer: Relayer
) -> None:
    relayer._make(FIRST)
    [row] = relayer.queue.batches.of_interval(FIRST)
    OpenEntry(relayer.client, relayer.client.watch()).post(row.batch)
    market.network.advance_to(CLOSURE + 10)
    relayer.tend()
    assert states(relayer) == [(BatchState.POSTED, 0)]


def test_a_batch_that_a_reorganisation_drops_is_posted_again(market: SmallMarket, relayer: Relayer) -> None:
    before = market.network.snapshot()
    assert len(relayer.post(FIRST)) == 1
    market.network.revert(before)
    assert posted(market) == 0
    relayer.tend()
    assert (states(relayer), posted(market)) == ([(BatchState.POSTED, 0)], 1)


def test_a_batch_that_a_reorganisation_renumbers_gets_its_new_number(
    market: SmallMarket, relayer: Relayer
) -> None:
    [own, other] = market.orders(FIRST, 500)
    before = market.network.snapshot()
    with OrderQueue() as queue:
        alone = Relayer(relayer.client, queue, relayer.client.watch())
        alone.accept(own)
        alone.post(FIRST)
        market.network.revert(before)
        # This time somebody else's batch comes first.
        market.client.post(FIRST, [other])
        alone.tend()
        assert states(alone) == [(BatchState.POSTED, 1)]


def test_a_batch_that_never_reached_the_chain_is_missed_and_costs_nothing(
    market: SmallMarket, relayer: Relayer
) -> None:
    relayer._make(FIRST)
    market.network.advance_to(CLOSURE)
    relayer.tend()
    assert (states(relayer), posted(market)) == ([(BatchState.MISSED, None)], 0)


def test_a_keeper_settles_what_any_relayer_posted_from_what_the_chain_tells_it(
    market: SmallMarket, relayer: Relayer
) -> None:
    [own, other] = market.orders(FIRST, 500)
    assert {own.order.participant, other.order.participant} == {SELLER, BUYER}
    market.client.post(FIRST, [own])
    market.client.post(FIRST, [other])
    view = market.client.watch()
    keeper = Keeper(market.client, CONFIG, view)
    for time in (CLOSURE + 1, CONFIG.report_deadline(FIRST), CONFIG.readings_deadline(FIRST) + 5):
        market.network.set_next_timestamp(time)
        keeper.step(time)
    view.follow()
    assert (view.interval(FIRST).is_settled, len(view.interval(FIRST).settled)) == (True, 2)


def test_the_same_orders_are_posted_again_after_the_market_skipped_them(market: SmallMarket) -> None:
    """The first batch's row stood in the way of the second's: every step ended there, for everybody."""
    client = MarketClient(market.network, market.deployment, Sender(market.network, market.keys.relayer))
    keys, newcomer = market.keys, BUYER + 1
    key = keys.order_key(newcomer)
    participant = Participant(key.address, keys.meter_key(newcomer).address, 100, 100)
    joins = [Registration(keys.wallet(newcomer).address, participant, node=newcomer)]
    cover_all(market.network, market.deployment, keys.system_wallet(0), cover_with(market.client, joins))
    market.client.register(joins)
    order = Order(FIRST, newcomer, (Step(Side.BUY, 20, 500),)).signed(client.domain, bytes(key.key))
    with OrderQueue() as queue:
        relayer = Relayer(client, queue, client.watch())
        relayer.accept(order)
        relayer.step(CLOSURE - 60)
        assert (states(relayer), queue.waiting()) == ([(BatchState.POSTED, None)], ())
        # Not taken in again for nothing: every time costs the relayer gas.
        with pytest.raises(InputError, match="base units are missing from the account's margin"):
            relayer.accept(order)
        pay_in(market.wallet(newcomer), CONFIG.margin(100, 100))
        relayer.accept(order)
        relayer.step(CLOSURE - 60)
        assert (states(relayer), posted(market)) == ([(BatchState.POSTED, 0)], 1)
