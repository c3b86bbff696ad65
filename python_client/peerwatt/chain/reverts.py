"""Revert data to a typed error, the same on every backend: looked up by selector in the known ABIs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eth_abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils import keccak

from peerwatt.chain.errors import ContractReverted

# The two errors of the language itself, in the form of ABI entries.
LANGUAGE_ERRORS: tuple[dict[str, Any], ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


class ErrorTable:
    """The custom errors of every ABI seen so far, by selector."""

    def __init__(self) -> None:
        self._entries: dict[bytes, Mapping[str, Any]] = {}
        self.add(LANGUAGE_ERRORS)

    def add(self, abi: Iterable[Mapping[str, Any]]) -> None:
        """Learn the errors of `abi`."""
        for entry in abi:
            if entry.get("type") == "error":
                self._entries[_selector(entry)] = entry

    def decode(self, data: bytes) -> ContractReverted:
        """The error that the revert data of a call or a transaction stands for."""
        entry = self._entries.get(data[:4])
        if entry is None:
            return ContractReverted("0x" + data[:4].hex() if data else "", {}, data)
        inputs = entry["inputs"]
        try:
            values = decode([_type_name(item) for item in inputs], data[4:])
        except DecodingError:
            return ContractReverted(entry["name"], {}, data)
        names = [item.get("name") or str(position) for position, item in enumerate(inputs)]
        return ContractReverted(entry["name"], dict(zip(names, values, strict=True)), data)


def _selector(entry: Mapping[str, Any]) -> bytes:
    """First four bytes of the hash of the error's signature."""
    return keccak(text=f"{entry['name']}({','.join(_type_name(item) for item in entry['inputs'])})")[:4]


def _type_name(item: Mapping[str, Any]) -> str:
    """Canonical type of an ABI input, tuples written out."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type_name(part) for part in item['components'])}){kind.removeprefix('tuple')}"


def revert_data(response: Mapping[str, Any]) -> bytes | None:
    """The revert data of a JSON-RPC response, or `None` when the response reports no revert."""
    error = response.get("error")
    if not isinstance(error, Mapping):
        return None
    data = error.get("data")
    if isinstance(data, Mapping):
        data = data.get("result") or data.get("data")
    if isinstance(data, str) and data.startswith("0x"):
        return bytes.fromhex(data[2:])
    return b"" if "revert" in str(error.get("message", "")) else None
