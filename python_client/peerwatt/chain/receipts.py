"""Receipts from a node's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import LogReceipt, TxReceipt

from peerwatt.chain.blocks import quantity
from peerwatt.errors import ChainError


def receipt_of(said: Mapping[str, Any]) -> TxReceipt:
    """A receipt under web3's names and in its types, from the answer to `eth_getTransactionReceipt`.

    Raises:
        ChainError: it does not say whether the transaction succeeded, or lacks what every receipt has.
    """
    if said.get("status") is None:
        raise ChainError(f"the receipt of {said.get('transactionHash')} has no status: use another node")
    try:
        return _receipt_of(said)
    except (KeyError, TypeError, ValueError) as error:
        raise ChainError(
            f"the receipt of {said.get('transactionHash')} cannot be read ({error}): use another node"
        ) from None


def _receipt_of(said: Mapping[str, Any]) -> TxReceipt:
    created = said.get("contractAddress")
    receipt = {
        "transactionHash": HexBytes(said["transactionHash"]),
        "transactionIndex": quantity(said["transactionIndex"]),
        "blockHash": HexBytes(said["blockHash"]),
        "blockNumber": quantity(said["blockNumber"]),
        "from": to_checksum_address(said["from"]),
        "to": to_checksum_address(said["to"]) if said.get("to") else None,
        "contractAddress": to_checksum_address(created) if created else None,
        "gasUsed": quantity(said["gasUsed"]),
        "cumulativeGasUsed": quantity(said["cumulativeGasUsed"]),
        "effectiveGasPrice": quantity(said.get("effectiveGasPrice") or 0),
        "status": quantity(said["status"]),
        "logs": [_log_of(log) for log in said["logs"]],
    }
    return cast(TxReceipt, receipt)


def _log_of(said: Mapping[str, Any]) -> LogReceipt:
    log = {
        "address": to_checksum_address(said["address"]),
        "topics": [HexBytes(topic) for topic in said["topics"]],
        "data": HexBytes(said["data"]),
        "blockHash": HexBytes(said["blockHash"]),
        "blockNumber": quantity(said["blockNumber"]),
        "transactionHash": HexBytes(said["transactionHash"]),
        "transactionIndex": quantity(said["transactionIndex"]),
        "logIndex": quantity(said["logIndex"]),
        "removed": bool(said.get("removed", False)),
    }
    return cast(LogReceipt, log)
