"""How a batch gets into a market's book: posted in the open, or committed to and then revealed.

What became of a batch is looked up among the market's transactions, which a follower has checked for
completeness, and never concluded from an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from eth_hash.auto import keccak
from hexbytes import HexBytes

from peerwatt.chain import MINING_SECONDS, events_since
from peerwatt.client import MarketClient, MarketTransaction, MarketView, PostedBatch, SealedBatch, SealedPhase
from peerwatt.messages import SignedOrder, encode_orders


@dataclass(frozen=True)
class Told:
    """What the chain says of a batch.

    Attributes:
        block: of its transaction.
        number: of the batch in its interval; None where every order was skipped, or the market took none.
    """

    block: int
    number: int | None


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

    def told(self, interval: int) -> dict[bytes, Told]:
        """What the chain says of the relayer's batches of an interval, by seal."""

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """What became of a batch; None where it is not there.

        Args:
            batch: which.
            since: the newest block when it was stored.
        """


class OpenEntry:
    """Posting in the open."""

    def __init__(self, client: MarketClient, view: MarketView) -> None:
        """
        Args:
            client: the market, through the relayer's key.
            view: of the market's chain.
        """
        self._client = client
        self._view = view
        self._seals: dict[HexBytes, bytes] = {}

    def make(self, interval: int, orders: Sequence[SignedOrder]) -> SealedBatch:
        """As `Entry` has it; known by the hash of its orders, and without a salt."""
        return SealedBatch(interval, tuple(orders), b"", keccak(encode_orders(orders)))

    def post(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """As `Entry` has it."""
        call = self._client.post_call(batch.interval, batch.orders)
        return self._client.posted(self._client.sender.send(call, wait_seconds=wait_seconds))

    def told(self, interval: int) -> dict[bytes, Told]:
        """As `Entry` has it."""
        return {
            seal: Told(transaction.block, _number(transaction))
            for seal, transaction in self._own(interval).items()
        }

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """As `Entry` has it."""
        if not self._view.knows(batch.interval):
            return self._searched(batch, since)
        transaction = self._own(batch.interval).get(batch.seal)
        if transaction is None or (_number(transaction) is None and transaction.block <= since):
            # The same orders were posted before, and skipped: what is asked for came later.
            return None
        return self._view.interval(batch.interval).posted_by(transaction)

    def _own(self, interval: int) -> dict[bytes, MarketTransaction]:
        """The relayer's posting transactions of an interval; of the same orders the one that was taken."""
        found: dict[bytes, MarketTransaction] = {}
        for transaction in self._view.interval(interval).transactions:
            if transaction.call != "post" or transaction.sender != self._client.sender.address:
                continue
            seal = self._seal(transaction)
            if seal not in found or _number(found[seal]) is None:
                found[seal] = transaction
        return found

    def _seal(self, transaction: MarketTransaction) -> bytes:
        if transaction.hash not in self._seals:
            if len(self._seals) >= REMEMBERED:
                self._seals.clear()
            self._seals[transaction.hash] = keccak(bytes(transaction.arguments["orders"]))
        return self._seals[transaction.hash]

    def _searched(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """As `posted`, of an interval that the view has forgotten: by the chain's events."""
        client, eth = self._client, self._client.network.web3.eth
        data, seen = client.post_call(batch.interval, batch.orders).data, set()
        for event in (client.market.events.BatchPosted(), client.market.events.OrderSkipped()):
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

    def __init__(self, client: MarketClient, view: MarketView, draw_salt: Callable[[int], bytes]) -> None:
        """
        Args:
            client: the market, through the relayer's key.
            view: of the market's chain.
            draw_salt: gives the salt of an interval's next batch, 32 bytes that nobody can guess.
        """
        self.phase = SealedPhase(client)
        self._client = client
        self._view = view
        self._draw_salt = draw_salt

    def make(self, interval: int, orders: Sequence[SignedOrder]) -> SealedBatch:
        """As `Entry` has it."""
        return self.phase.seal(interval, orders, self._draw_salt(interval))

    def post(self, batch: SealedBatch, wait_seconds: float = MINING_SECONDS) -> PostedBatch:
        """As `Entry` has it: reveals the batch."""
        return self.phase.reveal(batch, wait_seconds)

    def told(self, interval: int) -> dict[bytes, Told]:
        """As `Entry` has it."""
        found = {}
        for name in ("Returned", "Revealed"):
            for seal, transaction in self._own(interval, name).items():
                found[seal] = Told(transaction.block, _number(transaction))
        return found

    def posted(self, batch: SealedBatch, since: int) -> PostedBatch | None:
        """As `Entry` has it; without a number and without skipped orders where the market took none."""
        if not self._view.knows(batch.interval):
            return self.phase.revealed(batch, since)
        for name in ("Revealed", "Returned"):
            transaction = self._own(batch.interval, name).get(batch.seal)
            if transaction is not None:
                return self._view.interval(batch.interval).posted_by(transaction)
        return None

    def was_committed(self, batch: SealedBatch, since: int) -> bool:
        """Whether the relayer ever committed to a batch, by the chain's events."""
        if not self._view.knows(batch.interval):
            return self.phase.was_committed(batch, since)
        return batch.seal in self._own(batch.interval, "Committed")

    def _own(self, interval: int, name: str) -> dict[bytes, MarketTransaction]:
        """The transactions with an event of the relayer's batches, by seal."""
        return {
            bytes(said["seal"]): transaction
            for transaction in self._view.interval(interval).transactions
            for said in transaction.named(name)
            if said["relayer"] == self._client.sender.address
        }


REMEMBERED = 1024
"""Seals of transactions."""


def _number(transaction: MarketTransaction) -> int | None:
    """The batch that a transaction posted."""
    posted = transaction.named("BatchPosted")
    return int(posted[0]["batch"]) if posted else None
