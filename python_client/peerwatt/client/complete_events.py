"""All events of one kind up to the newest block, as a follower reads them: none that a node leaves out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from web3.types import LogReceipt

from peerwatt.chain import Contract, EventData, Network
from peerwatt.client.follower import Follower
from peerwatt.errors import ChainError

LATE_SECONDS: Final = 10.0
"""How long a node is waited for whose logs lag, s."""
POLL_SECONDS: Final = 0.5


class Follows(Protocol):
    """Whoever follows a chain."""

    @property
    def waits(self) -> str:
        """What it waits for, one line; empty where nothing."""

    def follow(self) -> object:
        """Catch up with the chain."""


def complete_events(
    network: Network, contract: Contract, name: str, since: int, **wanted: Any
) -> list[EventData]:
    """A contract's events of one kind from a block on, oldest first.

    Args:
        network: the contract's chain.
        contract: whose events.
        name: of the event.
        since: the block.
        wanted: values that its arguments must have, by name.

    Raises:
        ChainError: the node does not give all of them, also after a while.
    """
    collected = _Collected(contract, name, wanted)
    topic = contract.events[name]().topic
    catch_up(Follower(network, [contract.address], [topic], since, collected))
    return collected.found


def catch_up(follower: Follows) -> None:
    """Follow a chain up to its newest block; a node whose logs lag is waited for a while.

    Raises:
        ChainError: that was not enough.
    """
    end = time.monotonic() + LATE_SECONDS
    follower.follow()
    while follower.waits:
        if time.monotonic() >= end:
            raise ChainError(f"{follower.waits}, in vain: ask later, or another node")
        time.sleep(POLL_SECONDS)
        follower.follow()


class _Collected:
    """What was found so far."""

    def __init__(self, contract: Contract, name: str, wanted: dict[str, Any]) -> None:
        self.found: list[EventData] = []
        self._event = contract.events[name]()
        self._wanted = wanted
        self._blocks: list[tuple[int, bytes]] = []

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """As `Followed` has it."""
        return reversed(self._blocks)

    def note(self, number: int, block_hash: bytes, logs: Sequence[LogReceipt]) -> None:
        """As `Followed` has it."""
        said = (self._event.process_log(log) for log in logs)
        self.found += [each for each in said if self._wanted.items() <= each["args"].items()]
        self._blocks.append((number, block_hash))

    def forget_after(self, number: int) -> None:
        """As `Followed` has it."""
        self.found = [each for each in self.found if each["blockNumber"] <= number]
        self._blocks = [block for block in self._blocks if block[0] <= number]
