"""A replay's committee as processes: each member is a `peerwatt oracle run` that may be killed at any time.

Whoever dies is started again, as a service manager would. While a report is waited for, the replay seals
blocks a second apart, so that turns and deadlines pass as they do on a live chain, only faster.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from peerwatt.chain import Network
from peerwatt.chain.networks import FROM_ENVIRONMENT, URL_VARIABLE
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import MarketClient, MarketView
from peerwatt.errors import InputError
from peerwatt.replay.cast import envelope_pages
from peerwatt.roles.appointments import Action
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.market_clock import ORDER_LEAD_S
from peerwatt.scenario.scenario import Scenario

log: Final = logging.getLogger(__name__)

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
    environment: dict[str, str] = field(repr=False)
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
            env=self.environment,
            # A Ctrl-C in the terminal is for the replay, which ends its members.
            start_new_session=True,
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
        actions: what members are waited for.
        folder: where the members' states and logs are.
    """

    actions: Final = frozenset({Action.PUBLISH_ENVELOPE, Action.REPORT})

    def __init__(self, network: Network, scenario: Scenario, keys: PilotKeys, folder: Path) -> None:
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
        self._members: list[_Member] = []
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for old in folder.glob("member-*"):
                old.unlink()
        except OSError as error:
            raise InputError(f"{folder}: cannot be written: {error.strerror}; choose another --out") from None

    def start(self, client: MarketClient, view: MarketView, first: int, seed: int) -> None:
        """Start every member.

        Args:
            client: the market.
            view: of the market's chain.
            first: interval on chain of the scenario's first one.
            seed: of the forecasts.
        """
        self._client, self._view = client, view
        self._pages = envelope_pages(self._scenario)
        committee = range(self._scenario.committee.members)
        deployment, peers = self.folder / "deployment.json", self.folder / "peers.txt"
        client.deployment.save(deployment)
        peers.write_text("", encoding="utf-8")
        common = {
            # The address may have a key in it, and everybody sees a command line.
            "--chain": FROM_ENVIRONMENT,
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
            said = (self.folder / f"member-{index}.log").open("ab")
            environment = {**os.environ, URL_VARIABLE: self._network.url}
            self._members.append(_Member(index, command, said, environment))
            self._members[-1].start()
        urls = [member.listening() for member in self._members]
        peers.write_text("".join(f"{url}\n" for url in urls), encoding="utf-8")
        for member, url in zip(self._members, urls, strict=True):
            log.info("oracle member %d: process %d, %s, %s", member.index, _id(member), url, member.log.name)

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

    def step(self, now: int) -> None:
        """Seal blocks until members have published the envelopes or brought the reports that are due."""
        config = self._scenario.market
        for view in sorted(self._view.intervals.values(), key=lambda view: view.number):
            if view.cleared is not None and view.verdict is None:
                self._await_verdict(view.number, config.report_deadline(view.number))
        if self._pages:
            closing = (now + config.gate_lead) // config.interval_length + 1
            until = config.gate_closure(closing) - ORDER_LEAD_S - 1
            if until - ENVELOPE_LEAD_S <= now <= until:
                self._await_envelopes(closing, until)

    def _await_envelopes(self, interval: int, until: int) -> None:
        """Seal blocks until members have published an interval's envelopes; at some moment, go on without."""

        def complete() -> bool:
            self._view.follow()
            return len(self._view.interval(interval).envelope) >= self._client.account_count()

        if not self._until(complete, until):
            log.warning(
                "interval %d: the committee published no operating envelope in time, connection limits count",
                interval,
            )

    def _await_verdict(self, interval: int, deadline: int) -> None:
        """Seal blocks until a member has reported on a cleared interval; at the deadline, go on without."""

        def gated() -> bool:
            self._view.follow()
            return self._view.interval(interval).verdict is not None

        if not self._until(gated, deadline - 1):
            log.warning("interval %d: the committee was silent, it expires", interval)
            self._network.set_next_timestamp(max(deadline, self._network.latest_timestamp() + 1))
            self._client.expire(interval)

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
                log.warning("oracle member %d died; started again as process %d", member.index, _id(member))


def _id(member: _Member) -> int:
    assert member.process is not None
    return member.process.pid
