"""Which logs a block holds by its own word: the bloom filter of its header, and its receipts.

The filter has 2,048 bits, three for every address and topic of the block's logs (Ethereum yellow paper,
section 4.4.3): a contract whose bits are not all set has no logs there, and one whose bits are may have.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from eth_typing import ChecksumAddress
from hexbytes import HexBytes
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.types import BlockData, LogReceipt

from peerwatt.chain.keccak import keccak


def may_hold(
    header: BlockData, addresses: Collection[ChecksumAddress], topics: Collection[bytes] = ()
) -> bool:
    """Whether a block may have logs of a contract, by its header's filter; never where a chain has none.

    Args:
        header: of the block.
        addresses: whose logs.
        topics: the kinds of events; all of them where none are named.
    """
    bloom = int.from_bytes(bytes(header.get("logsBloom", b"")), "big")

    def has(item: bytes) -> bool:
        bits = _bits(item)
        return bloom & bits == bits

    if not any(has(bytes.fromhex(address[2:])) for address in addresses):
        return False
    return not topics or any(map(has, topics))


def logs_of_block(web3: Web3, number: int, wanted: Mapping[str, Any]) -> list[LogReceipt] | None:
    """A block's logs from its receipts, as `logs_in_receipts`; None also where it is not there."""
    try:
        return logs_in_receipts(web3, web3.eth.get_block(number), wanted)
    except BlockNotFound:
        return None


def logs_in_receipts(web3: Web3, header: BlockData, wanted: Mapping[str, Any]) -> list[LogReceipt] | None:
    """A block's logs from the receipts of its transactions.

    Args:
        web3: the connection.
        header: of the block.
        wanted: `address` and `topics` as `eth_getLogs` takes them.

    Returns:
        The logs in their order; None where the node does not have all receipts yet.

    Raises:
        ChainError: the chain does not answer.
    """
    found: list[LogReceipt] = []
    for transaction in header["transactions"]:
        assert isinstance(transaction, bytes)
        try:
            receipt = web3.eth.get_transaction_receipt(HexBytes(transaction))
        except TransactionNotFound:
            return None
        if receipt["blockHash"] != header["hash"]:
            return None
        found += [log for log in receipt["logs"] if _is_wanted(log, wanted)]
    return found


def _is_wanted(log: LogReceipt, wanted: Mapping[str, Any]) -> bool:
    addresses, topics = wanted.get("address", log["address"]), wanted.get("topics", ())
    if log["address"] not in ([addresses] if isinstance(addresses, str) else addresses):
        return False
    has: Sequence[bytes] = log["topics"]
    return all(
        asked is None or (place < len(has) and bytes(has[place]) in _choices(asked))
        for place, asked in enumerate(topics)
    )


def _choices(asked: Any) -> list[bytes]:
    """The values that a topic may have."""
    return [bytes(HexBytes(each)) for each in (asked if isinstance(asked, list | tuple) else [asked])]


def _bits(item: bytes) -> int:
    """The bits that an address or a topic sets in a filter."""
    digest, bits = keccak(item), 0
    for at in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[at : at + 2], "big") & 2047)
    return bits
