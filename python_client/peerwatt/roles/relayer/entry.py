"""How a batch gets into a market's book: posted in the open, or committed to and then revealed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from eth_hash.auto import keccak

from peerwatt.chain import MINING_SECONDS, events_since
from peerwatt.client import MarketClient, PostedBatch, SealedBatch, SealedPhase
from peerwatt.messages import SignedOrder, encode_orders


class Entry(Protocol):
    """One way into the book, through a relayer's own key."""

    def make(self, interval: int, orders: Sequence[SignedOrder]) -> SealedBatch:
        """A batch that can be kept before anything is sent."""

    def post(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """Post a batch, or reveal it.

        Raises:
            ContractReverted: the market takes it neither now nor, mostly, later.
            NotMined: it may be later, and count then.
        """

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """What became of a batch by the chain's events from a block on; None where it is not there."""


class OpenEntry:
    """Posting in the open."""

    def __init__(self, client: MarketClient) -> None:
        """
        Args:
            client: the market, through the relayer's key.
        """
        self._client = client

    def make(self, interval: int, orders: Sequence[SignedOrder]) -> SealedBatch:
        """As `Entry` has it; known by the hash of its orders, and without a salt."""
        return SealedBatch(interval, tuple(orders), b"", keccak(encode_orders(orders)))

    def post(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """As `Entry` has it."""
        call = self._client.post_call(batch.interval, batch.orders)
        return self._client.posted(self._client.sender.send(call, wait_seconds=wait_seconds))

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """As `Entry` has it.

        Events do not name a relayer. So each transaction that posted to the interval is compared with the
        relayer's own: whoever else posts the same orders posts another batch.
        """
        client, eth = self._client, self._client.network.web3.eth
        data = client.post_call(batch.interval, batch.orders).data
        seen = set()
        for event in (client.market.events.BatchPosted(), client.market.events.OrderSkipped()):
            # Not in that block itself: the same orders may have been posted there before, and skipped.
            for found in events_since(event, since + 1, interval=batch.interval):
                transaction = found["transactionHash"]
                if transaction in seen:
                    continue
                seen.add(transaction)
                sent = eth.get_transaction(transaction)
                if sent["from"] == client.sender.address and bytes(sent["input"]) == data:
                    return client.posted(client.network.receipt(transaction))
        return None


class SealedEntry:
    """Committing before gate closure, and revealing after it.

    Attributes:
        phase: the market's sealed phase, through the relayer's key.
    """

    def __init__(self, client: MarketClient, draw_salt: Callable[[int], bytes]) -> None:
        """
        Args:
            client: the market, through the relayer's key.
            draw_salt: gives the salt of an interval's next batch, 32 bytes that nobody can guess.
        """
        self.phase = SealedPhase(client)
        self._draw_salt = draw_salt

    def make(self, interval: int, orders: Sequence[SignedOrder]) -> SealedBatch:
        """As `Entry` has it."""
        return self.phase.seal(interval, orders, self._draw_salt(interval))

    def post(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """As `Entry` has it: reveals the batch."""
        return self.phase.reveal(batch, wait_seconds)

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """As `Entry` has it."""
        return self.phase.revealed(batch, since)
