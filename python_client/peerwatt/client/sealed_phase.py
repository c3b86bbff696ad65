"""The sealed phase of a market: commit to a batch before gate closure, show it after."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from peerwatt.client.market import MarketClient
from peerwatt.client.state import PostedBatch
from peerwatt.errors import InputError
from peerwatt.messages import SignedOrder, encode_orders, seal_of


@dataclass(frozen=True)
class SealedBatch:
    """A batch that was committed to. Keep it until it is revealed: without the salt the bond is lost.

    Attributes:
        interval: the delivery period.
        orders: what it holds.
        salt: 32 bytes that nobody can guess.
        seal: 32 bytes, what stands on chain.
    """

    interval: int
    orders: tuple[SignedOrder, ...]
    salt: bytes
    seal: bytes


class SealedPhase:
    """The sealed phase, seen through one sender: who commits must also reveal.

    Attributes:
        client: the market.
        bond: what every batch costs until it is revealed, base units.
    """

    def __init__(self, client: MarketClient) -> None:
        """Open the sealed phase.

        Raises:
            InputError: the market has none.
        """
        if "SealedBatches" not in client.deployment.addresses:
            raise InputError(f"market {client.market.address} has no sealed phase: post to it directly")
        self.client = client
        self._contract = client.deployment.contract(client.network, "SealedBatches")
        self.bond: int = client.market_config().bond

    def commit(self, interval: int, orders: Sequence[SignedOrder], salt: bytes | None = None) -> SealedBatch:
        """Commit to a batch before gate closure, and leave the bond for it, from the sender's tokens.

        Args:
            interval: the delivery period.
            orders: the batch.
            salt: 32 bytes; drawn where none are given.
        """
        sender, tokens = self.client.sender, self.client.payment_token.functions
        salt = secrets.token_bytes(32) if salt is None else salt
        seal = seal_of(sender.address, interval, orders, salt)
        if tokens.allowance(sender.address, self._contract.address).call() < self.bond:
            sender.send(tokens.approve(self._contract.address, self.bond))
        sender.send(self._contract.functions.commit(interval, seal))
        return SealedBatch(interval, tuple(orders), salt, seal)

    def reveal(self, batch: SealedBatch) -> PostedBatch:
        """Post a batch that the sender committed to, after gate closure, and get the bond back."""
        packed = encode_orders(batch.orders)
        receipt = self.client.sender.send(self._contract.functions.reveal(batch.interval, packed, batch.salt))
        return self.client.posted(receipt)

    def forfeit(self, interval: int, relayer: ChecksumAddress, seal: bytes) -> TxReceipt:
        """Pay the bond of a batch that was not revealed in time into the community's account. Anyone may."""
        return self.client.sender.send(self._contract.functions.forfeit(interval, relayer, seal))

    def is_committed(self, batch: SealedBatch) -> bool:
        """Whether the sender's batch is neither revealed nor forfeited."""
        relayer = self.client.sender.address
        return bool(self._contract.functions.isCommitted(batch.interval, relayer, batch.seal).call())

    def held(self) -> int:
        """All bonds that are out, base units."""
        return int(self.client.payment_token.functions.balanceOf(self._contract.address).call())
