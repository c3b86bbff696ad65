"""A relayer of a sealed market commits, reveals and gets its bonds back; whom it leaves out needs it not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from peerwatt.chain import ContractReverted, Sender
from peerwatt.client import MarketClient, SealedPhase
from peerwatt.errors import InputError
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.relayer import BatchState, OrderQueue, Relayer
from tests.client.conftest import BUYER, FIRST, SELLER, open_small_market
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
def relayer(market: SealedMarket) -> Iterator[Relayer]:
    with OrderQueue() as queue:
        yield Relayer(market.client, queue, market.client.watch())


def states(relayer: Relayer) -> list[BatchState]:
    return [row.state for row in relayer.queue.batches.of_interval(FIRST)]


def accept(relayer: Relayer, market: SealedMarket, *accounts: int) -> None:
    for order in market.small.orders(FIRST, 500):
        if order.order.participant in accounts:
            relayer.accept(order)


def settled(market: SealedMarket) -> int:
    """How many batches a keeper settles once everything else is over, from what the chain tells it."""
    network = market.small.network
    network.set_next_timestamp(BOOK_CLOSURE)
    assert market.client.clear(FIRST).volume == 500
    network.set_next_timestamp(SEALED.report_deadline(FIRST))
    market.client.expire(FIRST)
    view, time = market.client.watch(), SEALED.readings_deadline(FIRST) + 5
    network.set_next_timestamp(time)
    Keeper(market.client, SEALED, view).step(time)
    view.follow()
    return len(view.interval(FIRST).settled)


def test_what_waits_is_committed_revealed_and_settled(market: SealedMarket, relayer: Relayer) -> None:
    accept(relayer, market, SELLER, BUYER)
    assert len(relayer.commit(FIRST)) == 1
    assert (states(relayer), market.purse, market.bonds_out) == ([BatchState.COMMITTED], BONDS - 1, 1)
    assert relayer.queue.queued(FIRST) == ()
    assert relayer.commit(FIRST) == []
    with pytest.raises(ContractReverted, match="TooEarly"):
        relayer.reveal(FIRST)

    network = market.small.network
    network.set_next_timestamp(CLOSURE)
    [posted] = relayer.reveal(FIRST)
    assert [record.participant for record in posted.records] == [SELLER, BUYER]
    assert (states(relayer), market.purse, market.bonds_out) == ([BatchState.POSTED], BONDS, 0)
    [row] = relayer.queue.batches.of_interval(FIRST)
    assert row.number == 0

    # Everybody else is silent: what the chain tells is enough to settle.
    assert settled(market) == 1


def test_order_that_comes_after_the_commitment_makes_a_batch_of_its_own(
    market: SealedMarket, relayer: Relayer
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
    assert states(relayer) == [BatchState.POSTED] * 2
    assert [row.number for row in relayer.queue.batches.of_interval(FIRST)] == [0, 1]
    assert (market.purse, market.bonds_out) == (BONDS, 0)


def test_batch_whose_bond_was_missing_is_committed_to_once_it_is_there(market: SealedMarket) -> None:
    key = market.small.keys.wallet(SELLER)
    client = MarketClient(market.small.network, market.small.deployment, Sender(market.small.network, key))
    with OrderQueue() as queue:
        poor = Relayer(client, queue, client.watch())
        accept(poor, market, BUYER)
        with pytest.raises(ContractReverted, match="ERC20InsufficientBalance"):
            poor.commit(FIRST)
        assert states(poor) == [BatchState.STORED]
        client.sender.send(client.payment_token.functions.mint(key.address, BOND))
        poor.tend()
        [row] = queue.batches.of_interval(FIRST)
        assert row.state == BatchState.COMMITTED
        assert market.commitments(FIRST) == [row.batch.seal]


def test_batch_that_is_shown_to_a_paused_market_is_posted(market: SealedMarket, relayer: Relayer) -> None:
    accept(relayer, market, SELLER, BUYER)
    relayer.commit(FIRST)
    operator = market.small.client
    operator.sender.send(operator.registry.functions.setPostingPaused(True))
    market.small.network.advance_to(CLOSURE)
    relayer.tend()
    assert (states(relayer), market.purse) == ([BatchState.POSTED], BONDS)


def test_batch_that_is_shown_while_no_interval_opens_brings_its_bond_back(
    market: SealedMarket, relayer: Relayer
) -> None:
    accept(relayer, market, SELLER, BUYER)
    relayer.commit(FIRST)
    network, supplier = market.small.network, market.small.keys.system_wallet(0)
    Sender(network, supplier).send(market.client.registry.functions.setSupplierCover(10**9))
    network.advance_to(CLOSURE)
    relayer.tend()
    assert (states(relayer), market.purse) == ([BatchState.RETURNED], BONDS)
    [row] = relayer.queue.batches.of_interval(FIRST)
    assert row.number is None


def test_batch_that_is_shown_too_late_has_lost_its_bond_and_is_not_tried_again(
    market: SealedMarket, relayer: Relayer
) -> None:
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    market.small.network.advance_to(BOOK_CLOSURE)
    block = market.small.network.web3.eth.block_number
    relayer.tend()
    assert (states(relayer), market.purse, market.bonds_out) == ([BatchState.FORFEITED], BONDS - 1, 1)
    relayer.tend()
    assert market.small.network.web3.eth.block_number == block


def test_batches_of_another_key_are_left_to_it_by_name_and_keep_no_others_back(
    market: SealedMarket, relayer: Relayer
) -> None:
    network, other = market.small.network, _stranger(market)
    stranger = Relayer(other, relayer.queue, other.watch())
    accept(relayer, market, SELLER)
    relayer.commit(FIRST)
    for order in market.small.orders(FIRST + 1, 300):
        relayer.accept(order)
    stranger.commit(FIRST + 1)
    network.advance_to(CLOSURE)
    with pytest.raises(
        InputError,
        match=f"made by {market.client.sender.address} and cannot be posted by {other.sender.address}",
    ):
        stranger.tend()
    with pytest.raises(InputError, match=f"interval {FIRST + 1}.* made by {other.sender.address}"):
        relayer.tend()
    assert states(relayer) == [BatchState.POSTED]
    network.advance_to(SEALED.gate_closure(FIRST + 1))
    stranger.tend()
    assert market.bonds_out == 0


def test_batches_of_two_keys_in_one_interval_are_each_revealed_by_their_own(
    market: SealedMarket, relayer: Relayer
) -> None:
    """Once neither was: an open batch of another key kept all of its interval back, and their bonds."""
    other = _stranger(market)
    stranger = Relayer(other, relayer.queue, other.watch())
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
    assert (states(relayer), market.bonds_out) == ([BatchState.POSTED] * 2, 0)


def test_batches_that_a_reorganisation_puts_in_another_order_are_settled(
    market: SealedMarket, relayer: Relayer
) -> None:
    network = market.small.network
    for account in (SELLER, BUYER):
        accept(relayer, market, account)
        relayer.commit(FIRST)
    network.advance_to(CLOSURE)
    before = network.snapshot()
    relayer.tend()
    network.revert(before)
    first, second = relayer.queue.batches.of_interval(FIRST)
    SealedPhase(market.client).reveal_together([second.batch, first.batch])
    relayer.tend()
    assert settled(market) == 2


def test_orders_are_sealed_once_also_by_two_processes_on_one_file(
    market: SealedMarket, relayer: Relayer
) -> None:
    accept(relayer, market, SELLER)
    orders, head = relayer.queue.queued(FIRST), int(market.small.network.web3.eth.block_number)
    relayer.commit(FIRST)
    late = SealedPhase(market.client).seal(FIRST, orders, bytes(32))
    with pytest.raises(InputError, match=f"participant {SELLER} is in a batch already"):
        relayer.queue.batches.store(late, market.client.sender.address, head)
    assert len(states(relayer)) == 1


def _stranger(market: SealedMarket) -> MarketClient:
    """Another relayer's key, with a bond to give."""
    network, key = market.small.network, market.small.keys.wallet(BUYER)
    network.fund({key.address: ETHER_PER_KEY})
    client = MarketClient(network, market.small.deployment, Sender(network, key))
    client.sender.send(client.payment_token.functions.mint(key.address, BOND))
    return client


