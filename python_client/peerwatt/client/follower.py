"""Following contracts on their chain: confirmed logs in, and out again when the chain is reorganised.

Behind an address there are often several nodes, and one that lags leaves the newest blocks out of the logs
that it gives, without a word. A block's header says which contracts have logs in it, so a block whose logs
are missing is noticed: they are taken from its receipts, or the block is not taken and is asked for again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from eth_typing import ChecksumAddress
from web3.exceptions import BlockNotFound
from web3.types import BlockData, LogReceipt

from peerwatt.chain import BLOCKS_PER_REQUEST, Head, Network
from peerwatt.chain.block_logs import logs_in_receipts, may_hold

log: Final = logging.getLogger(__name__)

COMPARED_BLOCKS: Final = 128
"""How many of the newest blocks are compared with their headers."""
FIRST_AGAIN: Final = 16
"""How many blocks are read again at first, where something that a contract has was not in its logs."""
MOST_AGAIN: Final = 1 << 16
"""And at most."""


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
        waits: what it waits for, one line; empty where nothing.
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
        self._wanted = {"address": self._addresses} | ({"topics": [self._topics]} if topics else {})
        self._first_block = first_block
        self._followed = followed
        self.waits = ""
        self._seen: tuple[int, Head] | None = None
        self._again = 0, 0

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
        waited, self.waits = self.waits, ""
        while self._advance(head):
            pass
        if self.waits and self.waits != waited:
            log.info("%s", self.waits)
        self._seen = turns, head
        return head, reorganised

    def read_again(self) -> None:
        """Read the newest blocks again, twice as many each time: a contract has what was not in the logs."""
        newest = next((number for number, _ in self._followed.blocks()), self._first_block - 1)
        at, last = self._again
        count = min(2 * last, MOST_AGAIN) if newest - at < COMPARED_BLOCKS and last else FIRST_AGAIN
        self._again = newest, count
        kept = (number for number, _ in self._followed.blocks() if number <= newest - count)
        self._followed.forget_after(next(kept, self._first_block - 1))
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
        if self._network.controls_time:
            # Nobody but this program seals blocks there, and there is one node.
            block_hash = head.hash if to == head.number else self._block_hash(to)
            logs: Sequence[LogReceipt] = self._network.history.logs(self._addresses, self._topics, first, to)
        else:
            to, block_hash, logs = self._checked(first, to, head)
        if block_hash is None:
            return False
        self._followed.note(to, block_hash, logs)
        return to < confirmed

    def _checked(self, first: int, last: int, head: Head) -> tuple[int, bytes | None, Sequence[LogReceipt]]:
        """The logs of as many blocks of a range as the node gives all of.

        Returns:
            The last of these blocks, its hash and the logs; no hash where there is none of them.
        """
        logs = self._network.history.logs(self._addresses, self._topics, first, last)
        # Behind an address that asks several nodes they may come twice, and in any order.
        by_place = {(int(found["blockNumber"]), int(found["logIndex"])): found for found in logs}
        by_block: dict[int, list[LogReceipt]] = {}
        for (number, _), found in sorted(by_place.items()):
            by_block.setdefault(number, []).append(found)
        taken: list[LogReceipt] = []
        to, block_hash = first - 1, None
        compared = max(first, head.number - COMPARED_BLOCKS + 1)
        for number in range(first, last + 1):
            own, header = by_block.get(number, []), None
            if number >= compared or number == last:
                header = self._header(number)
                if header is None or any(bytes(found["blockHash"]) != bytes(header["hash"]) for found in own):
                    self.waits = self._waiting(number, "is not there in one piece")
                    break
                if not own and may_hold(header, self._addresses, self._topics):
                    inside = logs_in_receipts(self._network.web3, header, self._wanted)
                    if inside is None:
                        self.waits = self._waiting(number, "has events that the node does not give yet")
                        break
                    own = inside
                to, block_hash = number, bytes(header["hash"])
            taken += own
        # A hash stands for all blocks before it: still there after the reading, all of it is of one chain.
        if block_hash is None or self._block_hash(to) != block_hash:
            return to, None, []
        return to, block_hash, [found for found in taken if int(found["blockNumber"]) <= to]

    def _waiting(self, number: int, why: str) -> str:
        return f"{self._network.endpoint}: block {number} {why}: asked again"

    def _header(self, number: int) -> BlockData | None:
        try:
            return self._network.web3.eth.get_block(number)
        except BlockNotFound:
            return None

    def _block_hash(self, number: int) -> bytes | None:
        header = self._header(number)
        return None if header is None else bytes(header["hash"])
