"""Relayer, keeper and metering desk as one real process on a node that misbehaves; orders come over HTTP."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from peerwatt.chain import Deployment, Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import IntervalView, MarketClient, MarketView
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import SignedOrder
from peerwatt.oracle.web_server import WebServer
from peerwatt.replay.founding import ETHER_PER_KEY
from peerwatt.roles.http_ports import HttpOrders, Unanswered
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.metering_desk import MeteringDesk
from peerwatt.roles.port_service import ports
from peerwatt.roles.relayer import BatchRow, OrderQueue, Relayer
from peerwatt.scenario.keys import PilotKeys
from tests.client.conftest import SmallMarket, open_small_market
from tests.rough_node import RoughNode

PATIENCE_SECONDS = 120.0
POLL_SECONDS = 0.1
BLOCK_SECONDS = 0.3
STEP_SECONDS = 0.1
LATE_BLOCKS = 8
"""More than any replica here lags."""


def main(url: str, deployment: str, queue: str) -> None:
    """Be the process: step the roles until stdin ends; what they meet with is said on stderr."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(message)s")
    keys, lock, stop = PilotKeys(1), threading.Lock(), threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    found = Deployment.load(Path(deployment))
    with open_network(url) as network, OrderQueue(Path(queue)) as orders:
        relaying = MarketClient(network, found, Sender(network, keys.relayer))
        keeping = MarketClient(network, found, Sender(network, keys.keeper))
        relayer = Relayer(relaying, orders, relaying.watch())
        config, operator = keeping.config(), keys.metering_operator
        keeper = Keeper(keeping, config, keeping.watch())
        metering = MarketClient(network, found, Sender(network, operator))
        desk = MeteringDesk(metering, config, metering.watch(), bytes(operator.key))
        with WebServer("127.0.0.1", 0, ports(lock, orders=relayer)) as server:
            print(server.url, flush=True)
            while not stop.wait(STEP_SECONDS):
                for step in (relayer.step, keeper.step, desk.step):
                    try:
                        with lock:
                            step(network.latest_timestamp())
                    except Exception as error:
                        logging.info("%s: %s", type(error).__name__, error)


@dataclass
class Bench:
    """A market on Anvil that mines what it is sent, and its operator behind a node that misbehaves.

    Attributes:
        market: its parties.
        config: its clock.
        rough: what the operator sees of the node.
        live: the node as it is.
        queue: the relayer's file.
        kept: what is in it.
    """

    market: SmallMarket
    config: MarketConfig
    rough: RoughNode
    live: RpcNetwork
    queue: Path
    folder: Path
    view: MarketView
    kept: OrderQueue
    url: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the operator, and wait for its port."""
        assert self.process is None
        deployment = self.folder / "deployment.json"
        self.market.deployment.save(deployment)
        with (self.folder / "said").open("a") as said:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tests.roles.operator_process"),
                    *(self.rough.url, str(deployment), str(self.queue)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=Path(__file__).parents[2],
                text=True,
            )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.said()

    def kill(self) -> None:
        """SIGKILL, by its own id."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                assert pipe is not None
                pipe.close()
            self.process = None

    def said(self) -> str:
        """What the operator met with."""
        return (self.folder / "said").read_text()

    # The chain

    def ask(self, method: str, *params: Any) -> Any:
        return self.live.ask(method, list(params))

    def mine(self, timestamp: int | None = None) -> None:
        """Seal a block, at a time if one is given."""
        self.ask("evm_mine", *([] if timestamp is None else [{"timestamp": timestamp}]))

    def now(self) -> int:
        return int(self.live.web3.eth.get_block("latest")["timestamp"])

    def live_client(self, key: LocalAccount) -> MarketClient:
        """The market through a key, on the node as it is."""
        return MarketClient(self.live, self.market.deployment, Sender(self.live, key))

    def seen(self, interval: int) -> IntervalView:
        """What the node itself says of an interval."""
        self.view.follow()
        return self.view.interval(interval)

    def posts(self, interval: int) -> int:
        """How many transactions of the relayer posted to an interval, whatever came of them."""
        relayer = self.market.keys.relayer.address
        found = self.seen(interval).transactions
        return sum(each.call == "post" and each.sender == relayer for each in found)

    def until(self, done: Callable[[], bool]) -> None:
        """Seal empty blocks until something is so."""
        begun = time.monotonic()
        sealed = begun
        while not done():
            now = time.monotonic()
            assert now < begun + PATIENCE_SECONDS, self.said()[-3000:]
            if now > sealed + BLOCK_SECONDS:
                self.mine()
                sealed = now
            time.sleep(POLL_SECONDS)

    # The relayer

    def hand_in(self, order: SignedOrder) -> None:
        """Hand an order in, again where nobody says that it was taken."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        with HttpOrders(self.url) as orders:
            while True:
                try:
                    return orders.accept(order)
                except Unanswered:
                    assert time.monotonic() < deadline, self.said()[-3000:]
                    # A role may be waiting for its transaction, and with it for blocks.
                    self.ask("anvil_mine", hex(LATE_BLOCKS))

    def rows(self, interval: int) -> tuple[BatchRow, ...]:
        return self.kept.batches.of_interval(interval)


@contextmanager
def operator_bench(config: MarketConfig, folder: Path) -> Iterator[Bench]:
    """The market, the node and the operator, which is not started yet."""
    with open_small_market("anvil", config) as market:
        sealed = market.network
        assert isinstance(sealed, RpcNetwork)
        for key in (market.keys.relayer, market.keys.keeper, market.keys.metering_operator):
            sealed.fund({key.address: ETHER_PER_KEY})
        sealed.ask("evm_setAutomine", [True])
        queue = folder / "orders.sqlite"
        with open_network(sealed.url) as live, RoughNode(sealed.url) as rough, OrderQueue(queue) as kept:
            assert isinstance(live, RpcNetwork)
            view = MarketView(live, market.deployment, config.ring_size)
            bench = Bench(market, config, rough, live, queue, folder, view, kept)
            try:
                yield bench
            finally:
                bench.kill()


if __name__ == "__main__":
    main(*sys.argv[1:])
