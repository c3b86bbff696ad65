"""A view of a market holds what its chain has, each transaction once, whatever a node leaves out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import tests.lagging_modes  # noqa: F401  (it offers them)
from peerwatt.chain import UnreachableChain, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import MarketView
from peerwatt.errors import ChainError
from tests.client.conftest import CONFIG, FIRST, SmallMarket, open_small_market
from tests.rough_modes import Fault, Forward, Json, mode
from tests.rough_node import RoughNode


@mode("firsttransaction")
def _first_transaction(node: RoughNode, k: str, request: Json, forward: Forward) -> Json:
    """A node that shows one transaction, and none after it."""
    asked = request["method"] == "eth_getTransactionByHash"
    if asked and node.count("firsttransaction") > 1:
        raise Fault
    return forward(request)


@pytest.fixture(scope="module")
def market() -> Iterator[SmallMarket]:
    """Two orders for one interval, a batch each, and then blocks without anything."""
    with open_small_market("anvil") as small:
        small.network.advance_to(CONFIG.gate_closure(FIRST) - 100)
        for order in small.orders(FIRST, 500):
            small.client.post(FIRST, [order])
        yield small


@pytest.fixture
def seen(market: SmallMarket) -> Iterator[tuple[MarketView, RoughNode]]:
    assert isinstance(market.network, RpcNetwork)
    with RoughNode(market.network.url) as node, open_network(node.url, answer_seconds=1) as live:
        yield MarketView(live, market.deployment, CONFIG.ring_size), node


def batches(view: MarketView) -> int:
    return len(view.interval(FIRST).records)


def test_what_is_left_out_of_the_newest_logs_is_read_from_receipts(
    seen: tuple[MarketView, RoughNode],
) -> None:
    view, node = seen
    node.modes = ["emptylogs=5"]
    view.follow()
    assert (batches(view), view.waits) == (2, "")
    assert node.asked["eth_getTransactionReceipt"] > 0


def test_a_block_that_a_node_has_not_indexed_is_waited_for_and_none_after_it_is_taken(
    market: SmallMarket, seen: tuple[MarketView, RoughNode]
) -> None:
    view, node = seen
    node.modes = ["lateblocks=1"]
    newest = view.follow().number
    assert batches(view) == 1
    assert view.waits.endswith(f"block {newest} has events that the node does not give yet: asked again")
    market.network.mine()
    view.follow()
    assert (batches(view), view.waits) == (2, "")


def test_what_a_view_lacks_is_told_by_the_markets_state_and_found_when_it_is_read_again(
    market: SmallMarket, seen: tuple[MarketView, RoughNode]
) -> None:
    view, node = seen
    node.modes = ["emptylogs=50", "nobloom"]
    view.follow()
    assert (batches(view), view.waits) == (0, "")
    assert view.lacks(market.client.interval(FIRST)) == f"interval {FIRST}: seen so far: batches 0 of 2"
    node.modes = []
    view.read_again()
    view.follow()
    assert (batches(view), view.lacks(market.client.interval(FIRST))) == (2, "")


def test_a_transaction_is_told_once_also_where_the_one_after_it_could_not_be_read(
    seen: tuple[MarketView, RoughNode],
) -> None:
    view, node = seen
    node.modes = ["firsttransaction"]
    with pytest.raises(UnreachableChain):
        view.follow()
    node.modes = []
    view.follow()
    assert (batches(view), len(view.interval(FIRST).transactions)) == (2, 2)
    assert len(view.participants) == 2


def test_a_transaction_that_was_dropped_since_its_logs_were_read_is_not_waited_for(
    seen: tuple[MarketView, RoughNode],
) -> None:
    """A role that waited five minutes for a receipt that never came missed its deadline."""
    view, node = seen
    node.modes = ["nullreceipt=1000000"]
    with pytest.raises(ChainError, match="has logs and no receipt: followed again with the next step"):
        view.follow()
    node.modes = []
    view.follow()
    assert batches(view) == 2


def test_a_block_whose_logs_alone_are_too_many_is_read_from_its_receipts(
    seen: tuple[MarketView, RoughNode],
) -> None:
    view, node = seen
    # Both participants were registered in one transaction.
    node.modes = ["logcount=1"]
    view.follow()
    assert (len(view.participants), batches(view)) == (2, 2)
