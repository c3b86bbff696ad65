"""Whether what a deployment names is at its address, before anything is asked of it or sent to it."""

from __future__ import annotations

import time
from typing import Any, Final, Protocol

from eth_typing import ChecksumAddress

from peerwatt.chain.artifacts import load_artifact
from peerwatt.chain.errors import NoSuchContract

REPLICA_SECONDS: Final = 2.0
"""How long a replica of a live chain is given to learn of a contract that was just created, s."""
FOREIGN: Final = frozenset({"PaymentToken"})
"""Contracts that a market only uses: any code will do."""


class Node(Protocol):
    """The chain that is asked."""

    endpoint: str
    controls_time: bool
    web3: Any
    known_code: set[tuple[ChecksumAddress, str]]


def require_code(network: Node, name: str, address: ChecksumAddress) -> None:
    """See that a contract of this version is at an address; asked of the chain once.

    Args:
        network: the chain.
        name: of the contract.
        address: where it should be.

    Raises:
        NoSuchContract: nothing is there, or other code.
    """
    if (address, name) in network.known_code:
        return
    code = _code(network, address)
    if not code:
        raise NoSuchContract(
            f"{network.endpoint}: no contract is at {address}, where the deployment has its {name}: the "
            "chain was started anew or is another one; deploy again, or name this chain's deployment"
        )
    if name not in FOREIGN and not load_artifact(name).is_code(code):
        raise NoSuchContract(
            f"{network.endpoint}: the code at {address} is not that of this version's {name}: use the "
            "version of Peerwatt that deployed it, or deploy again"
        )
    network.known_code.add((address, name))


def _code(network: Node, address: ChecksumAddress) -> bytes:
    end = time.monotonic() + (0.0 if network.controls_time else REPLICA_SECONDS)
    while True:
        code = bytes(network.web3.eth.get_code(address))
        if code or time.monotonic() >= end:
            return code
        time.sleep(0.2)
