"""Opening a chain by name or address."""

from __future__ import annotations

from peerwatt.chain.network import DEFAULT_GENESIS_TIME, Network
from peerwatt.errors import ChainError

LOCAL_CHAINS = ("eth-tester", "ganache", "anvil")


def open_network(
    chain: str = "eth-tester", *, genesis_time: int = DEFAULT_GENESIS_TIME, hardfork: str = "shanghai"
) -> Network:
    if chain == "eth-tester":
        from peerwatt.chain.embedded import EmbeddedNetwork

        return EmbeddedNetwork(genesis_time, hardfork)
    raise ChainError(f"unknown chain {chain!r}: choose one of {', '.join(LOCAL_CHAINS)}, or a URL")
