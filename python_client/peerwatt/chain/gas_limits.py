"""How much gas a transaction may ask for, and a chain's blocks have room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from hexbytes import HexBytes

from peerwatt.chain.errors import NodeRefused, OutOfGas, TransactionRefused

TRANSACTION_GAS_CAP: Final = 16_777_216
"""EIP-7825: no transaction may ask for more. What it does not use costs nothing, so this is also what local
transactions ask for: the gas estimates of eth-tester are too coarse to go by."""


class Node(Protocol):
    """What is asked."""

    endpoint: str
    controls_time: bool
    web3: Any


def block_gas_limit(network: Node) -> int:
    """Most gas that the transactions of the newest block could use together."""
    return int(network.web3.eth.get_block("latest")["gasLimit"])


def require_room(network: Node, name: str, gas: int) -> None:
    """See whether a contract can be created on a chain, before anything is sent.

    Args:
        network: the chain.
        name: of the contract.
        gas: what its creation needs.

    Raises:
        OutOfGas: the chain's blocks are too small for it; the line names the limit that is needed.
    """
    limit = block_gas_limit(network)
    if limit < gas:
        raise OutOfGas(
            f"{network.endpoint}: {name} needs {gas:,} gas to be created and the chain's blocks have a gas "
            f"limit of {limit:,}: nothing was sent; raise the limit to {gas:,} or more (`gasLimit` in the "
            "genesis, and the miners' target), or use another chain"
        )


def estimated_gas(network: Node, fields: Mapping[str, Any]) -> int:
    """What a transaction is given: the node's estimate and a quarter, at most what a block has room for.

    Args:
        network: the chain.
        fields: of the transaction.

    Raises:
        ContractReverted: the contract refuses it.
        OutOfGas: it does not fit into a block.
        TransactionRefused: the sender has too little ether, or the node does not estimate it.
    """
    asked = {**fields, "data": HexBytes(fields["data"]).to_0x_hex()}
    limit = min(TRANSACTION_GAS_CAP, block_gas_limit(network))
    try:
        estimate = int(network.web3.eth.estimate_gas(asked))
    except OutOfGas as error:
        raise OutOfGas(
            f"{error}: a block has room for {limit:,}: send less in one transaction, or use a chain with "
            "larger blocks"
        ) from None
    except NodeRefused as refused:
        raise TransactionRefused(f"{network.endpoint}: transaction refused: {refused.message}") from None
    if estimate > limit:
        raise OutOfGas(
            f"{network.endpoint}: the transaction needs {estimate:,} gas, a block has room for {limit:,}: "
            "send less in one transaction, or use a chain with larger blocks"
        )
    return min(limit, estimate * 5 // 4)
