"""A real Anvil that mines by itself, with a token on it, to be looked at through a rough proxy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

from peerwatt.chain import Contract, Network, Sender, demo_account, deploy, open_network
from peerwatt.chain.nodes import LocalNode
from tests.chain.conftest import ETHER, GENESIS
from tests.rough_node import RoughNode

_accounts = count()


@dataclass(frozen=True)
class Place:
    """A token on a live chain.

    Attributes:
        url: of the node itself.
        token: the contract, as the node itself shows it.
    """

    url: str
    token: Contract

    @property
    def network(self) -> Network:
        """The chain, asked without a proxy."""
        network: Any = self.token.network
        assert isinstance(network, Network)
        return network

    def ask(self, method: str, *params: Any) -> Any:
        """What the node itself says."""
        found: Any = self.token.network
        return found.ask(method, list(params))

    def sender(self, network: Network) -> Sender:
        """A fresh account with an ether."""
        account = demo_account("tests", "rough", next(_accounts))
        self.network.fund({account.address: ETHER})
        return Sender(network, account)

    @contextmanager
    def behind(self, *modes: str, **options: Any) -> Iterator[tuple[RoughNode, Network, Contract]]:
        """The chain through a proxy that misbehaves, and the token there."""
        with RoughNode(self.url, *modes) as rough, open_network(rough.url, **options) as network:
            yield rough, network, network.contract(self.token.interface, self.token.address)


@contextmanager
def live_token() -> Iterator[Place]:
    """A fresh Anvil that mines by itself, and a token on it."""
    node = LocalNode("anvil", GENESIS)
    try:
        with open_network(node.url) as network:
            account = demo_account("tests", "founder")
            network.fund({account.address: ETHER})
            yield Place(node.url, deploy(Sender(network, account), "PaymentToken").contract)
    finally:
        node.close()
