"""A relayer of a sealed market commits, reveals and gets its bonds back; whom it leaves out needs it not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from peerwatt.chain import ContractReverted, Sender
from peerwatt.client import MarketClient, SealedPhase
from peerwatt.errors import InputError
from peerwatt.messages import ZERO_HASH
from peerwatt.replay.market_setup import ETHER_PER_KEY
from peerwatt.roles.relayer import OrderQueue, SealedRelayer, SealedState
from tests.chain.narrow_endpoint import narrow_endpoint
from tests.client.conftest import BUYER, FIRST, SELLER, SmallMarket, open_small_market
from tests.roles.relayer.conftest import BOND, BONDS, SEALED, SealedMarket

CLOSURE, BOOK_CLOSURE = SEALED.gate_closure(FIRST), SEALED.book_closure(FIRST)


@pytest.fixture(scope="module")
def deployed() -> Iterator[SealedMarket]:
    with open_small_market(config=SEALED) as small:
        yield SealedMarket.of(small)


@pytest.fixture
def market(deployed: SealedMarket) -> Iterator[SealedMarket]:
    """The same for each test, at a time when the first interval takes batches."""
    snapshot = deployed.small.network.snapshot()
    deployed.small.network.advance_to(CLOSURE - 100)
    yield deployed
    deployed.small.network.revert(snapshot)


@pytest.fixture
def relayer(market: SealedMarket) -> Iterator[SealedRelayer]:
    with OrderQueue() as queue:
        yield SealedRelayer(market.client, queue)


def states(relayer: SealedRelayer) -> list[SealedState]:
    return [row.state for row in relayer.queue.sealed.of_interval(FIRST)]


def accept(relayer: SealedRelayer, market: SealedMarket, *accounts: int) -> None:
    for order in market.small.orders(FIRST, 500):
        if order.order.participant in accounts:
            relayer.accept(order)


def settled(market: SealedMarket, relayer: SealedRelayer) -> int:
    """How many batches the relayer settles once everything else is over."""
    network = market.small.network
    network.set_next_timestamp(BOOK_CLOSURE)
    assert market.client.clear(FIRST).volume == 500
    network.set_next_timestamp(SEALED.report_deadline(FIRST))
    market.client.expire(FIRST)
    network.set_next_timestamp(SEALED.readings_deadline(FIRST))
    return len(relayer.settle(FIRST))


def test_what_waits_is_committed_revealed_and_settled(market: SealedMarket, relayer: SealedRelayer) -> None:
    accept(relayer, market, SELLER, BUYER)
    assert len(relayer.commit(FIRST)) == 1
    assert (states(relayer), market.purse, market.bonds_out) == ([SealedState.COMMITTED], BONDS - 1, 1)
    assert relayer.queue.queued(FIRST) == ()
    assert relayer.commit(FIRST) == []
    with pytest.raises(ContractReverted, match="TooEarly"):
        relayer.reveal(FIRST)

    network = market.small.network
    network.set_next_timestamp(CLOSURE)
    [posted] = relayer.reveal(FIRST)
    assert [record.participant for record in posted.records] == [SELLER, BUYER]
    assert (states(relayer), market.purse, market.bonds_out) == ([SealedState.REVEALED], BONDS, 0)
    [row] = relayer.queue.batches(FIRST)
    assert (row.batch, row.previous) == (0, ZERO_HASH)

    # Everybody else is silent: what the relayer kept is enough to settle.
    assert settled(market, relayer) == 1


def test_order_that_comes_after_the_commitment_makes_a_batch_of_its_own(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    accept(relayer, market, BUYER)
    assert len(relayer.commit(FIRST)) == 1
    assert market.bonds_out == len(set(market.commitments(FIRST))) == 2
    network = market.small.network
    network.advance_to(CLOSURE)
    block = network.web3.eth.block_number
    relayer.tend()
    # Together: the window is short, and neither waits for the other.
    assert network.web3.eth.block_number == block + 1
    assert states(relayer) == [SealedState.REVEALED] * 2
    assert [row.batch for row in relayer.queue.batches(FIRST)] == [0, 1]
    assert (market.purse, market.bonds_out) == (BONDS, 0)


def test_batch_whose_bond_was_missing_is_committed_to_once_it_is_there(market: SealedMarket) -> None:
    key = market.small.keys.wallet(SELLER)
    client = MarketClient(market.small.network, market.small.deployment, Sender(market.small.network, key))
    with OrderQueue() as queue:
        poor = SealedRelayer(client, queue)
        accept(poor, market, BUYER)
        with pytest.raises(ContractReverted, match="ERC20InsufficientBalance"):
            poor.commit(FIRST)
        assert states(poor) == [SealedState.STORED]
        client.sender.send(client.payment_token.functions.mint(key.address, BOND))
        poor.tend()
        [row] = queue.sealed.of_interval(FIRST)
        assert row.state == SealedState.COMMITTED
        assert market.commitments(FIRST) == [row.batch.seal]


def test_batch_that_is_shown_to_a_paused_market_brings_its_bond_back(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    accept(relayer, market, SELLER, BUYER)
    relayer.commit(FIRST)
    operator = market.small.client
    operator.sender.send(operator.registry.functions.setPostingPaused(True))
    market.small.network.advance_to(CLOSURE)
    relayer.tend()
    assert (states(relayer), market.purse) == ([SealedState.RETURNED], BONDS)
    assert relayer.queue.batches(FIRST) == ()


def test_batch_that_is_shown_too_late_has_lost_its_bond_and_is_not_tried_again(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    market.small.network.advance_to(BOOK_CLOSURE)
    block = market.small.network.web3.eth.block_number
    relayer.tend()
    assert (states(relayer), market.purse, market.bonds_out) == ([SealedState.FORFEITED], BONDS - 1, 1)
    relayer.tend()
    assert market.small.network.web3.eth.block_number == block


def test_batches_of_another_key_are_left_to_it_by_name_and_keep_no_others_back(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    network, other = market.small.network, _stranger(market)
    stranger = SealedRelayer(other, relayer.queue)
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    for order in market.small.orders(FIRST + 1, 300):
        relayer.accept(order)
    stranger.commit(FIRST + 1)
    network.advance_to(CLOSURE)
    with pytest.raises(
        InputError,
        match=f"sealed for {market.client.sender.address} and cannot be revealed by {other.sender.address}",
    ):
        stranger.tend()
    with pytest.raises(InputError, match=f"interval {FIRST + 1}.* sealed for {other.sender.address}"):
        relayer.tend()
    assert states(relayer) == [SealedState.REVEALED]
    network.advance_to(SEALED.gate_closure(FIRST + 1))
    stranger.tend()
    assert market.bonds_out == 0


def test_batches_of_two_keys_in_one_interval_are_each_revealed_by_their_own(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    """Once neither was: an open batch of another key kept all of its interval back, and their bonds."""
    stranger = SealedRelayer(_stranger(market), relayer.queue)
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    accept(relayer, market, BUYER)
    for tried in (stranger, relayer):
        with suppress(InputError):
            tried.commit(FIRST)
    assert market.bonds_out == 2
    market.small.network.advance_to(CLOSURE)
    for tried in (relayer, stranger):
        with suppress(InputError):
            tried.tend()
    assert (states(relayer), market.bonds_out) == ([SealedState.REVEALED] * 2, 0)


def test_batches_that_a_reorganisation_puts_in_another_order_are_settled(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    network = market.small.network
    for account in (SELLER, BUYER):
        accept(relayer, market, account)
        relayer.commit(FIRST)
    network.advance_to(CLOSURE)
    before = network.snapshot()
    relayer.tend()
    network.revert(before)
    first, second = relayer.queue.sealed.of_interval(FIRST)
    SealedPhase(market.client).reveal_together([second.batch, first.batch])
    relayer.tend()
    assert settled(market, relayer) == 2


def test_orders_are_sealed_once_also_by_two_processes_on_one_file(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    accept(relayer, market, SELLER)
    orders, head = relayer.queue.queued(FIRST), int(market.small.network.web3.eth.block_number)
    relayer.commit(FIRST)
    late = relayer.phase.seal(FIRST, orders, bytes(32))
    with pytest.raises(InputError, match=f"participant {SELLER} is sealed already"):
        relayer.queue.sealed.store(late, market.client.sender.address, head)
    assert len(states(relayer)) == 1


def _stranger(market: SealedMarket) -> MarketClient:
    """Another relayer's key, with a bond to give."""
    network, key = market.small.network, market.small.keys.wallet(BUYER)
    network.fund({key.address: ETHER_PER_KEY})
    client = MarketClient(network, market.small.deployment, Sender(network, key))
    client.sender.send(client.payment_token.functions.mint(key.address, BOND))
    return client


