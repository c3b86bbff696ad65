"""A relayer waits for a transaction that is not mined as long as it is of use, and as nothing else is due."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from peerwatt.chain import NotMined, Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import MarketClient
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.relayer import BatchState, OrderQueue, Relayer
from peerwatt.roles.relayer.carrying import NotTold
from tests.client.conftest import BUYER, CONFIG, FIRST, SELLER, open_small_market
from tests.roles.relayer.conftest import BONDS, SEALED, SealedMarket

CLOSURE, BOOK_CLOSURE = SEALED.gate_closure(FIRST), SEALED.book_closure(FIRST)
LEFT_SECONDS = 1
"""What is left of a window when the relayer begins."""
RESCUE_SECONDS = 30.0
"""Far more: then a block is mined all the same, so that whoever still waits fails its test."""


@pytest.fixture(scope="module")
def market() -> Iterator[SealedMarket]:
    with open_small_market("anvil", SEALED) as small:
        yield SealedMarket.of(small)


@pytest.fixture
def relayer(market: SealedMarket) -> Iterator[Relayer]:
    """With two batches of the first interval that are committed to; nothing it sends is mined by itself."""
    network, key = market.small.network, market.client.sender.account
    assert isinstance(network, RpcNetwork)
    before = network.snapshot()
    network.advance_to(CLOSURE - 100)
    rescue = threading.Timer(RESCUE_SECONDS, network.mine)
    with open_network(network.url) as live, OrderQueue() as queue:
        committing = Relayer(market.client, queue, market.client.watch())
        for account in (SELLER, BUYER):
            _accept(committing, market, FIRST, account)
            committing.commit(FIRST)
        rescue.start()
        client = MarketClient(live, market.small.deployment, Sender(live, key))
        yield Relayer(client, queue, client.watch())
    rescue.cancel()
    network.revert(before)


def _accept(relayer: Relayer, market: SealedMarket, interval: int, *accounts: int) -> None:
    for order in market.small.orders(interval, 500):
        if order.order.participant in accounts:
            relayer.accept(order)


def _waiting(market: SealedMarket) -> int:
    """How many of the relayer's transactions wait to be mined."""
    eth, address = market.small.network.web3.eth, market.client.sender.address
    return eth.get_transaction_count(address, "pending") - eth.get_transaction_count(address)


def test_reveals_that_are_not_mined_are_sent_once_and_waited_for_until_the_window_ends(
    market: SealedMarket, relayer: Relayer
) -> None:
    network = market.small.network
    network.advance_to(BOOK_CLOSURE - LEFT_SECONDS - 1)
    with pytest.raises(NotMined, match=r"transaction 0x[0-9a-f]{64} is not mined after \d s: ") as raised:
        relayer.tend()
    assert len(str(raised.value).splitlines()) == 1
    assert (_waiting(market), market.bonds_out) == (2, 2)
    # They may be mined all the same, in the window's last second.
    network.mine()
    relayer.tend()
    assert [row.state for row in relayer.queue.batches.of_interval(FIRST)] == [BatchState.POSTED] * 2
    assert (_waiting(market), market.purse) == (0, BONDS)


def test_commitment_that_is_not_mined_keeps_no_reveal_waiting(market: SealedMarket, relayer: Relayer) -> None:
    network = market.small.network
    network.advance_to(CLOSURE - LEFT_SECONDS)
    # Its own gate is open for long.
    _accept(relayer, market, FIRST + 1, SELLER, BUYER)
    with pytest.raises(NotMined):
        relayer.commit(FIRST + 1)
    network.advance_to(CLOSURE)
    assert relayer.queue.batches.of_interval(FIRST + 1)[0].state == BatchState.STORED
    network.advance_to(BOOK_CLOSURE - LEFT_SECONDS - 1)
    with pytest.raises(NotMined):
        relayer.tend()
    network.mine()
    relayer.tend()
    assert {row.state for row in relayer.queue.batches.of_interval(FIRST)} == {BatchState.POSTED}
    assert relayer.queue.batches.of_interval(FIRST + 1)[0].state == BatchState.COMMITTED
    assert len(market.commitments(FIRST + 1)) == 1


def test_a_post_that_is_not_mined_is_sent_once_and_counts_when_it_is_mined_after_all() -> None:
    closure = CONFIG.gate_closure(FIRST)
    with open_small_market("anvil") as small, OrderQueue() as queue:
        network = small.network
        assert isinstance(network, RpcNetwork)
        network.fund({small.keys.relayer.address: ETHER_PER_KEY})
        network.advance_to(closure - LEFT_SECONDS - 2)
        with open_network(network.url) as live:
            client = MarketClient(live, small.deployment, Sender(live, small.keys.relayer))
            relayer = Relayer(client, queue, client.watch())
            for order in small.orders(FIRST, 500):
                relayer.accept(order)
            with pytest.raises(NotMined):
                relayer.step(closure - LEFT_SECONDS)
            for _ in range(3):
                with pytest.raises(NotTold, match=f"interval {FIRST}: nothing is sent again: 1 transactions"):
                    relayer.step(closure - LEFT_SECONDS)
            network.mine()
            relayer.step(closure - LEFT_SECONDS)
            [row] = queue.batches.of_interval(FIRST)
            assert (row.state, row.number) == (BatchState.POSTED, 0)
            assert live.web3.eth.get_transaction_count(small.keys.relayer.address) == 1