def test_wallet_that_the_relayer_left_out_commits_and_reveals_for_itself(
    market: SealedMarket, relayer: Relayer
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
    [row] = relayer.queue.batches.of_interval(FIRST)
    assert row.number == 1


def test_reveal_that_a_reorganisation_drops_is_made_again(market: SealedMarket, relayer: Relayer) -> None:
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
    assert [row.number for row in relayer.queue.batches.of_interval(FIRST)] == [0]

    network.revert(before)
    assert wallet.reveal_order(sealed).batch == 0
    assert market.bonds_out == 1
    relayer.tend()
    assert market.bonds_out == 0
    [row] = relayer.queue.batches.of_interval(FIRST)
    assert row.number == 1


def test_what_became_of_a_batch_is_found_blocks_later(market: SealedMarket, relayer: Relayer) -> None:
    network, few = market.small.network, 4
    for account in (SELLER, BUYER):
        accept(relayer, market, account)
        relayer.commit(FIRST)
    mine_blocks(market, 2 * few)
    network.advance_to(CLOSURE)
    shown, kept = relayer.queue.batches.of_interval(FIRST)
    # The relayer is killed before it can note the one reveal and make the other.
    SealedPhase(market.client).reveal(shown.batch)
    network.advance_to(BOOK_CLOSURE)
    mine_blocks(market, 2 * few)
    relayer.tend()
    assert states(relayer) == [BatchState.POSTED, BatchState.FORFEITED]
    assert kept.batch.seal in market.commitments(FIRST)


def mine_blocks(market: SealedMarket, count: int) -> None:
    for _ in range(count):
        market.small.network.mine()
