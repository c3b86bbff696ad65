"""Deploying contracts, and remembering where they are and what they were made from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from eth_typing import ChecksumAddress

from peerwatt.addresses import checked_address
from peerwatt.chain.abi import encode_values
from peerwatt.chain.artifacts import Artifact, load_artifact
from peerwatt.chain.code_check import require_code
from peerwatt.chain.contract import Call, Contract
from peerwatt.chain.errors import WrongChain
from peerwatt.chain.network import Network
from peerwatt.chain.transactions import Sender
from peerwatt.errors import ChainError, InputError

DEPLOYMENTS: Final = Path("deployments")
"""Folder of the deployments of a working directory, one file for each chain."""

_HEX: Final = re.compile(r"0x([0-9a-f]{2})*")


@dataclass(frozen=True)
class Creation:
    """How a contract came to be: with its sources, whoever doubts it can make the same code again.

    Attributes:
        creator: who created it: the deployer, or the contract whose constructor did.
        block: number of the block that created it.
        arguments: of the constructor, ABI-encoded, as hexadecimal text with `0x`.
        code_hash: Keccak-256 of the code with its immutables zero, as `Artifact.code_hash`.
        sources_hash: of all sources that went in, as `Artifact.sources_hash`.
        compiler: the compiler's version.
    """

    creator: ChecksumAddress
    block: int
    arguments: str
    code_hash: str
    sources_hash: str
    compiler: str

    @classmethod
    def of(
        cls, artifact: Artifact, creator: ChecksumAddress, block: int, arguments: tuple[Any, ...]
    ) -> Creation:
        """The creation of an artifact's contract.

        Raises:
            InputError: an argument does not fit.
        """
        packed = encode_values(artifact.interface.constructor, arguments, f"constructor of {artifact.name}")
        return cls(
            creator,
            block,
            "0x" + packed.hex(),
            "0x" + artifact.code_hash.hex(),
            artifact.sources_hash,
            artifact.compiler["version"],
        )


@dataclass(frozen=True)
class Deployment:
    """Where a set of contracts lives.

    Attributes:
        chain_id: id of the chain.
        block: number of the block from which on their events count.
        addresses: contract name to address.
        deployer: who deployed them; None where nobody has written it down.
        creations: contract name to how it came to be; a payment token that was there before has none.
    """

    chain_id: int
    block: int
    addresses: Mapping[str, ChecksumAddress]
    deployer: ChecksumAddress | None = None
    creations: Mapping[str, Creation] = field(default_factory=dict)

    def contract(self, network: Network, name: str) -> Contract:
        """The deployed contract of that name.

        Raises:
            WrongChain: the network is not the deployment's.
            NoSuchContract: the chain has no such code there.
            ChainError: the deployment names no such contract.
        """
        if network.chain_id != self.chain_id:
            raise WrongChain(network.endpoint, self.chain_id, network.chain_id)
        if name not in self.addresses:
            raise ChainError(f"this deployment has no {name}: it has {', '.join(sorted(self.addresses))}")
        require_code(network, name, self.addresses[name])
        return network.contract(load_artifact(name).interface, self.addresses[name])

    def save(self, path: Path) -> None:
        """Write the deployment as JSON, whole or not at all.

        Raises:
            InputError: the file cannot be written.
        """
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")
            fresh.replace(path)
        except OSError as error:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None

    def keep(self, folder: Path = DEPLOYMENTS) -> Path:
        """Write the deployment as the newest of its chain, and return where: `CHAIN_ID.json`.

        What was the newest before stays as `CHAIN_ID-BLOCK.json`.

        Raises:
            InputError: the file cannot be written.
        """
        path = folder / f"{self.chain_id}.json"
        if path.exists():
            try:
                before = Deployment.load(path)
                aside = folder / f"{before.chain_id}-{before.block}.json"
                is_same = before.addresses == self.addresses
            except InputError:
                aside, is_same = path.with_suffix(".unreadable"), False
            try:
                if not is_same:
                    path.replace(aside)
            except OSError as error:
                raise InputError(f"{path}: cannot be moved aside: {error.strerror}") from None
        self.save(path)
        return path

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or is no deployment, or an address in it has a wrong checksum.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
            addresses = {
                str(name): checked_address(address, f"{path}: addresses.{name}")
                for name, address in content["addresses"].items()
            }
            deployer = content.get("deployer")
            return cls(
                _number(content["chain_id"], f"{path}: chain_id"),
                _number(content["block"], f"{path}: block"),
                addresses,
                None if deployer is None else checked_address(deployer, f"{path}: deployer"),
                {
                    str(name): _creation(said, f"{path}: creations.{name}")
                    for name, said in content.get("creations", {}).items()
                },
            )
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(
                f"{path}: no deployment file ({error}): deploy first, or name its file"
            ) from None


@dataclass(frozen=True)
class Deployed:
    """One contract, just deployed.

    Attributes:
        contract: the contract.
        address: its address.
        block: number of the block that created it.
        gas_used: gas of the deployment.
        creation: how it came to be.
    """

    contract: Contract
    address: ChecksumAddress
    block: int
    gas_used: int
    creation: Creation


def deploy(
    sender: Sender, artifact: Artifact | str, *arguments: Any, gas_limit: int | None = None
) -> Deployed:
    """Deploy a contract.

    Args:
        sender: who pays, and whose nonce decides the address.
        artifact: the compiled contract, or the name of one that ships.
        arguments: of the constructor.
        gas_limit: as in `Sender.send`.

    Raises:
        ContractReverted: the constructor refused.
        ChainError: there is no such artifact.
        InputError: an argument does not fit, or an address has a wrong checksum.
    """
    compiled = load_artifact(artifact) if isinstance(artifact, str) else artifact
    network = sender.network
    network.errors.add(compiled.interface)
    code = compiled.bytecode + encode_values(
        compiled.interface.constructor, arguments, f"constructor of {compiled.name}"
    )
    receipt = sender.send(Call(network, None, code, None), gas_limit=gas_limit)
    address, block = receipt["contractAddress"], int(receipt["blockNumber"])
    assert address is not None, "a creation that succeeded has an address"
    network.known_code.add((address, compiled.name))
    return Deployed(
        contract=network.contract(compiled.interface, address),
        address=address,
        block=block,
        gas_used=receipt["gasUsed"],
        creation=Creation.of(compiled, sender.address, block, arguments),
    )


def _number(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InputError(f"{where}: {str(value)[:40]!r} is no whole number: deploy first, or name its file")
    return value


def _creation(said: Mapping[str, Any], where: str) -> Creation:
    texts = {name: said[name] for name in ("arguments", "code_hash", "sources_hash", "compiler")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise InputError(f"{where}.{name}: is no text: deploy again")
    for name in ("arguments", "code_hash"):
        if not _HEX.fullmatch(texts[name]):
            raise InputError(f"{where}.{name}: is no hexadecimal text: deploy again")
    creator = checked_address(said["creator"], f"{where}.creator")
    return Creation(creator, _number(said["block"], f"{where}.block"), **texts)
