"""A chain as a journal: the blocks that it sealed, and a fresh chain brought to the same state by them.

The transactions are read from the chain, not noted on their way there. So those that other processes sent are
in the journal too, and nothing of it depends on the kind of chain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak
from hexbytes import HexBytes

from peerwatt.chain import Network
from peerwatt.errors import ChainError


@dataclass(frozen=True)
class Block:
    """A block that was sealed.

    Attributes:
        timestamp: s since the epoch.
        transactions: as they were signed, in the block's order.
    """

    timestamp: int
    transactions: tuple[bytes, ...]


def height(network: Network) -> int:
    """Number of the newest block."""
    return int(network.web3.eth.block_number)


def state_root(network: Network) -> bytes:
    """32 bytes that stand for every account and every word of storage.

    Block hashes would say more, but eth-tester draws some of what they cover.
    """
    return bytes(HexBytes(network.web3.eth.get_block("latest")["stateRoot"]))


def sealed_blocks(network: Network, after: int) -> Iterator[Block]:
    """The blocks behind the one with a number, oldest first.

    Raises:
        ChainError: a transaction is not as this program signs them.
    """
    for number in range(after + 1, height(network) + 1):
        found: Mapping[str, Any] = network.web3.eth.get_block(number, full_transactions=True)
        yield Block(int(found["timestamp"]), tuple(_signed(sent) for sent in found["transactions"]))


def play(network: Network, blocks: Iterable[Block]) -> None:
    """Seal blocks again: the same transactions in the same order at the same times.

    Raises:
        ChainError: the chain does not take them.
    """
    for block in blocks:
        network.set_next_timestamp(block.timestamp)
        for signed in block.transactions:
            network.submit(signed)
        network.mine()


def _signed(sent: Mapping[str, Any]) -> bytes:
    """A transaction's bytes from its fields; Ethereum's oldest kind, which is the one that is sent here."""
    price, data = (sent[name] if name in sent else sent[other] for name, other in _NAMES)
    to = sent.get("to")
    fields = [
        *(sent["nonce"], price, sent["gas"]),
        *(bytes(HexBytes(to)) if to else b"", sent["value"], bytes(HexBytes(data))),
        *(sent["v"], _number(sent["r"]), _number(sent["s"])),
    ]
    signed: bytes = rlp.encode(fields)
    if keccak(signed) != bytes(HexBytes(sent["hash"])):
        raise ChainError(f"transaction {HexBytes(sent['hash']).to_0x_hex()} is of a kind that is not kept")
    return signed


_NAMES = (("gasPrice", "gas_price"), ("input", "data"))
"""What nodes call these fields, and what eth-tester does."""


def _number(word: Any) -> int:
    return int.from_bytes(bytes(HexBytes(word)), "big")
