"""A relayer that is killed at any instant reveals what it committed to, and pays no bond twice and none away.

Real processes on a real node, killed with SIGKILL while a request of theirs is held: between what is on disk
and what the chain knows.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from peerwatt.chain.rpc import RpcNetwork
from peerwatt.roles.relayer import BatchRow, BatchState, OrderQueue
from tests.client.conftest import FIRST, open_small_market
from tests.roles.relayer.conftest import BONDS, SEALED, SealedMarket
from tests.roles.relayer.held_node import HeldNode, held_node

PATIENCE_SECONDS = 120.0

RELAYER = """
import sys
from pathlib import Path
from peerwatt.chain import Deployment, Sender, open_network
from peerwatt.client import MarketClient
from peerwatt.scenario.keys import PilotKeys
from peerwatt.roles.relayer import OrderQueue, Relayer

url, deployment, queue, *intervals = sys.argv[1:]
with open_network(url) as network, OrderQueue(Path(queue)) as orders:
    client = MarketClient(network, Deployment.load(Path(deployment)), Sender(network, PilotKeys(1).relayer))
    relayer = Relayer(client, orders, client.watch())
    for interval in intervals:
        relayer.commit(int(interval))
    if not intervals:
        relayer.tend()
    print("done", flush=True)
    sys.stdin.read()
"""


class Bench:
    """A sealed market on Anvil, and one interval of it, whose relayer is a process.

    Attributes:
        interval: the one.
        node: through which the process sees the chain.
    """

    def __init__(self, market: SealedMarket, node: HeldNode, folder: Path, interval: int) -> None:
        self.market, self.node, self.interval = market, node, interval
        self.network = market.small.network
        self._deployment, self._queue = folder / "deployment.json", folder / "orders.sqlite"
        self._said = folder / "said"
        market.small.deployment.save(self._deployment)
        self.network.advance_to(SEALED.gate_closure(interval) - 100)
        with OrderQueue(self._queue) as queue:
            for order in market.small.orders(interval, 500):
                queue.accept(order)

    @contextmanager
    def process(self, *intervals: int) -> Iterator[subprocess.Popen[bytes]]:
        """The relayer: commits to those intervals, or tends what it has, and stays; killed in the end."""
        command = [sys.executable, "-c", RELAYER, self.node.url, str(self._deployment), str(self._queue)]
        with self._said.open("w") as said:
            process = subprocess.Popen(
                [*command, *map(str, intervals)], stdin=subprocess.PIPE, stdout=said, stderr=said
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()

    def run(self, *intervals: int) -> int:
        """Let it do its work, and kill it; how many transactions the node took from it."""
        before = self.node.sent
        assert not self.held(*intervals)
        return self.node.sent - before

    def killed(self, *intervals: int) -> None:
        """Let it work until the node holds a request of its, and kill it then."""
        assert self.held(*intervals)

    def held(self, *intervals: int) -> bool:
        """Let it work until it is done or a request is held, and kill it; whether one was held."""
        with self.process(*intervals) as process:
            self._wait_until(lambda: self.node.held.is_set() or self._is_done(process))
            held = self.node.held.is_set()
        self.node.let_go()
        return held

    def _wait_until(self, done: Callable[[], bool]) -> None:
        """Wait, and mine whatever the node takes meanwhile, unless its taking is what is held."""
        deadline, mined = time.monotonic() + PATIENCE_SECONDS, self.node.sent
        while not done():
            assert time.monotonic() < deadline, self._said.read_text()
            if self.node.sent > mined and not self.node.held.is_set():
                mined = self.node.sent
                self.network.mine()
            time.sleep(0.01)

    def _is_done(self, process: subprocess.Popen[bytes]) -> bool:
        if "done" in self._said.read_text():
            return True
        assert process.poll() is None, self._said.read_text()
        return False

    def close_gate(self) -> None:
        self.network.advance_to(SEALED.gate_closure(self.interval))

    def close_book(self) -> None:
        self.network.advance_to(SEALED.book_closure(self.interval))

    @property
    def row(self) -> BatchRow:
        with OrderQueue(self._queue) as queue:
            [row] = queue.batches.of_interval(self.interval)
        return row

    def batches(self) -> list[int]:
        with OrderQueue(self._queue) as queue:
            rows = queue.batches.of_interval(self.interval)
            return [row.number for row in rows if row.number is not None]

    def all_is_well(self) -> None:
        """One bond was paid for the batch, it is back, and the batch is posted and can be settled."""
        assert self.market.commitments(self.interval) == [self.row.batch.seal]
        assert (self.row.state, self.batches()) == (BatchState.POSTED, [0])
        assert (self.market.purse, self.market.bonds_out) == (BONDS, 0)
        self.close_book()
        assert self.market.small.client.clear(self.interval).volume == 500


@pytest.fixture(scope="module")
def market() -> Iterator[SealedMarket]:
    with open_small_market("anvil", SEALED) as small:
        yield SealedMarket.of(small)


@pytest.fixture(scope="module")
def intervals() -> Iterator[int]:
    return iter(range(FIRST, FIRST + SEALED.ring_size))


@pytest.fixture
def bench(market: SealedMarket, intervals: Iterator[int], tmp_path: Path) -> Iterator[Bench]:
    assert isinstance(market.small.network, RpcNetwork)
    with held_node(market.small.network.url) as node:
        yield Bench(market, node, tmp_path, next(intervals))


@pytest.fixture(scope="module", autouse=True)
def allowed(market: SealedMarket) -> None:
    """Bonds are allowed once, before the first commitment; here before all of them."""
    contract = market.small.deployment.addresses["SealedBatches"]
    market.client.sender.send(market.client.payment_token.functions.approve(contract, 2**256 - 1))


def test_killed_between_storing_and_sending_it_commits_to_the_same_batch(bench: Bench) -> None:
    bench.node.hold_sending(reaches_node=False)
    bench.killed(bench.interval)
    stored = bench.row
    assert (stored.state, bench.market.commitments(bench.interval)) == (BatchState.STORED, [])
    assert bench.run() == 1
    assert bench.row.batch == stored.batch
    bench.close_gate()
    assert bench.run() == 1
    bench.all_is_well()


@pytest.mark.long
def test_killed_before_it_knows_of_its_commitment_it_sends_no_other(bench: Bench) -> None:
    bench.node.hold_sending(reaches_node=True)
    bench.killed(bench.interval)
    bench.network.mine()
    assert (bench.row.state, bench.market.bonds_out) == (BatchState.STORED, 1)
    assert bench.run() == 0
    assert bench.row.state == BatchState.COMMITTED
    bench.close_gate()
    assert bench.run() == 1
    bench.all_is_well()


def test_started_again_while_its_commitment_waits_to_be_mined_it_pays_one_bond(bench: Bench) -> None:
    bench.node.hold_sending(reaches_node=True)
    bench.killed(bench.interval)
    # The chain does not know yet, so it is sent again; whichever is mined second is refused.
    assert bench.run() == 1
    assert (bench.row.state, bench.market.bonds_out) == (BatchState.COMMITTED, 1)
    bench.close_gate()
    assert bench.run() == 1
    bench.all_is_well()


def killed_while_it_reveals(bench: Bench, *, reaches_node: bool) -> None:
    bench.run(bench.interval)
    bench.close_gate()
    bench.node.hold_sending(reaches_node=reaches_node)
    bench.killed()


def test_killed_between_commit_and_reveal_it_reveals(bench: Bench) -> None:
    assert bench.run(bench.interval) == 1
    assert bench.market.bonds_out == 1
    bench.close_gate()
    assert bench.run() == 1
    bench.all_is_well()


@pytest.mark.long
def test_killed_before_its_reveal_got_through_it_reveals(bench: Bench) -> None:
    killed_while_it_reveals(bench, reaches_node=False)
    assert bench.run() == 1
    bench.all_is_well()


def test_killed_before_it_knows_of_its_reveal_it_finds_the_batch_on_chain(bench: Bench) -> None:
    """Else the bond would be back and the batch's records gone, and it could not be settled from here."""
    killed_while_it_reveals(bench, reaches_node=True)
    bench.network.mine()
    assert (bench.batches(), bench.market.bonds_out) == ([], 0)
    assert bench.run() == 0
    bench.all_is_well()


