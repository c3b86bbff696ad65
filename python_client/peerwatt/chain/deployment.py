"""Deploying contracts, and remembering where they are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_typing import ChecksumAddress

from peerwatt.addresses import checked_address
from peerwatt.chain.abi import encode_values
from peerwatt.chain.artifacts import Artifact, load_artifact
from peerwatt.chain.contract import Call, Contract
from peerwatt.chain.errors import WrongChain
from peerwatt.chain.network import Network
from peerwatt.chain.transactions import Sender
from peerwatt.errors import ChainError, InputError


@dataclass(frozen=True)
class Deployment:
    """Where a set of contracts lives.

    Attributes:
        chain_id: id of the chain.
        block: number of the block from which on their events count.
        addresses: contract name to address.
    """

    chain_id: int
    block: int
    addresses: Mapping[str, ChecksumAddress]

    def contract(self, network: Network, name: str) -> Contract:
        """The deployed contract of that name.

        Raises:
            WrongChain: the network is not the deployment's.
            ChainError: there is no such contract here.
        """
        if network.chain_id != self.chain_id:
            raise WrongChain(network.endpoint, self.chain_id, network.chain_id)
        if name not in self.addresses:
            raise ChainError(f"this deployment has no {name}: it has {', '.join(sorted(self.addresses))}")
        return network.contract(load_artifact(name).interface, self.addresses[name])

    def save(self, path: Path) -> None:
        """Write the deployment as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read what `save` wrote.

        Raises:
            InputError: the file is missing or is no deployment.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            addresses = {
                name: checked_address(address, f"{path}: addresses.{name}")
                for name, address in content["addresses"].items()
            }
            return cls(int(content["chain_id"]), int(content["block"]), addresses)
        except InputError:
            raise
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
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
    """

    contract: Contract
    address: ChecksumAddress
    block: int
    gas_used: int


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
    address = receipt["contractAddress"]
    assert address is not None, "a creation that succeeded has an address"
    return Deployed(
        contract=network.contract(compiled.interface, address),
        address=address,
        block=int(receipt["blockNumber"]),
        gas_used=receipt["gasUsed"],
    )
