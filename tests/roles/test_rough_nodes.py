"""Each batch is posted once, attested and settled, whatever a node does to its answers.

Relayer, keeper and desk ask the chain what is so. A real process on a real node, behind a proxy that
misbehaves.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import combinations

import pytest

import tests.lagging_modes  # noqa: F401  (it offers them)
from peerwatt.chain import Sender
from peerwatt.client import MarketClient
from peerwatt.errors import ChainError
from peerwatt.messages import Order, Side, Step
from peerwatt.roles.relayer import BatchState
from tests.client.conftest import CONFIG, FIRST, SELLER
from tests.roles.operator_process import Bench, operator_bench

RING = replace(CONFIG, ring_size=64)
MODES = (
    "dropsend=1",
    "dropreceipt=1",
    "alreadyknown=1",
    "nullreceipt=2",
    "pendingreceipt=2",
    "indexing=2",
    "lagcall=1",
    "emptylogs=5",
    "lateblocks=3",
    "latetransactions=2",
    "mixedlogs",
    "stalehead=3",
    "logrange=5",
    "logcount=1",
    "pruned=0",
    "429=25",
    "429rpc=25",
    "html=25",
    "drop=25",
    "poa",
    "nobatch",
)
"""What a node does to its answers, each by itself."""
PAIRS = (
    ("dropsend=1", "emptylogs=5"),
    ("alreadyknown=1", "lateblocks=3"),
    ("dropreceipt=1", "429rpc=25"),
    ("nullreceipt=2", "logrange=5"),
    ("pendingreceipt=2", "emptylogs=5"),
    ("lagcall=1", "pruned=0"),
    ("logcount=1", "html=25"),
    ("poa", "drop=25"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with operator_bench(RING, tmp_path_factory.mktemp("operator")) as found:
        found.start()
        yield found


@pytest.fixture(scope="module")
def intervals() -> Iterator[int]:
    return iter(range(FIRST, FIRST + 10_000))


@pytest.fixture
def interval(bench: Bench, intervals: Iterator[int]) -> Iterator[int]:
    """The next one that takes orders, a minute before they are posted; the node is itself again after."""
    found = next(number for number in intervals if RING.gate_closure(number) - 120 > bench.now())
    bench.mine(RING.gate_closure(found) - 120)
    yield found
    bench.rough.modes = []


def carried(bench: Bench, interval: int) -> bool:
    rows = bench.rows(interval)
    return bool(rows) and all(row.state == BatchState.POSTED for row in rows)


def posted(bench: Bench, interval: int) -> None:
    """Hand both orders in, and wait until the relayer has noted their batch."""
    for order in bench.market.orders(interval, 500):
        bench.hand_in(order)
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: carried(bench, interval))


def stages(bench: Bench, interval: int) -> list[tuple[int, Callable[[], bool]]]:
    """The interval's deadlines, and what the roles have done some time after each."""
    return [
        (RING.book_closure(interval) + 1, lambda: bench.seen(interval).cleared is not None),
        (RING.report_deadline(interval) + 1, lambda: bench.seen(interval).verdict is not None),
        (RING.end(interval) + 4, lambda: bench.seen(interval).attested),
        (RING.readings_deadline(interval) + 6, lambda: bench.seen(interval).is_settled),
    ]


def settled(bench: Bench, interval: int) -> None:
    """Let the interval's deadlines pass, and wait until the roles have done what each asks for."""
    for deadline, done in stages(bench, interval):
        if bench.now() < deadline:
            bench.mine(deadline)
        bench.until(done)


def carried_once_and_settled(bench: Bench, interval: int, *modes: str) -> None:
    bench.rough.modes = list(modes)
    bench.rough._counts.clear()
    posted(bench, interval)
    assert [(row.state, row.number) for row in bench.rows(interval)] == [(BatchState.POSTED, 0)]
    assert bench.posts(interval) == 1, bench.said()[-2000:]
    settled(bench, interval)


@pytest.mark.parametrize("mode", MODES)
def test_a_batch_is_posted_once_and_settled_whatever_a_node_does_to_its_answers(
    bench: Bench, interval: int, mode: str
) -> None:
    carried_once_and_settled(bench, interval, mode)


@pytest.mark.parametrize("modes", PAIRS, ids="+".join)
def test_and_whatever_two_things_it_does_at_once(bench: Bench, interval: int, modes: tuple[str, ...]) -> None:
    carried_once_and_settled(bench, interval, *modes)


@pytest.mark.long
@pytest.mark.parametrize("modes", [*combinations(MODES, 2)], ids="+".join)
def test_and_whatever_any_two_of_them_are(bench: Bench, interval: int, modes: tuple[str, ...]) -> None:
    carried_once_and_settled(bench, interval, *modes)


def other_batch(bench: Bench, interval: int) -> None:
    """Somebody else posts an order of the supplier's neighbour first."""
    live, market = bench.live, bench.market
    client = MarketClient(live, market.deployment, Sender(live, market.keys.operator))
    [_, buys] = market.orders(interval, 400)
    client.post(interval, [buys])


def test_a_batch_that_a_reorganisation_drops_is_posted_again(bench: Bench, interval: int) -> None:
    posted(bench, interval)
    block = bench.seen(interval).transactions[0].block
    bench.ask("anvil_rollback", bench.live.web3.eth.block_number - block + 1)
    bench.until(lambda: bench.posts(interval) == 1 and carried(bench, interval))
    assert [row.number for row in bench.rows(interval)] == [0]
    settled(bench, interval)