def test_started_again_while_its_reveal_waits_to_be_mined_it_posts_once(bench: Bench) -> None:
    killed_while_it_reveals(bench, reaches_node=True)
    assert bench.run() == 1
    bench.all_is_well()


@pytest.mark.long
def test_dead_until_the_book_has_closed_it_finds_what_it_had_revealed(bench: Bench) -> None:
    killed_while_it_reveals(bench, reaches_node=True)
    bench.network.mine()
    bench.close_book()
    assert bench.run() == 0
    bench.all_is_well()


@pytest.mark.long
def test_dead_from_storing_until_gate_closure_it_has_paid_nothing(bench: Bench) -> None:
    bench.node.hold_sending(reaches_node=False)
    bench.killed(bench.interval)
    bench.close_gate()
    assert bench.run() == 0
    assert bench.row.state == BatchState.STORED
    bench.close_book()
    assert bench.run() == 0
    assert bench.row.state == BatchState.MISSED
    assert (bench.market.purse, bench.market.commitments(bench.interval)) == (BONDS, [])


@pytest.mark.long
def test_killed_at_any_request_it_loses_nothing(
    market: SealedMarket, intervals: Iterator[int], tmp_path: Path
) -> None:
    """Every request that committing and revealing take, one after the other, is the last that it makes."""
    assert isinstance(market.small.network, RpcNetwork)
    kills = 0
    with held_node(market.small.network.url) as node:
        for phase in ("commit", "reveal"):
            number = 0
            while True:
                number += 1
                folder = tmp_path / f"{phase}-{number}"
                folder.mkdir()
                bench = Bench(market, node, folder, next(intervals))
                if phase == "reveal":
                    bench.run(bench.interval)
                    bench.close_gate()
                node.hold_request(number)
                reached = bench.held(*([bench.interval] if phase == "commit" else []))
                kills += reached
                if phase == "commit":
                    bench.run(bench.interval)
                    bench.close_gate()
                bench.run()
                bench.all_is_well()
                if not reached:
                    break
    assert kills > 20
