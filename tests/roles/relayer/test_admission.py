"""A relayer takes in what the market would take, and nobody else's word for an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.errors import InputError
from peerwatt.messages import Order, Side, SignedOrder, SkipReason, Step
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.relayer import BatchState, OrderQueue, Relayer
from peerwatt.roles.relayer.admission import AHEAD_S, MOST_AGAIN
from tests.client.conftest import BUYER, CONFIG, FIRST, SELLER, SmallMarket, open_small_market

CLOSURE = CONFIG.gate_closure(FIRST)
LAST = CONFIG.last_open(CLOSURE - 100 + AHEAD_S)
CARRIED = CONFIG.energy_limit(100)


@pytest.fixture(scope="module")
def deployed() -> Iterator[SmallMarket]:
    with open_small_market() as small:
        small.network.fund({small.keys.relayer.address: ETHER_PER_KEY})
        yield small


@pytest.fixture
def market(deployed: SmallMarket) -> Iterator[SmallMarket]:
    snapshot = deployed.network.snapshot()
    deployed.network.advance_to(CLOSURE - 100)
    yield deployed
    deployed.network.revert(snapshot)


@pytest.fixture
def relayer(market: SmallMarket) -> Iterator[Relayer]:
    client = MarketClient(market.network, market.deployment, Sender(market.network, market.keys.relayer))
    with OrderQueue() as queue:
        yield Relayer(client, queue, client.watch())


@pytest.fixture
def sign(market: SmallMarket) -> Callable[..., SignedOrder]:
    """The seller's order, changed as is asked for and signed then."""

    def changed(*steps: Step, interval: int = FIRST, account: int = SELLER) -> SignedOrder:
        order = Order(interval, account, steps or (Step(Side.SELL, 20, 500),))
        return order.signed(market.client.domain, bytes(market.keys.order_key(SELLER).key))

    return changed


def test_sixty_four_zero_bytes_for_somebodys_account_do_not_keep_its_owner_out(
    relayer: Relayer, sign: Callable[..., SignedOrder]
) -> None:
    own = sign()
    with pytest.raises(InputError, match=f"order of account {SELLER} .*: not signed by the account's order"):
        relayer.accept(replace(own, signature=bytes(64)))
    relayer.accept(own)
    assert relayer.queue.queued(FIRST) == (own,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account": BUYER}, "not signed by the account's order key"),
        ({"account": 3}, "nobody is registered under that account"),
        ({"account": 999}, "nobody is registered under that account"),
        ({"interval": FIRST - 1}, "its gate closed 800 s ago: order for a later interval"),
        ({"interval": 0}, "its gate closed"),
        ({"interval": LAST + 1}, f"orders are kept up to interval {LAST}, a day ahead"),
        ({"interval": 2**32 - 1}, "orders are kept up to interval"),
    ],
)
def test_an_order_that_cannot_be_posted_is_refused_when_it_comes(
    relayer: Relayer, sign: Callable[..., SignedOrder], changes: dict[str, int], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        relayer.accept(sign(**changes))
    assert relayer.queue.waiting() == ()
    relayer.accept(sign(interval=LAST))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([Step(Side.SELL, 20, 0)], "give 1 to 8 steps, none empty"),
        ([Step(Side.SELL, 20, 1), Step(Side.SELL, 20, 1)], "give 1 to 8 steps, none empty"),
        ([Step(Side.SELL, 20 + at, 1) for at in range(9)], "give 1 to 8 steps, none empty"),
        (
            [Step(Side.SELL, 20, CARRIED + 1)],
            f"{CARRIED + 1} Wh to sell, its connection carries {CARRIED} Wh",
        ),
        ([Step(Side.BUY, 20, CARRIED), Step(Side.BUY, 21, 1)], f"{CARRIED + 1} Wh to buy, its connection"),
    ],
)
def test_an_order_that_the_market_would_skip_is_refused_when_it_comes(
    relayer: Relayer, sign: Callable[..., SignedOrder], steps: list[Step], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        relayer.accept(sign(*steps))


def test_what_can_never_be_taken_does_not_come_again(
    market: SmallMarket, relayer: Relayer, sign: Callable[..., SignedOrder]
) -> None:
    relayer.accept(sign())
    # Its owner has it carried by somebody else too, who is faster.
    market.client.post(FIRST, [sign(Step(Side.SELL, 20, 400))])
    relayer.post(FIRST)
    [row] = relayer.queue.batches.of_interval(FIRST)
    assert (row.state, row.number) == (BatchState.POSTED, None)
    assert relayer.queue.skipped(FIRST, SELLER) == (SkipReason.DUPLICATE_ORDER, 0)
    with pytest.raises(InputError, match="the market skipped it: the account has an order in that interval"):
        relayer.accept(sign())


def test_what_is_skipped_again_and_again_is_carried_no_more(
    market: SmallMarket, relayer: Relayer, sign: Callable[..., SignedOrder]
) -> None:
    operator = market.client
    operator.sender.send(operator.registry.functions.setSuspended(SELLER, True))
    for quantity in range(100, 101 + MOST_AGAIN):
        relayer.accept(sign(Step(Side.SELL, 20, quantity)))
        relayer.post(FIRST)
    with pytest.raises(InputError, match="the market skipped 4 of them: order for the next interval"):
        relayer.accept(sign(Step(Side.SELL, 20, 99)))


def test_orders_that_wait_when_their_gate_closes_are_missed_and_wait_no_more(
    market: SmallMarket, relayer: Relayer, sign: Callable[..., SignedOrder], caplog: pytest.LogCaptureFixture
) -> None:
    relayer.accept(sign())
    market.network.advance_to(CLOSURE)
    relayer.step(CLOSURE)
    assert (relayer.queue.waiting(), relayer.queue.batches.of_interval(FIRST)) == ((), ())
    assert f"interval {FIRST}: 1 orders came too late for its batches and missed it" in caplog.text