def test_a_batch_that_a_reorganisation_puts_behind_another_gets_its_new_number_and_is_settled(
    bench: Bench, interval: int
) -> None:
    [sells, _] = bench.market.orders(interval, 500)
    bench.hand_in(sells)
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: carried(bench, interval))
    [own] = bench.seen(interval).transactions
    raw = bench.ask("eth_getRawTransactionByHash", own.hash.to_0x_hex())
    bench.ask("evm_setAutomine", False)
    bench.ask("anvil_rollback", bench.live.web3.eth.block_number - own.block + 1)
    bench.ask("evm_setAutomine", True)
    other_batch(bench, interval)
    # The relayer may be faster, and have sent the same already.
    with suppress(ChainError):
        bench.ask("eth_sendRawTransaction", raw)
    bench.until(lambda: [row.number for row in bench.rows(interval)] == [1])
    assert [each.call for each in bench.seen(interval).transactions].count("post") == 2
    settled(bench, interval)


def test_clearing_attestation_and_settlement_that_a_reorganisation_drops_are_made_again(
    bench: Bench, interval: int
) -> None:
    posted(bench, interval)
    settled(bench, interval)
    for name in ("BatchSettled", "Attested", "Expired", "Cleared"):
        [transaction] = [each for each in bench.seen(interval).transactions if each.named(name)]
        bench.ask("anvil_rollback", bench.live.web3.eth.block_number - transaction.block + 1)
        assert not bench.seen(interval).is_settled
        settled(bench, interval)
    assert [(row.state, row.number) for row in bench.rows(interval)] == [(BatchState.POSTED, 0)]


def test_a_relayer_that_was_killed_finds_its_batch_on_a_node_without_old_state(
    bench: Bench, interval: int
) -> None:
    bench.rough.modes = ["pruned=0"]
    other_batch(bench, interval)
    [sells, _] = bench.market.orders(interval, 500)
    bench.hand_in(sells)
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: bench.posts(interval) == 1)
    bench.kill()
    bench.ask("anvil_mine", hex(130))
    bench.start()
    bench.until(lambda: [row.number for row in bench.rows(interval)] == [1])
    assert bench.posts(interval) == 1
    settled(bench, interval)


def test_orders_that_do_not_fit_into_one_transaction_make_several_batches_and_all_are_settled(
    bench: Bench, interval: int
) -> None:
    # Room for the call and one order by the bound of what they use.
    bench.ask("evm_setBlockGasLimit", hex(2_612_500))
    bench.mine()
    for order in bench.market.orders(interval, 500):
        bench.hand_in(order)
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: len(bench.rows(interval)) == 2 and carried(bench, interval))
    bench.ask("evm_setBlockGasLimit", hex(60_000_000))
    assert sorted(row.number for row in bench.rows(interval) if row.number is not None) == [0, 1]
    settled(bench, interval)
    assert len(bench.seen(interval).settled) == 2


def test_an_interval_whose_orders_come_in_vain_is_told_with_its_reason(bench: Bench, interval: int) -> None:
    low = Order(interval, SELLER, (Step(Side.SELL, 20, 300),))
    key = bench.market.keys.order_key(SELLER)
    operator = bench.market.client
    client = MarketClient(bench.live, bench.market.deployment, Sender(bench.live, operator.sender.account))
    client.sender.send(client.registry.functions.setPostingPaused(True))
    bench.hand_in(low.signed(client.domain, bytes(key.key)))
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: "PostingIsPaused" in bench.said())
    bench.mine(RING.gate_closure(interval))
    client.sender.send(client.registry.functions.setPostingPaused(False))
    bench.until(lambda: [row.state for row in bench.rows(interval)] == [BatchState.MISSED])
    [line] = [each for each in bench.said().splitlines() if f"interval {interval}: a batch of" in each]
    assert (
        line == f"interval {interval}: a batch of 1 orders is missed: the contract refused: PostingIsPaused()"
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_modes_and_reorganisations_drawn_at_random_lose_no_batch(
    bench: Bench, intervals: Iterator[int], seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(6):
        found = next(number for number in intervals if RING.gate_closure(number) - 120 > bench.now())
        bench.mine(RING.gate_closure(found) - 120)
        bench.rough.modes = draw.sample(MODES, 2)
        bench.rough._counts.clear()
        posted(bench, found)
        for deadline, done in stages(bench, found):
            depth = draw.randint(0, 6)
            if depth and bench.seen(found).transactions:
                before = bench.live.web3.eth.get_block(bench.live.web3.eth.block_number - depth)
                if before["timestamp"] >= RING.gate_closure(found) - 59:
                    bench.ask("anvil_rollback", depth)
            # The gate is open until the clock is set on: what was dropped is there again by then.
            bench.until(lambda: len(bench.seen(found).records) == 1 and carried(bench, found))  # noqa: B023
            if bench.now() < deadline:
                bench.mine(deadline)
            bench.until(done)
        bench.rough.modes = []
        [row] = bench.rows(found)
        seen = bench.seen(found)
        assert (row.state, row.number, seen.is_settled) == (BatchState.POSTED, 0, True)
        assert len(seen.records) == 1
