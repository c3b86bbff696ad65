"""Blocks, receipts and logs in the form that web3 expects, from what any node writes.

Proof-of-authority chains (Clique, IBFT, QBFT, Bor, AuRa) sign their headers in `extraData`; others leave
fields out, write null, or write numbers as decimals.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from peerwatt.errors import ChainError

EXTRA_DATA_BYTES: Final = 32
"""Most that a header carries by the yellow paper; a signer's seal is longer."""
LATEST_YEAR_SECONDS: Final = 10**11
"""No block is this late, s; a clock of ms or ns (Quorum's Raft) is beyond it."""

_QUANTITIES: Final = (
    "baseFeePerGas",
    "blobGasUsed",
    "difficulty",
    "excessBlobGas",
    "gasLimit",
    "gasUsed",
    "number",
    "size",
    "timestamp",
    "totalDifficulty",
)
_SIZES: Final = {
    "hash": 32,
    "logsBloom": 256,
    "miner": 20,
    "mixHash": 32,
    "nonce": 8,
    "parentBeaconBlockRoot": 32,
    "parentHash": 32,
    "receiptsRoot": 32,
    "requestsHash": 32,
    "sha3Uncles": 32,
    "stateRoot": 32,
    "transactionsRoot": 32,
    "withdrawalsRoot": 32,
}
"""Bytes of the fields that have a size."""
NUMBERS: Final = frozenset(
    {
        "eth_blockNumber",
        "eth_chainId",
        "eth_estimateGas",
        "eth_gasPrice",
        "eth_getBalance",
        "eth_getTransactionCount",
        "eth_maxPriorityFeePerGas",
    }
)
"""Methods that are answered with a number."""
BYTES: Final = frozenset({"eth_call", "eth_getCode"})
"""Methods that are answered with bytes."""
OBJECTS: Final = frozenset(
    {
        "eth_getBlockByHash",
        "eth_getBlockByNumber",
        "eth_getTransactionByHash",
        "eth_getTransactionReceipt",
    }
)
"""Methods that are answered with an object, or null."""
_NEEDED: Final = ("number", "hash", "parentHash", "timestamp")
_DIGITS: Final = re.compile(r"0[xX](?P<hex>[0-9a-fA-F]*)|(?P<decimal>[0-9]+)")


def quantity(value: Any) -> int:
    """A number as a node writes it: `"0x10"`, `"0x010"`, `"16"` or 16.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _DIGITS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{repr(value)[:40]} is no number")
    return int(found["decimal"]) if found["decimal"] else int(found["hex"] or "0", 16)


def as_expected(method: str, result: Any) -> Any:
    """A result in the form that web3 expects.

    Raises:
        ChainError: it is none of the kind that it should be.
    """
    if method in NUMBERS:
        try:
            return hex(quantity(result))
        except ValueError as error:
            raise ChainError(f"the node answers {method} with {_short(result)}: {error}") from None
    if method in BYTES and not _is_hex(result):
        raise ChainError(f"the node answers {method} with {_short(result)}: this is no data")
    if method in OBJECTS and result is not None and not isinstance(result, Mapping):
        raise ChainError(f"the node answers {method} with {_short(result)}: this is no object")
    if method in ("eth_getBlockByNumber", "eth_getBlockByHash") and result is not None:
        return _block(result)
    if method == "eth_getLogs":
        logs = [] if result is None else result
        if not isinstance(logs, list) or not all(isinstance(log, Mapping) for log in logs):
            raise ChainError("the node gives no list of logs: use another node")
        return _once(log for log in logs if not log.get("removed") and log.get("blockNumber") is not None)
    return result


def _once(logs: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Logs without those that a node gives again, as some do where parts of what they store overlap."""
    found: dict[Any, Mapping[str, Any]] = {}
    for number, log in enumerate(logs):
        place = log.get("blockHash"), log.get("logIndex")
        found.setdefault(number if None in place else place, log)
    return list(found.values())


def _block(said: Mapping[str, Any]) -> dict[str, Any]:
    """A block without the fields that nobody could read."""
    pending = said.get("hash") is None
    block = {key: value for key, value in said.items() if key not in _QUANTITIES and key not in _SIZES}
    for name in _QUANTITIES:
        if said.get(name) is not None:
            try:
                block[name] = hex(quantity(said[name]))
            except ValueError:
                continue
    for name, size in _SIZES.items():
        if _is_bytes(said.get(name), size):
            block[name] = said[name]
    missing = [name for name in _NEEDED if name not in block]
    if missing and not pending:
        raise ChainError(f"the node's blocks have no {', '.join(missing)}: use another node")
    if int(block.get("timestamp", "0x0"), 16) >= LATEST_YEAR_SECONDS:
        raise ChainError(
            "the chain's blocks are not timed in seconds, as a market's deadlines are: use another chain"
        )
    extra = block.pop("extraData", None)
    if isinstance(extra, str):
        # The name that web3's own middleware gives to what is longer.
        longer = len(extra) > 2 + 2 * EXTRA_DATA_BYTES
        block["proofOfAuthorityData" if longer else "extraData"] = extra
    return block


def _is_hex(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"0x(?:[0-9a-fA-F]{2})*", value) is not None


def _short(value: Any) -> str:
    return repr(value)[:40]


def _is_bytes(value: Any, size: int) -> bool:
    """Whether a value is hex text of so many bytes; a bloom filter may be shorter."""
    if not _is_hex(value):
        return False
    length = len(value) // 2 - 1
    return length == size or (size == 256 and length < size)
