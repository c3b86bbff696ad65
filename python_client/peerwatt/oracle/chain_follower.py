"""What a committee member follows of its market: batches, clearings and verdicts, kept on its disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from web3.types import LogReceipt

from peerwatt.client import Follower, Head, MarketClient
from peerwatt.messages import Verdict
from peerwatt.oracle.followed_chain import Cleared, Event, FollowedChain, Gated, Posted


class ChainFollower:
    """Brings a `FollowedChain` up to date.

    Attributes:
        client: the market.
        followed: what was seen so far.
    """

    def __init__(self, client: MarketClient, followed: FollowedChain, confirmations: int) -> None:
        """
        Args:
            client: the market.
            followed: what was seen so far.
            confirmations: how many blocks must lie on top of one before it is believed.
        """
        self.client = client
        self.followed = followed
        events = client.market.events
        readers = (
            (events.BatchPosted(), self._posted),
            (events.Cleared(), self._cleared),
            (events.Reported(), self._reported),
            (events.Expired(), self._expired),
        )
        self._readers = {event.topic: (event, read) for event, read in readers}
        self._follower = Follower(
            client.network,
            [client.market.address],
            list(self._readers),
            client.deployment.block,
            self,
            confirmations,
        )

    def follow(self) -> tuple[Head, bool]:
        """Catch up with the chain.

        Returns:
            The newest block, and whether something was taken back since the last time.

        Raises:
            ChainError: the chain does not answer.
        """
        return self._follower.follow()

    @property
    def confirmations(self) -> int:
        """How many blocks must lie on top of one before it is believed."""
        return self._follower.confirmations

    @property
    def waits(self) -> str:
        """What it waits for, one line; empty where nothing."""
        return self._follower.waits

    def read_again(self) -> None:
        """Read the newest blocks again with the next `follow`, twice as many each time."""
        self._follower.read_again()

    def begin_at(self, block: int) -> None:
        """Follow the chain from a block on; to be called before anything was followed."""
        before = self.client.network.web3.eth.get_block(block - 1)
        self.note(block - 1, bytes(before["hash"]), [])

    # What the follower keeps its logs in

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """As `Followed` has it."""
        return self.followed.blocks()

    def note(self, number: int, block_hash: bytes, logs: Sequence[LogReceipt]) -> None:
        """As `Followed` has it."""
        self.followed.note(number, block_hash, [self._read(log) for log in logs])

    def forget_after(self, number: int) -> None:
        """As `Followed` has it."""
        self.followed.forget_after(number)

    def _read(self, log: LogReceipt) -> Event:
        event, read = self._readers[bytes(log["topics"][0])]
        return read(int(log["blockNumber"]), event.process_log(log)["args"])

    def _posted(self, block: int, said: Any) -> Event:
        return Posted(block, said["interval"], said["batch"], bytes(said["records"]))

    def _cleared(self, block: int, said: Any) -> Event:
        time = int(self.client.network.web3.eth.get_block(block)["timestamp"])
        return Cleared(block, said["interval"], time, said["clearing"], bytes(said["clearingHash"]))

    def _reported(self, block: int, said: Any) -> Event:
        return Gated(block, said["interval"], said["verdict"])

    def _expired(self, block: int, said: Any) -> Event:
        return Gated(block, said["interval"], int(Verdict.EXPIRED))