def test_wallet_that_the_relayer_left_out_commits_and_reveals_for_itself(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    small = market.small
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    wallet = small.wallet(BUYER)
    wallet.client.sender.send(wallet.client.payment_token.functions.mint(wallet.client.sender.address, BOND))
    [mine] = [order for order in small.orders(FIRST, 500) if order.order.participant == BUYER]
    sealed = wallet.commit_order(mine)
    small.network.advance_to(CLOSURE)
    posted = wallet.reveal_order(sealed)
    assert [record.participant for record in posted.records] == [BUYER]
    relayer.tend()
    small.network.set_next_timestamp(BOOK_CLOSURE)
    assert small.client.clear(FIRST).volume == 500
    assert market.bonds_out == 0
    # The relayer's batch came second, behind one that it did not post.
    [row] = relayer.queue.batches(FIRST)
    assert (row.batch, row.previous == ZERO_HASH) == (1, False)


def test_reveal_that_a_reorganisation_drops_is_made_again(
    market: SealedMarket, relayer: SealedRelayer
) -> None:
    """As another batch of the interval, behind one that came first this time; no trace of the old stays."""
    small, network = market.small, market.small.network
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    wallet = small.wallet(BUYER)
    tokens = wallet.client.payment_token.functions
    wallet.client.sender.send(tokens.mint(wallet.client.sender.address, BOND))
    [mine] = [order for order in small.orders(FIRST, 500) if order.order.participant == BUYER]
    sealed = wallet.commit_order(mine)
    network.advance_to(CLOSURE)
    before = network.snapshot()
    relayer.tend()
    assert [row.batch for row in relayer.queue.batches(FIRST)] == [0]

    network.revert(before)
    assert wallet.reveal_order(sealed).batch == 0
    assert market.bonds_out == 1
    relayer.tend()
    assert market.bonds_out == 0
    [row] = relayer.queue.batches(FIRST)
    assert (row.batch, row.previous == ZERO_HASH) == (1, False)


def test_what_became_of_a_batch_is_found_blocks_later_through_an_endpoint_that_searches_few_at_once(
    market: SealedMarket, relayer: SealedRelayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, few = market.small.network, 4
    for account in (SELLER, BUYER):
        accept(relayer, market, account)
        relayer.commit(FIRST)
    mine_blocks(market, 2 * few)
    network.advance_to(CLOSURE)
    shown, kept = relayer.queue.sealed.of_interval(FIRST)
    # The relayer is killed before it can note the one reveal and make the other.
    relayer.phase.reveal(shown.batch)
    network.advance_to(BOOK_CLOSURE)
    mine_blocks(market, 2 * few)
    with narrow_endpoint(network, few, monkeypatch) as asked:
        relayer.tend()
    assert states(relayer) == [SealedState.REVEALED, SealedState.FORFEITED]
    assert max(asked) == few
    assert kept.batch.seal in market.commitments(FIRST)


def mine_blocks(market: SealedMarket, count: int) -> None:
    for _ in range(count):
        market.small.network.mine()


def test_open_market_has_nothing_to_seal(small_open: SmallMarket) -> None:
    with OrderQueue() as queue, pytest.raises(InputError, match="no sealed phase"):
        SealedRelayer(small_open.client, queue)


@pytest.fixture
def small_open() -> Iterator[SmallMarket]:
    with open_small_market() as small:
        yield small
