"""Batches of orders with as many steps as an order may have.

Once their records ran past the memory that was set aside for them, into the roster page behind it.
"""

from collections.abc import Iterable, Iterator

import pytest
from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket

from peerwatt.chain import Network, open_network
from peerwatt.messages import MAX_STEPS, Side, SignedOrder, decode_records, encode_orders

INTERVAL = FIRST_INTERVAL
ONE_PAGE, TWO_PAGES = 60, 130


@pytest.fixture(scope="module")
def chain() -> Iterator[Network]:
    with open_network("anvil") as network:
        yield network


@pytest.fixture(scope="module", params=[ONE_PAGE, TWO_PAGES])
def crowd(chain: Network, request: pytest.FixtureRequest) -> OnChainMarket:
    return OnChainMarket(chain, request.param)


@pytest.fixture
def market(crowd: OnChainMarket) -> Iterator[OnChainMarket]:
    snapshot = crowd.network.snapshot()
    crowd.at(CONFIG.start(INTERVAL) - 1000)
    yield crowd
    crowd.network.revert(snapshot)


def order(market: OnChainMarket, account: int, steps: int = MAX_STEPS) -> SignedOrder:
    return market.order(INTERVAL, account, *[(Side.BUY, 10 + i, 1 + i) for i in range(steps)])


def taken(market: OnChainMarket, orders: Iterable[SignedOrder]) -> None:
    """Everything is taken, and what is committed to is what was signed."""
    orders = list(orders)
    posted = market.client.post(INTERVAL, orders)
    assert posted.skipped == ()
    records = decode_records(posted.packed)
    assert [(record.participant, tuple(placed.step for placed in record.steps)) for record in records] == [
        (signed.order.participant, signed.order.steps) for signed in orders
    ]


def test_everybody_posts_all_steps(market: OnChainMarket) -> None:
    taken(market, (order(market, account) for account in range(4, 4 + market.size)))


def test_first_accounts_come_last(market: OnChainMarket) -> None:
    """Their keys and limits lie where the page begins, right behind the records."""
    taken(market, (order(market, account) for account in (*range(10, 50), 9, 8, 7, 6, 5, 4)))


def test_page_is_turned_after_many_steps(market: OnChainMarket) -> None:
    last = 3 + market.size
    taken(market, [*(order(market, account) for account in range(4, last)), order(market, last, 1)])


@pytest.mark.parametrize("steps", [4, 5, 6])
@pytest.mark.parametrize("before", [20, 21, 22, 23])
def test_nobody_is_bound_by_an_order_that_it_did_not_sign(
    market: OnChainMarket, before: int, steps: int
) -> None:
    """Records of others zeroed a key, and zero is who signed a malformed signature."""
    victim = 4
    forged = victim.to_bytes(2) + b"\x01" + (1 << 31 | 999).to_bytes(4) + bytes(64)
    signed = [*(order(market, 30 + place) for place in range(before)), order(market, 30 + before, steps)]
    call = market.client.market.functions.post(INTERVAL, encode_orders(signed) + forged)
    market.client.sender.send(call)
    queued = market.client.market.functions.queued(INTERVAL, Side.SELL, 0).call()
    assert queued == 0
