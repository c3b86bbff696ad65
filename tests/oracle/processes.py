"""Committee members as real processes on a real node, in lockstep with its blocks.

Time is the chain's: a block is sealed, every member that is alive looks at it and does what it can, then the
next one is. So nothing depends on how fast the machine is.
"""

from __future__ import annotations

import os
import selectors
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from peerwatt.chain import Network, Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import MarketClient
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.market.interval_ring import Phase
from peerwatt.messages import SignedOrder, Verdict
from peerwatt.oracle.forecast_file import ForecastDirectory
from peerwatt.oracle.signing_record import SignedReport, SigningRecord
from peerwatt.oracle.state import read_state
from peerwatt.replay.founding import ETHER_PER_KEY, deploy_scenario, fund_market
from peerwatt.roles.relayer import OrderQueue, Relayer
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

MEMBERS = 4
PATIENCE_S = 6
START_SECONDS = 120.0
MORNING = 32
"""Position in the day: from here on the sun shines and the homes trade."""


@dataclass
class MemberProcess:
    """One `peerwatt oracle run`.

    Attributes:
        index: of the member.
        state: its file, kept from one life to the next.
        overrides: options that differ from the others', by name.
    """

    index: int
    state: Path
    log: Path
    arguments: Callable[[], list[str]]
    overrides: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    url: str = ""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, **overrides: str) -> None:
        """Start it, and wait for the address that it prints."""
        assert not self.alive
        self.overrides = overrides
        options = {"--state": str(self.state), "--member": str(self.index)}
        options |= {f"--{name.replace('_', '-')}": value for name, value in overrides.items()}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-c", "from peerwatt.cli import main; main()", "oracle", "run"),
                    *self.arguments(),
                    *(part for option in options.items() for part in option),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.url = ""

    def announced(self) -> None:
        """Wait until it has said where it listens."""
        process = self.process
        assert process is not None
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(START_SECONDS), f"member {self.index} says nothing: {self.said()}"
        line = process.stdout.readline()
        assert line.startswith("listening on "), f"member {self.index} ended: {self.said()}"
        self.url = line.removeprefix("listening on ").strip()

    def kill(self) -> None:
        """`kill -9`, by its own id."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process = None

    def said(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def signed(self, interval: int) -> list[SignedReport]:
        """What its state holds on an interval."""
        with closing(read_state(self.state)) as database:
            return SigningRecord(database).of_interval(interval)

    def signed_digests(self) -> dict[bytes, bytes]:
        """Digest by clearing hash, everything that it ever signed."""
        with closing(sqlite3.connect(self.state)) as database:
            return dict(database.execute("SELECT clearing_hash, digest FROM signatures").fetchall())


class CommitteeOnChain:
    """A market with its committee.

    Attributes:
        network: the node, whose blocks are sealed here alone.
        members: the processes.
        forecasts: the directory that honest members read.
        feeder: the file that they have.
    """

    def __init__(
        self, network: Network, scenario: Scenario, folder: Path, first: int = MORNING, lead_s: int = 300
    ) -> None:
        assert isinstance(network, RpcNetwork)
        self.network = network
        # Settling is none of the committee's business: a ring that need not be emptied.
        self.scenario = replace(scenario, market=replace(scenario.market, ring_size=100))
        self.folder = folder
        self.lead_s = lead_s
        self.keys = PilotKeys(scenario.seed)
        self.solver = PowerFlow(scenario.feeder)
        deployment = deploy_scenario(network, self.scenario, self.keys)
        fund_market(network, self.scenario, deployment, self.keys, 2)
        self.client = MarketClient(network, deployment, Sender(network, self.keys.relayer))
        committee = [self.keys.committee_member(index).address for index in range(MEMBERS)]
        network.fund(dict.fromkeys(committee, ETHER_PER_KEY))
        self.source = ScenarioForecasts(scenario, scenario.seed)
        forecasts = folder / "forecasts"
        forecasts.mkdir()
        self.forecasts = ForecastDirectory(forecasts)
        self._next = scenario.calendar.first + first
        self._deployment = folder / "deployment.json"
        self.client.deployment.save(self._deployment)
        self.feeder = scenario.directory / "feeder.json"
        self._peers = folder / "peers.txt"
        self._peers.write_text("")
        # One client for all questions: making one loads certificates, which takes longer than the answer.
        self._http = httpx.Client(trust_env=False)
        self.members = [
            MemberProcess(
                index, folder / f"member-{index}.sqlite", folder / f"member-{index}.log", self._options
            )
            for index in range(MEMBERS)
        ]

    def public_data(self) -> list[str]:
        """Options that name what everybody may know."""
        options = {"--chain": self.url, "--deployment": self._deployment, "--forecasts": self.forecasts.path}
        return [str(part) for option in options.items() for part in option]

    def _options(self) -> list[str]:
        options = {
            "--peers": self._peers,
            "--feeder": self.feeder,
            "--demo-seed": self.keys.seed,
            "--confirmations": 1,
            "--patience": PATIENCE_S,
            "--poll": 0.05,
            "--envelope-lead": self.lead_s,
        }
        return [
            *self.public_data(),
            *(str(part) for option in options.items() for part in option),
            "--until-stdin-ends",
        ]

    @property
    def url(self) -> str:
        assert isinstance(self.network, RpcNetwork)
        return self.network.url

    # Processes

    def start(self, members: Sequence[int] = range(MEMBERS), **overrides: str) -> None:
        """Start those members that are not alive, and let everybody know where they are."""
        started = [self.members[index] for index in members if not self.members[index].alive]
        for member in started:
            member.kill()
            member.start(**overrides)
        for member in started:
            member.announced()
        self.publish(self.members)

    def all_honest(self) -> None:
        """Four members as they should be, as every test begins."""
        for member in self.members:
            if member.overrides:
                member.kill()
        self.start()

    def restart(self, index: int, **overrides: str) -> None:
        self.members[index].kill()
        self.start([index], **overrides)

    def publish(self, members: Sequence[MemberProcess], *others: str) -> None:
        """Write the list of peers: these members, and other addresses."""
        urls = [member.url for member in members if member.url]
        partial = self._peers.with_suffix(".partial")
        partial.write_text("".join(f"{url}\n" for url in (*urls, *others)))
        os.replace(partial, self._peers)

    def close(self) -> None:
        for member in self.members:
            member.kill()
        self._http.close()

    # Blocks

    def tick(self, to: int | None = None) -> None:
        """Seal the next block, and let every living member see it and do what it can."""
        if to is not None:
            self.network.set_next_timestamp(to)
        self.network.mine()
        newest = self.network.web3.eth.get_block("latest")["hash"].to_0x_hex()
        for member in self.members:
            self._wait_for(member, newest)

    def _wait_for(self, member: MemberProcess, block: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while member.alive:
            try:
                if self._http.get(f"{member.url}/health").json()["block_hash"] == block:
                    return
            except httpx.HTTPError:
                pass
            assert time.monotonic() < deadline, f"member {member.index} is stuck: {member.said()}"
            time.sleep(0.01)
        assert member.process is None, f"member {member.index} ended by itself: {member.said()}"

    def until_decided(self, interval: int, at_most: int = 120) -> Verdict:
        """Seal blocks until the interval has its verdict."""
        for _ in range(at_most):
            if self.phase(interval) == Phase.GATED:
                return self.client.interval(interval).terms.verdict
            self.tick()
        said = "\n".join(f"member {member.index}: {member.said()}" for member in self.members)
        raise AssertionError(f"interval {interval} is not decided after {at_most} blocks\n{said}")

    def phase(self, interval: int) -> Phase:
        return self.client.interval(interval).phase

    # Intervals

    def next_interval(self, leader: int | None = None) -> int:
        """The next one, or the next that begins with some member's turn."""
        while leader is not None and self._next % MEMBERS != leader:
            self._next += 1
        self._next += 1
        return self._next - 1

    def post(self, leader: int | None = None) -> int:
        """Forecast the next interval, post everybody's orders for it, and come to its gate closure."""
        interval = self.next_interval(leader)
        self.forecasts.write(self.source.forecast(interval))
        self.close_gate(interval, self.orders(interval))
        return interval

    def close_gate(self, interval: int, orders: Sequence[SignedOrder]) -> None:
        """Post orders, and come to the interval's gate closure."""
        self.network.advance_to(self.scenario.market.gate_closure(interval) - 60)
        self.close_gate_after(interval, orders)

    def close_gate_after(self, interval: int, orders: Sequence[SignedOrder]) -> None:
        """The same from now on, however near the closure is."""
        self.post_orders(interval, orders)
        self.tick(self.scenario.market.gate_closure(interval))

    def orders(self, interval: int) -> list[SignedOrder]:
        position = interval - self.scenario.calendar.first
        orders = [
            order_of(self.scenario, home, position, self.scenario.seed, interval)
            for home in self.scenario.participants
        ]
        return [
            order.signed(self.client.domain, bytes(self.keys.order_key(order.participant).key))
            for order in orders
            if order is not None
        ]

    def post_orders(self, interval: int, orders: Sequence[SignedOrder]) -> None:
        with OrderQueue() as queue:
            relayer = Relayer(self.client, queue, self.client.watch())
            for order in orders:
                relayer.accept(order)
            [posted] = relayer.post(interval)
        assert posted.batch is not None


@contextmanager
def committee_on_chain(first: int = MORNING, *, envelope: bool = False) -> Iterator[CommitteeOnChain]:
    """An Anvil, a market on it, and four members that are not started yet."""
    scenario = replace(load_scenario("brooklyn-10"), envelope=envelope)
    genesis = int(scenario.calendar.start.timestamp()) - 86_400
    with (
        tempfile.TemporaryDirectory() as folder,
        open_network("anvil", genesis_time=genesis, sealed=True) as network,
    ):
        committee = CommitteeOnChain(network, scenario, Path(folder), first)
        try:
            yield committee
        finally:
            committee.close()
