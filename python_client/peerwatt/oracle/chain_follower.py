"""Following the market on its chain: confirmed events in, and out again when the chain is reorganised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from web3.exceptions import BlockNotFound
from web3.types import FilterParams, LogReceipt

from peerwatt.chain import BLOCKS_PER_REQUEST
from peerwatt.client import MarketClient
from peerwatt.messages import Verdict
from peerwatt.oracle.followed_chain import Cleared, Event, FollowedChain, Gated, Posted


@dataclass(frozen=True)
class Head:
    """The newest block.

    Attributes:
        number: of the block.
        hash: of the block, 32 bytes.
        time: its timestamp, s since the epoch: the clock of everything that the contracts decide.
    """

    number: int
    hash: bytes
    time: int


class ChainFollower:
    """Brings a `FollowedChain` up to date.

    Attributes:
        client: the market.
        followed: what was seen so far.
        confirmations: how many blocks must lie on top of one before it is believed.
    """

    def __init__(
        self, client: MarketClient, followed: FollowedChain, confirmations: int, say: Callable[[str], None]
    ) -> None:
        self.client = client
        self.followed = followed
        self.confirmations = confirmations
        self._say = say
        events = client.market.events
        readers = (
            (events.BatchPosted(), self._posted),
            (events.Cleared(), self._cleared),
            (events.Reported(), self._reported),
            (events.Expired(), self._expired),
        )
        self._readers = {event.topic: (event, read) for event, read in readers}

    def follow(self) -> tuple[Head, bool]:
        """Catch up with the chain.

        Returns:
            The newest block, and whether something was taken back since the last time.

        Raises:
            ChainError: the chain does not answer.
        """
        reorganised = self._take_back()
        newest = self.client.network.web3.eth.get_block("latest")
        head = Head(int(newest["number"]), bytes(newest["hash"]), int(newest["timestamp"]))
        while self._advance(head.number - self.confirmations):
            pass
        return head, reorganised

    def start_again(self) -> None:
        """Forget everything, to follow it from the market's first block."""
        self.followed.forget_after(self.client.deployment.block - 1)

    def _take_back(self) -> bool:
        """Forget what lies after the last block that is still on the chain."""
        newest = None
        for number, block_hash in self.followed.blocks():
            newest = number if newest is None else newest
            if self._block_hash(number) == block_hash:
                common = number
                break
        else:
            common = self.client.deployment.block - 1
        if newest is None or newest == common:
            return False
        self.followed.forget_after(common)
        self._say(f"the chain was reorganised: followed again from block {common} on, after {newest}")
        return True

    def _advance(self, confirmed: int) -> bool:
        """Take one step of blocks in; whether there is more to take."""
        last = next((number for number, _ in self.followed.blocks()), self.client.deployment.block - 1)
        first, to = last + 1, min(last + BLOCKS_PER_REQUEST, confirmed)
        if to < first:
            return False
        block_hash = self._block_hash(to)
        logs = self.client.network.web3.eth.get_logs(
            cast(
                FilterParams,
                {
                    "address": self.client.market.address,
                    "fromBlock": first,
                    "toBlock": to,
                    "topics": [list(self._readers)],
                },
            )
        )
        events = [self._read(log) for log in logs]
        # A hash stands for all blocks before it: still there after the reading, all of it is of one chain.
        if block_hash is None or self._block_hash(to) != block_hash:
            return False
        self.followed.note(to, block_hash, events)
        return to < confirmed

    def _block_hash(self, number: int) -> bytes | None:
        try:
            return bytes(self.client.network.web3.eth.get_block(number)["hash"])
        except BlockNotFound:
            return None

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
