"""Receipts from a node's JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import LogReceipt, TxReceipt


def receipt_of(said: Mapping[str, Any]) -> TxReceipt:
    """A receipt under web3's names and in its types, from the answer to `eth_getTransactionReceipt`."""
    created = said.get("contractAddress")
    receipt = {
        "transactionHash": HexBytes(said["transactionHash"]),
        "transactionIndex": int(said["transactionIndex"], 16),
        "blockHash": HexBytes(said["blockHash"]),
        "blockNumber": int(said["blockNumber"], 16),
        "from": to_checksum_address(said["from"]),
        "to": to_checksum_address(said["to"]) if said.get("to") else None,
        "contractAddress": to_checksum_address(created) if created else None,
        "gasUsed": int(said["gasUsed"], 16),
        "cumulativeGasUsed": int(said["cumulativeGasUsed"], 16),
        "effectiveGasPrice": int(said.get("effectiveGasPrice") or "0x0", 16),
        "status": int(said["status"], 16),
        "logs": [_log_of(log) for log in said["logs"]],
    }
    return cast(TxReceipt, receipt)


def _log_of(said: Mapping[str, Any]) -> LogReceipt:
    log = {
        "address": to_checksum_address(said["address"]),
        "topics": [HexBytes(topic) for topic in said["topics"]],
        "data": HexBytes(said["data"]),
        "blockHash": HexBytes(said["blockHash"]),
        "blockNumber": int(said["blockNumber"], 16),
        "transactionHash": HexBytes(said["transactionHash"]),
        "transactionIndex": int(said["transactionIndex"], 16),
        "logIndex": int(said["logIndex"], 16),
        "removed": bool(said.get("removed", False)),
    }
    return cast(LogReceipt, log)
