"""The compiled contracts that ship with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from peerwatt.chain.abi import Interface
from peerwatt.chain.keccak import keccak
from peerwatt.errors import ChainError


@dataclass(frozen=True)
class Artifact:
    """One compiled contract.

    Attributes:
        name: the contract's name.
        abi: its ABI, a list of JSON entries.
        bytecode: creation code, without constructor arguments.
        deployed_bytecode: runtime code; immutables are zero in it.
        compiler: version and settings of the compiler.
        immutables: where in the runtime code the constructor writes immutables: start and length, bytes.
        metadata: the compiler's, byte for byte: settings and hashes of all sources. The runtime code ends
            with its IPFS hash, so who has it and the sources can verify what is on chain.
        source: repository path of the contract's source.
        sources_hash: SHA-256 over the hashes of all sources that went in.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    compiler: dict[str, Any]
    immutables: tuple[tuple[int, int], ...]
    metadata: str
    source: str
    sources_hash: str

    @cached_property
    def interface(self) -> Interface:
        """What the ABI says, read once."""
        return Interface.of(self.abi)

    @cached_property
    def code_hash(self) -> bytes:
        """32 bytes, Keccak-256 of the runtime code with its immutables zero: the same on every chain."""
        return keccak(self.deployed_bytecode)

    def is_code(self, code: bytes) -> bool:
        """Whether code at an address is this contract's, whatever its immutables are."""
        return len(code) == len(self.deployed_bytecode) and keccak(self.masked(code)) == self.code_hash

    def masked(self, code: bytes) -> bytes:
        """Runtime code with this contract's immutables zero."""
        found = bytearray(code)
        for start, length in self.immutables:
            found[start : start + length] = bytes(length)
        return bytes(found)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Artifact:
        """The artifact in a file that scripts/compile_contracts.py wrote."""
        return cls(
            name=content["name"],
            abi=content["abi"],
            bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
            deployed_bytecode=bytes.fromhex(content["deployedBytecode"].removeprefix("0x")),
            compiler=content["compiler"],
            immutables=tuple((place["start"], place["length"]) for place in content["immutableReferences"]),
            metadata=content["metadata"],
            source=content["source"],
            sources_hash=content["sourcesHash"],
        )


def artifact_names() -> list[str]:
    """Names of the contracts that ship, sorted."""
    folder = resources.files("peerwatt.chain") / "artifacts"
    return sorted(item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json"))


@cache
def load_artifact(name: str) -> Artifact:
    """The shipped artifact of a contract.

    Raises:
        ChainError: no contract of this name ships.
    """
    path = resources.files("peerwatt.chain") / "artifacts" / f"{name}.json"
    if not path.is_file():
        raise ChainError(f"no compiled contract {name}: choose one of {', '.join(artifact_names())}")
    return Artifact.from_json(json.loads(path.read_text(encoding="utf-8")))
