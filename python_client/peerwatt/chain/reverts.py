"""Revert data to a typed error, the same on every backend: looked up by selector in the known ABIs."""

from __future__ import annotations

from typing import Final

from eth_abi import decode

from peerwatt.chain.abi import DecodingError, ErrorEntry, Interface
from peerwatt.chain.errors import ContractReverted

# The two errors of the language itself.
LANGUAGE_ERRORS: Final = Interface.of(
    [
        {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
        {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
    ]
)


class ErrorTable:
    """The custom errors of every ABI seen so far, by selector."""

    def __init__(self) -> None:
        self._entries: dict[bytes, ErrorEntry] = {}
        self.add(LANGUAGE_ERRORS)

    def add(self, interface: Interface) -> None:
        """Learn a contract's errors."""
        self._entries |= interface.errors

    def decode(self, data: bytes) -> ContractReverted:
        """The error that the revert data of a call or a transaction stands for."""
        entry = self._entries.get(data[:4])
        if entry is None:
            return ContractReverted("0x" + data[:4].hex() if data else "", {}, data)
        try:
            values = decode(entry.input_types, data[4:])
        except DecodingError:
            return ContractReverted(entry.name, {}, data)
        return ContractReverted(entry.name, dict(zip(entry.inputs, values, strict=True)), data)
