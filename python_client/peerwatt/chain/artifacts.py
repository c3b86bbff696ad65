"""The compiled contracts that ship with the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Any

from peerwatt.chain.abi import Interface
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
        sources_hash: SHA-256 over the hashes of all sources that went in.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: bytes
    deployed_bytecode: bytes
    compiler: dict[str, Any]
    sources_hash: str

    @cached_property
    def interface(self) -> Interface:
        """What the ABI says, read once."""
        return Interface.of(self.abi)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Artifact:
        """The artifact in a file that scripts/compile_contracts.py wrote."""
        return cls(
            name=content["name"],
            abi=content["abi"],
            bytecode=bytes.fromhex(content["bytecode"].removeprefix("0x")),
            deployed_bytecode=bytes.fromhex(content["deployedBytecode"].removeprefix("0x")),
            compiler=content["compiler"],
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
