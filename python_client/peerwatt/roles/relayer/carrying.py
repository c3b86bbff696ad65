"""What a relayer does for one of its batches: by what the chain says of it, and never twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from web3.types import TxReceipt

from peerwatt.chain import ContractReverted, NotMined
from peerwatt.client import MarketClient, MarketView, PostedBatch
from peerwatt.errors import ChainError, InputError, PeerwattError
from peerwatt.roles.all_of import all_of
from peerwatt.roles.relayer.batch_record import BatchRecord, BatchRow, BatchState
from peerwatt.roles.relayer.entry import Entry, SealedEntry

log: Final = logging.getLogger(__name__)


class NotTold(ChainError):
    """The node does not give all of the market's events yet: what it lacks may be one's own batch."""


class Carrying:
    """A relayer's batches on their way into the book.

    Every `wait_seconds` is how long a transaction may be waited for.
    """

    def __init__(self, client: MarketClient, batches: BatchRecord, view: MarketView, entry: Entry) -> None:
        """
        Args:
            client: the market, through the relayer's key.
            batches: what is kept of them.
            view: of the market's chain.
            entry: how they get into the book.
        """
        self._client = client
        self._batches = batches
        self._view = view
        self._entry = entry
        self._sealed = entry if isinstance(entry, SealedEntry) else None
        self._new: set[bytes] = set()
        self._refusals: dict[bytes, str] = {}

    def note_new(self, seal: bytes) -> None:
        """Of this batch nothing was ever sent."""
        self._new.add(seal)

    def _require_own(self, row: BatchRow) -> None:
        if row.is_open and row.relayer != self._client.sender.address:
            raise InputError(
                f"interval {row.batch.interval}: a batch in the queue was made by {row.relayer} and cannot "
                f"be posted by {self._client.sender.address}: start the relayer with that key"
            )

    def post(self, row: BatchRow, wait_seconds: float) -> PostedBatch:
        """Post a batch of an open market unless the chain says that it is there."""
        self._require_own(row)
        posted = self._entry.posted(row.batch, row.block)
        if posted is None:
            self._require_told(row)
            self._new.discard(row.batch.seal)
            with self._refusal_noted(row):
                posted = self._entry.post(row.batch, wait_seconds)
        self._note(row, posted)
        return posted

    def _require_told(self, row: BatchRow) -> None:
        """Send nothing again that may be on a part of the chain which the node does not show yet.

        Raises:
            NotTold: it may be.
        """
        if row.batch.seal in self._new or self._client.network.controls_time:
            return
        waits = self._view.waits or self._lacks(row.batch.interval) or self._on_its_way()
        if waits:
            raise NotTold(f"interval {row.batch.interval}: nothing is sent again: {waits}")

    def _on_its_way(self) -> str:
        """What of the relayer's key waits to be mined, one line; more is offered for it then."""
        network, address = self._client.network, self._client.sender.address
        count = network.web3.eth.get_transaction_count
        waiting = count(address, "pending") - count(address)
        if waiting <= 0:
            return ""
        if network.outbox is not None:
            network.outbox.look_after(address)
        return f"{waiting} transactions of {address} are not mined yet"

    def _lacks(self, interval: int) -> str:
        """What the market has of an interval that was not seen, one line."""
        try:
            state = self._client.interval(interval)
        except ContractReverted:
            # Nobody has posted to it.
            return ""
        lacks = self._view.lacks(state)
        if lacks:
            self._view.read_again()
        return lacks

    @contextmanager
    def _refusal_noted(self, row: BatchRow) -> Iterator[None]:
        """Keep why a batch did not get through, to be told should it miss its interval."""
        try:
            yield
        except PeerwattError as error:
            self._refusals[row.batch.seal] = str(error)
            raise
        self._refusals.pop(row.batch.seal, None)

    def commit(self, row: BatchRow, wait_seconds: float) -> TxReceipt | None:
        """Commit to a batch unless the chain says that it is done."""
        assert self._sealed is not None
        phase = self._sealed.phase
        self._require_own(row)
        receipt = None
        if not phase.is_committed(row.batch):
            phase.allow_bonds(wait_seconds=wait_seconds)
            try:
                with self._refusal_noted(row):
                    receipt = phase.send(row.batch, wait_seconds)
            except ContractReverted as refused:
                # A transaction of before a kill was still on its way: it counts, and took the only bond.
                if refused.name != "AlreadyCommitted":
                    raise
        self._batches.note(row.batch.interval, row.batch.seal, BatchState.COMMITTED)
        return receipt

    def reveal_all(self, rows: Sequence[BatchRow], wait_seconds: float) -> list[PostedBatch | None]:
        """Reveal every batch whose bond the chain holds."""
        assert self._sealed is not None
        phase = self._sealed.phase
        committed = [row.batch for row in rows if phase.is_committed(row.batch)]
        on_its_way: NotMined | None = None
        if len(committed) > 1:
            # The window is a few blocks long. Whatever fails is tried by itself below, and says why.
            try:
                phase.reveal_together(committed, wait_seconds)
            except NotMined as late:
                on_its_way = late
            except Exception:
                pass
        self._view.follow()
        return all_of(rows, lambda row: self._reveal(row, on_its_way, wait_seconds))

    def _reveal(self, row: BatchRow, on_its_way: NotMined | None, wait_seconds: float) -> PostedBatch | None:
        """Reveal a batch whose bond the chain holds; note what became of one that was revealed before.

        Args:
            row: the batch.
            on_its_way: where it was sent already, and waited for in vain.
            wait_seconds: how long to wait for its transaction, s.
        """
        assert self._sealed is not None
        self._require_own(row)
        posted = None
        if self._sealed.phase.is_committed(row.batch):
            if on_its_way is not None:
                raise on_its_way
            try:
                posted = self._entry.post(row.batch, wait_seconds)
            except ContractReverted as refused:
                # As above: what was on its way has revealed it.
                if refused.name != "UnknownSeal":
                    raise
                self._view.follow()
        elif not row.is_open and row.state != BatchState.POSTED:
            return None
        posted = posted or self._entry.posted(row.batch, row.block)
        if posted is not None:
            self._note(row, posted)
        return posted

    def conclude(self, row: BatchRow) -> None:
        """Note what became of a batch whose time is over."""
        if row.is_open:
            self._require_own(row)
        posted = self._entry.posted(row.batch, row.block)
        if posted is not None:
            self._note(row, posted)
            return
        self._require_told(row)
        interval, seal = row.batch.interval, row.batch.seal
        forfeited = self._sealed is not None and self._sealed.was_committed(row.batch, row.block)
        state = BatchState.FORFEITED if forfeited else BatchState.MISSED
        self._batches.note_not_posted(row.batch, state)
        why = self._refusals.pop(seal, "it was not on the chain when its time was over")
        log.warning(
            "interval %d: a batch of %d orders is %s: %s", interval, len(row.batch.orders), state, why
        )
        self._new.discard(seal)

    def _note(self, row: BatchRow, posted: PostedBatch) -> None:
        if posted.batch is None and not posted.skipped:
            if self._sealed is None:
                # A receipt without events is of no block yet: the next step asks the chain.
                return
            self._batches.note_not_posted(row.batch, BatchState.RETURNED)
            log.warning("interval %d: a batch was returned: the market takes no orders", row.batch.interval)
            return
        self._batches.note_posted(row.batch, posted)
        if (row.state, row.number) != (BatchState.POSTED, posted.batch):
            taken, skipped = len(posted.records), len(posted.skipped)
            log.info(
                "interval %d: posted as batch %s: %d orders taken, %d skipped",
                row.batch.interval,
                "-" if posted.batch is None else posted.batch,
                taken,
                skipped,
            )
