"""What happened on a chain, as followers ask for it: the newest block, a range's logs, a transaction's call.

Of a chain whose blocks this program alone seals, everything is asked for once, whoever asks again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import TransactionNotFound
from web3.types import FilterParams, LogReceipt

from peerwatt.chain.block_logs import logs_of_block
from peerwatt.chain.log_ranges import LogRanges
from peerwatt.errors import ChainError

REMEMBERED: Final = 1024
"""Blocks, and transactions that were sent from here."""


@dataclass(frozen=True)
class Head:
    """The newest block.

    Attributes:
        number: of the block.
        hash: of the block, 32 bytes.
        time: its timestamp, s since the epoch: the clock of everything that the contracts decide.
        parent: hash of the block before, 32 bytes.
    """

    number: int
    hash: bytes
    time: int
    parent: bytes = bytes(32)


@dataclass(frozen=True)
class Sent:
    """A transaction as it was sent.

    Attributes:
        sender: who sent it.
        to: the contract that was called; None creates one.
        data: of the call.
    """

    sender: ChecksumAddress
    to: ChecksumAddress | None
    data: bytes


class Chain(Protocol):
    """What the history is read from."""

    endpoint: str
    web3: Web3
    controls_time: bool
    turns: int
    log_ranges: LogRanges


class History:
    """One chain's."""

    def __init__(self, chain: Chain) -> None:
        """
        Args:
            chain: whose.
        """
        self._chain = chain
        self._head: tuple[int, Head] | None = None
        self._logs: dict[int, list[LogReceipt]] = {}
        self._sent: dict[bytes, Sent] = {}

    def forget(self) -> None:
        """The chain went back: nothing that was read is sure to be on it."""
        self._head = None
        self._logs.clear()

    def head(self) -> Head:
        """The newest block.

        Raises:
            ChainError: the chain does not answer.
        """
        turns = self._chain.turns
        if self._chain.controls_time and self._head is not None and self._head[0] == turns:
            return self._head[1]
        block = self._chain.web3.eth.get_block("latest")
        head = Head(
            int(block["number"]), bytes(block["hash"]), int(block["timestamp"]), bytes(block["parentHash"])
        )
        self._head = turns, head
        return head

    def logs(
        self, addresses: Sequence[ChecksumAddress], topics: Sequence[bytes], first: int, last: int
    ) -> list[LogReceipt]:
        """The logs of a range of blocks, oldest first.

        Args:
            addresses: whose.
            topics: the kinds of events; all of them where none are named.
            first: block.
            last: block.

        Raises:
            ChainError: the chain does not answer.
        """
        if not self._chain.controls_time:
            wanted: dict[str, Any] = {"address": list(addresses)}
            if topics:
                wanted["topics"] = [list(topics)]
            return self._read(wanted, first, last)
        self._read_logs(first, last)
        return [
            log
            for number in range(first, last + 1)
            for log in self._logs.get(number, ())
            if log["address"] in addresses and (not topics or bytes(log["topics"][0]) in topics)
        ]

    def _read_logs(self, first: int, last: int) -> None:
        """Read the logs of a sealed chain's blocks that are not known."""
        unknown = [number for number in range(first, last + 1) if number not in self._logs]
        if not unknown:
            return
        for number in [known for known in self._logs if known < last - REMEMBERED]:
            del self._logs[number]
        found: dict[int, list[LogReceipt]] = {number: [] for number in unknown}
        for log in self._read({}, unknown[0], unknown[-1]):
            if int(log["blockNumber"]) in found:
                found[int(log["blockNumber"])].append(log)
        self._logs |= found

    def _read(self, wanted: Mapping[str, Any], first: int, last: int) -> list[LogReceipt]:
        """What a node says, in as many requests as it wants."""

        def read(first: int, last: int) -> Sequence[LogReceipt]:
            fields = {**wanted, "fromBlock": first, "toBlock": last}
            return self._chain.web3.eth.get_logs(cast(FilterParams, fields))

        web3 = self._chain.web3
        return self._chain.log_ranges.read(
            first, last, read, lambda number: logs_of_block(web3, number, wanted)
        )

    def note_sent(self, transaction: bytes, sent: Sent) -> None:
        """Remember what was sent from here."""
        self._sent[bytes(transaction)] = sent
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def sent(self, transaction: bytes) -> Sent:
        """A transaction as it was sent.

        Raises:
            ChainError: the chain does not answer.
        """
        known = self._sent.get(bytes(transaction))
        if known is not None:
            return known
        try:
            found = self._chain.web3.eth.get_transaction(HexBytes(transaction))
        except TransactionNotFound:
            named = HexBytes(transaction).to_0x_hex()
            raise ChainError(
                f"{self._chain.endpoint}: transaction {named} has logs and is not there: ask again, or "
                "another node"
            ) from None
        to = found.get("to")
        return Sent(
            to_checksum_address(found["from"]),
            to_checksum_address(to) if to else None,
            bytes(HexBytes(found.get("input") or found.get("data") or b"")),
        )
