"""Following contracts on their chain: confirmed logs in, and out again when the chain is reorganised."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from eth_typing import ChecksumAddress
from web3.exceptions import BlockNotFound
from web3.types import LogReceipt

from peerwatt.chain import BLOCKS_PER_REQUEST, Head, Network

log: Final = logging.getLogger(__name__)


class Followed(Protocol):
    """What is kept of a followed chain, and taken back after a reorganisation."""

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Number and hash of the blocks up to which was followed, newest first."""

    def note(self, number: int, block_hash: bytes, logs: Sequence[LogReceipt]) -> None:
        """Take in everything since the block that was noted before, up to a block, at once."""

    def forget_after(self, number: int) -> None:
        """Take back everything after a block."""


class Follower:
    """Brings what is kept of a chain up to date.

    Attributes:
        confirmations: how many blocks must lie on top of one before it is believed.
    """

    def __init__(
        self,
        network: Network,
        addresses: Sequence[ChecksumAddress],
        topics: Sequence[bytes],
        first_block: int,
        followed: Followed,
        confirmations: int = 0,
    ) -> None:
        """
        Args:
            network: the chain.
            addresses: whose logs are followed.
            topics: the kinds of events; all of them where none are named.
            first_block: the block from which on there may be any.
            followed: what is kept.
            confirmations: how many blocks must lie on top of one before it is believed.
        """
        self.confirmations = confirmations
        self._network = network
        self._addresses = list(addresses)
        self._topics = list(topics)
        self._first_block = first_block
        self._followed = followed
        self._seen: tuple[int, Head] | None = None

    def follow(self) -> tuple[Head, bool]:
        """Catch up with the chain.

        Returns:
            The newest block, and whether something was taken back since the last time.

        Raises:
            ChainError: the chain does not answer.
        """
        if self._seen is not None and self._network.controls_time and self._seen[0] == self._network.turns:
            # Nobody but this program seals blocks there.
            return self._seen[1], False
        turns, head = self._network.turns, self._network.history.head()
        reorganised = self._take_back(head)
        while self._advance(head):
            pass
        self._seen = turns, head
        return head, reorganised

    def start_again(self) -> None:
        """Forget everything, to follow it from the first block on."""
        self._followed.forget_after(self._first_block - 1)
        self._seen = None

    def _take_back(self, head: Head) -> bool:
        """Forget what lies after the last block that is still on the chain."""
        known = {head.number: head.hash, head.number - 1: head.parent}
        newest = None
        for number, block_hash in self._followed.blocks():
            newest = number if newest is None else newest
            if (known.get(number) or self._block_hash(number)) == block_hash:
                common = number
                break
        else:
            common = self._first_block - 1
        if newest is None or newest == common:
            return False
        self._followed.forget_after(common)
        log.warning("the chain was reorganised: followed again from block %d on, after %d", common, newest)
        return True

    def _advance(self, head: Head) -> bool:
        """Take one step of blocks in; whether there is more to take."""
        confirmed = head.number - self.confirmations
        last = next((number for number, _ in self._followed.blocks()), self._first_block - 1)
        first, to = last + 1, min(last + BLOCKS_PER_REQUEST, confirmed)
        if to < first:
            return False
        block_hash = head.hash if to == head.number else self._block_hash(to)
        logs = self._network.history.logs(self._addresses, self._topics, first, to)
        # A hash stands for all blocks before it: still there after the reading, all of it is of one chain.
        if block_hash is None or not (self._network.controls_time or self._block_hash(to) == block_hash):
            return False
        self._followed.note(to, block_hash, logs)
        return to < confirmed

    def _block_hash(self, number: int) -> bytes | None:
        try:
            return bytes(self._network.web3.eth.get_block(number)["hash"])
        except BlockNotFound:
            return None
