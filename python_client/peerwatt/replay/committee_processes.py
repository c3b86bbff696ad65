"""A replay's committee as processes: each member is a `peerwatt oracle run` that may be killed at any time.

Whoever dies is started again, as a service manager would. While a report is waited for, the replay seals
blocks a second apart, so that turns and deadlines pass as they do on a live chain, only faster.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from web3.types import TxReceipt

from peerwatt.chain import Network, events_since
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import EnvelopeBoard, MarketClient
from peerwatt.client.operating_envelopes import Publication
from peerwatt.errors import ChainError, InputError
from peerwatt.market.interval_ring import Phase
from peerwatt.replay.market_setup import ETHER_PER_KEY
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

Say = Callable[[str], None]

PACE_S: Final = 0.1
"""Between two blocks; most reports are there after three."""
PATIENT_PACE_S: Final = 0.4
"""The same once somebody has died, for starting again takes some seconds."""
GRACE_S: Final = 20.0
"""To end in, once told to."""
CONFIRMATIONS: Final = 1
ENVELOPE_LEAD_S: Final = 240
"""Before gate closure; homes bid a minute before it."""
MEMBER_POLL_S: Final = 0.05


@dataclass
class _Member:
    index: int
    command: list[str]
    log: IO[bytes]
    process: subprocess.Popen[bytes] | None = None
    address: str = "127.0.0.1:0"
    """Where it listens; the same again after a restart."""
    starts: int = field(default=0)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        self.starts += 1
        self.process = subprocess.Popen(
            [*self.command, "--listen", self.address],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
        )

    def listening(self) -> str:
        """The address that it prints, once it does.

        Raises:
            InputError: it ended instead.
        """
        assert self.process is not None
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode().strip()
        if not line.startswith("listening on "):
            raise InputError(f"oracle member {self.index} ended at once: see {self.log.name}")
        url = line.removeprefix("listening on ")
        self.address = url.removeprefix("http://")
        return url

    def end(self) -> None:
        if self.process is None:
            return
        # Its input's end is what tells it to stop.
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class CommitteeProcesses:
    """The committee of one replay; use it in a `with` statement.

    Attributes:
        folder: where the members' states and logs are.
    """

    def __init__(self, network: Network, scenario: Scenario, keys: PilotKeys, folder: Path, say: Say) -> None:
        """
        Raises:
            InputError: no other process can reach the chain, or the folder cannot be written.
        """
        if not isinstance(network, RpcNetwork):
            raise InputError(
                f"--committee processes: {network.name} is in this process alone: use anvil or ganache"
            )
        self.folder = folder
        self._network = network
        self._scenario = scenario
        self._keys = keys
        self._say = say
        self._members: list[_Member] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("member-*"):
                old.unlink()
        except OSError as error:
            raise InputError(f"{folder}: cannot be written: {error.strerror}; choose another --out") from None

    def start(self, client: MarketClient, first: int, seed: int) -> None:
        """Start every member.

        Args:
            client: the market.
            first: interval on chain of the scenario's first one.
            seed: of the forecasts.
        """
        self._client = client
        committee = range(self._scenario.committee.members)
        keys = [self._keys.committee_member(index).address for index in committee]
        self._network.fund(dict.fromkeys(keys, ETHER_PER_KEY))
        deployment, peers = self.folder / "deployment.json", self.folder / "peers.txt"
        client.deployment.save(deployment)
        peers.write_text("", encoding="utf-8")
        common = {
            "--chain": self._network.url,
            "--deployment": deployment,
            "--peers": peers,
            "--scenario": self._scenario.directory,
            "--seed": seed,
            "--first-interval": first,
            "--demo-seed": self._keys.seed,
            "--confirmations": CONFIRMATIONS,
            "--poll": MEMBER_POLL_S,
            "--envelope-lead": ENVELOPE_LEAD_S,
        }
        for index in committee:
            options = {**common, "--member": index, "--state": self.folder / f"member-{index}.sqlite"}
            command = [
                *(sys.executable, "-c", "from peerwatt.cli import main; main()", "oracle", "run"),
                *(str(part) for option in options.items() for part in option),
                *("--no-advance", "--until-stdin-ends"),
            ]
            log = (self.folder / f"member-{index}.log").open("ab")
            self._members.append(_Member(index, command, log))
            self._members[-1].start()
        urls = [member.listening() for member in self._members]
        peers.write_text("".join(f"{url}\n" for url in urls), encoding="utf-8")
        for member, url in zip(self._members, urls, strict=True):
            self._say(f"oracle member {member.index}: process {_id(member)}, {url}, {member.log.name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self._members:
            member.end()
            member.log.close()

    @property
    def restarts(self) -> int:
        """How often a member had died and was started again."""
        return sum(member.starts - 1 for member in self._members)

    def await_envelopes(self, interval: int, pages: int, until: int) -> list[Publication]:
        """Seal blocks until members have published an interval's envelopes; at some moment, go on without.

        Args:
            interval: whose.
            pages: how many there are.
            until: the last moment, s since the epoch.

        Returns:
            What is on the chain, in the order of the pages.
        """
        board, since = EnvelopeBoard(self._client), self._network.web3.eth.block_number

        def complete() -> bool:
            return all(board.limits(interval, page) for page in range(pages))

        if not self._until(complete, until):
            self._say(
                f"interval {interval}: the committee published no operating envelope in time, connection "
                "limits count"
            )
        return board.publications(interval, since)

    def await_verdict(self, interval: int) -> TxReceipt:
        """Seal blocks until a member has reported on a cleared interval; at the deadline, move on without.

        Returns:
            The receipt of the transaction that brought the verdict.
        """
        deadline, cleared = (
            self._scenario.market.report_deadline(interval),
            self._network.web3.eth.block_number,
        )

        def gated() -> bool:
            return self._client.interval(interval).phase == Phase.GATED

        if self._until(gated, deadline - 1):
            return self._reported(interval, cleared)
        self._say(f"interval {interval}: the committee was silent, it expires")
        self._network.set_next_timestamp(max(deadline, self._network.latest_timestamp() + 1))
        return self._client.expire(interval)

    def _until(self, done: Callable[[], bool], last: int) -> bool:
        """Seal blocks until something is so, at most up to some second; whether it is."""
        restarts = self.restarts
        while not done() and self._network.latest_timestamp() < last:
            self._start_again()
            self._network.mine()
            time.sleep(PACE_S if self.restarts == restarts else PATIENT_PACE_S)
        return done()

    def _start_again(self) -> None:
        for member in self._members:
            if not member.alive:
                member.end()
                member.start()
                self._say(f"oracle member {member.index} died; started again as process {_id(member)}")

    def _reported(self, interval: int, since: int) -> TxReceipt:
        found = list(events_since(self._client.market.events.Reported(), since, interval=interval))
        if len(found) != 1:
            raise ChainError(
                f"{self._network.endpoint}: {len(found)} reports on interval {interval}, not one"
            )
        return self._network.receipt(found[0]["transactionHash"])


def _id(member: _Member) -> int:
    assert member.process is not None
    return member.process.pid
