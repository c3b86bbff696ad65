"""The sealed phase of a market: commit to a batch before gate closure, show it after."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from peerwatt.chain import MINING_SECONDS, Call, EventData, events_since
from peerwatt.client.market import MarketClient
from peerwatt.client.state import PostedBatch
from peerwatt.errors import InputError
from peerwatt.market.market_rules import MarketConfig
from peerwatt.messages import SignedOrder, encode_orders, seal_of

UNLIMITED: Final = 2**256 - 1
"""An allowance that tokens do not count down."""


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
        config: what it was created with; its clock says when to commit and when to reveal.
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
        self.config: MarketConfig = client.config()
        self.bond: int = self.config.bond

    def seal(self, interval: int, orders: Sequence[SignedOrder], salt: bytes | None = None) -> SealedBatch:
        """Seal a batch, to be kept before it is committed to. Nothing is sent.

        Args:
            interval: the delivery period.
            orders: the batch.
            salt: 32 bytes; drawn where none are given.
        """
        salt = secrets.token_bytes(32) if salt is None else salt
        seal = seal_of(self.client.sender.address, interval, orders, salt)
        return SealedBatch(interval, tuple(orders), salt, seal)

    def send(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> TxReceipt:
        """Commit to a sealed batch; the bonds must be allowed (`allow_bonds`).

        Args:
            batch: what to commit to.
            wait_seconds: as for `Sender.send`.

        Raises:
            ContractReverted: `AlreadyCommitted`, `GateClosed`, `NotYetOpen`, or the bond is not there.
            NotMined: it may be later, and count then.
        """
        call = self._contract.functions.commit(batch.interval, batch.seal)
        return self.client.sender.send(call, wait_seconds=wait_seconds)

    def allow_bonds(self, amount: int = UNLIMITED, wait_seconds: float = MINING_SECONDS) -> None:
        """Let the sealed phase take bonds from the sender's tokens, which only the sender's commits do.

        Args:
            amount: base units; nothing is sent where a bond is allowed already.
            wait_seconds: as for `Sender.send`.
        """
        sender, tokens = self.client.sender, self.client.payment_token.functions
        if self.owed() < self.bond > tokens.allowance(sender.address, self._contract.address).call():
            sender.send(tokens.approve(self._contract.address, amount), wait_seconds=wait_seconds)

    def commit(self, interval: int, orders: Sequence[SignedOrder], salt: bytes | None = None) -> SealedBatch:
        """Commit to a batch before gate closure, and leave the bond for it, from the sender's tokens.

        Args:
            interval: the delivery period.
            orders: the batch.
            salt: 32 bytes; drawn where none are given.
        """
        batch = self.seal(interval, orders, salt)
        self.allow_bonds(self.bond)
        self.send(batch)
        return batch

    def reveal(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """Post a batch that the sender committed to, after gate closure.

        The bond is owed to the sender then, less a share for each order that is skipped, but for one above an
        envelope; the next commitment takes it from there, or `collect` pays it out.

        Args:
            batch: what to show.
            wait_seconds: as for `Sender.send`.

        Raises:
            ContractReverted: it is too early or too late, or the batch was revealed before.
            NotMined: it may be later, and count then.
        """
        call = self._reveal_call(batch)
        return self.client.posted(self.client.sender.send(call, wait_seconds=wait_seconds))

    def reveal_together(self, batches: Sequence[SealedBatch], wait_seconds: float = MINING_SECONDS) -> None:
        """Reveal several batches without waiting for one another, in one block if they fit; see `revealed`.

        Args:
            batches: what to show.
            wait_seconds: as for `Sender.send_all`.

        Raises:
            ContractReverted: one of them was refused; the others stand.
            NotMined: one of them may be mined later, and count then.
        """
        calls = [self._reveal_call(batch) for batch in batches]
        self.client.sender.send_all(calls, wait_seconds=wait_seconds)

    def was_committed(self, batch: SealedBatch, since: int) -> bool:
        """Whether the sender ever committed to a batch, by the chain's events from a block on."""
        return any(True for _ in self._events("Committed", batch, since))

    def revealed(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """What became of the sender's batch when it was revealed, by the chain's events from a block on.

        Returns:
            None where it was not; a batch without a number where it was shown and could not be posted.
        """
        for name in ("Revealed", "Returned"):
            # At most one event: after gate closure nobody can commit to the batch a second time.
            for event in self._events(name, batch, since):
                return self.client.posted(self.client.network.receipt(event["transactionHash"]))
        return None

    def forfeit(self, interval: int, relayer: ChecksumAddress, seal: bytes) -> TxReceipt:
        """Burn the bond of a batch that was not revealed in time. Anyone may."""
        return self.client.sender.send(self._contract.functions.forfeit(interval, relayer, seal))

    def is_committed(self, batch: SealedBatch) -> bool:
        """Whether the sender's batch is neither revealed nor forfeited."""
        relayer = self.client.sender.address
        return bool(self._contract.functions.isCommitted(batch.interval, relayer, batch.seal).call())

    def owed(self) -> int:
        """What the sender is owed of bonds that are back, base units."""
        return int(self._contract.functions.owed(self.client.sender.address).call())

    def collect(self) -> TxReceipt:
        """Be paid what the sender is owed."""
        return self.client.sender.send(self._contract.functions.collect(self.client.sender.address))

    def held(self) -> int:
        """What the sealed phase holds, base units: bonds that are out, what it owes, and what is burnt."""
        return int(self.client.payment_token.functions.balanceOf(self._contract.address).call())

    def _reveal_call(self, batch: SealedBatch) -> Call:
        return self._contract.functions.reveal(batch.interval, encode_orders(batch.orders), batch.salt)

    def _events(self, name: str, batch: SealedBatch, since: int) -> Iterator[EventData]:
        return events_since(
            self._contract.events[name](),
            since,
            interval=batch.interval,
            relayer=self.client.sender.address,
            seal=batch.seal,
        )
