"""What a relayer keeps of the batches that it makes: what it takes to post them, and what became of them.

A batch is on disk before anything is sent, in one transaction with the orders' leaving the queue. In a sealed
market its salt is too: without the salt nobody can reveal the batch, and its bond is lost.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from peerwatt.client import PostedBatch, SealedBatch
from peerwatt.errors import InputError
from peerwatt.messages import decode_orders, encode_orders

BATCHES_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS batches (
    position INTEGER PRIMARY KEY,
    interval INTEGER NOT NULL,
    seal BLOB NOT NULL,
    relayer TEXT NOT NULL,
    orders BLOB NOT NULL,
    salt BLOB NOT NULL,
    block INTEGER NOT NULL,
    state TEXT NOT NULL,
    number INTEGER,
    UNIQUE (interval, seal)
) STRICT;
"""


class BatchState(StrEnum):
    """Where a batch stands, as far as its relayer has seen."""

    STORED = "stored"
    """Kept; whether it, or its commitment, has reached the chain is to be asked there."""
    COMMITTED = "committed"
    """Its bond is out, in a sealed market."""
    POSTED = "posted"
    """The market took its orders, or skipped them for a reason each; in a sealed market it was revealed."""
    RETURNED = "returned"
    """Revealed while the market took no orders; the bond is back."""
    MISSED = "missed"
    """Neither posted nor committed to before gate closure, or taken back by a reorganisation after it."""
    FORFEITED = "forfeited"
    """Not revealed in time; the bond is lost."""


OPEN = (BatchState.STORED, BatchState.COMMITTED)
_NOT_POSTED = (BatchState.RETURNED, BatchState.MISSED, BatchState.FORFEITED)


@dataclass(frozen=True)
class BatchRow:
    """A batch as it is kept.

    Attributes:
        batch: the batch.
        relayer: address of who posts it; of a sealed one nobody else can.
        block: the newest one when it was stored: its events on chain come later.
        state: where it stands.
        number: of the batch in its interval, once it is posted; None where every order was skipped.
    """

    batch: SealedBatch
    relayer: str
    block: int
    state: BatchState
    number: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether something may have to be done for it still."""
        return self.state in OPEN


@dataclass(frozen=True)
class Standing:
    """Where a batch stands, without what it holds; as `BatchRow` has it."""

    interval: int
    seal: bytes
    relayer: str
    state: BatchState
    number: int | None

    @property
    def is_open(self) -> bool:
        """Whether something may have to be done for it still."""
        return self.state in OPEN


class BatchRecord:
    """The batches of an order queue, in its file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def store(self, batch: SealedBatch, relayer: str, block: int) -> None:
        """Keep a batch, and take its orders from the queue, at once; it is on disk when this returns.

        Raises:
            InputError: an order of it does not wait any more: nothing is kept.
        """
        packed = encode_orders(batch.orders)
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._require_queued(batch)
            self._database.execute(
                "INSERT INTO batches (interval, seal, relayer, orders, salt, block, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) "
                # The same orders again, after the market skipped them: what is on chain from this block on
                # is what became of them now.
                "ON CONFLICT DO UPDATE SET relayer = excluded.relayer, block = excluded.block, "
                "state = excluded.state, number = NULL",
                (batch.interval, batch.seal, relayer, packed, batch.salt, block, BatchState.STORED),
            )
            self._move_orders(batch, "sent")

    def standings(self, first: int) -> tuple[Standing, ...]:
        """Where the batches stand of the intervals from `first` on, and those that are open, oldest first."""
        rows = self._database.execute(
            "SELECT interval, seal, relayer, state, number FROM batches "
            "WHERE interval >= ? OR state IN (?, ?) ORDER BY interval, position",
            (first, *OPEN),
        )
        return tuple(
            Standing(interval, seal, relayer, BatchState(state), number)
            for interval, seal, relayer, state, number in rows
        )

    def row(self, interval: int, seal: bytes) -> BatchRow:
        """One batch."""
        [found] = self._rows("WHERE interval = ? AND seal = ?", (interval, seal))
        return found

    def of_interval(self, interval: int) -> tuple[BatchRow, ...]:
        """The batches of an interval, in the order in which they were stored."""
        return self._rows("WHERE interval = ? ORDER BY position", (interval,))

    def _rows(self, where: str, values: tuple[object, ...]) -> tuple[BatchRow, ...]:
        rows = self._database.execute(
            f"SELECT interval, orders, salt, seal, relayer, block, state, number FROM batches {where}", values
        )
        return tuple(
            BatchRow(
                SealedBatch(interval, tuple(decode_orders(packed, interval)), salt, seal),
                relayer,
                block,
                BatchState(state),
                number,
            )
            for interval, packed, salt, seal, relayer, block, state, number in rows
        )

    def intervals(self, first: int) -> tuple[int, ...]:
        """The intervals with batches, from `first` on or with one that is open."""
        return tuple(dict.fromkeys(standing.interval for standing in self.standings(first)))

    def note(self, interval: int, seal: bytes, state: BatchState) -> None:
        """Note where a batch stands."""
        self._database.execute(
            "UPDATE batches SET state = ? WHERE interval = ? AND seal = ?", (state, interval, seal)
        )

    def note_posted(self, batch: SealedBatch, posted: PostedBatch) -> None:
        """Note what became of a batch and of each of its orders, at once.

        Noted again, too: after a reorganisation it may have another number, behind another batch.
        """
        interval, taken = batch.interval, [record.participant for record in posted.records]
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute(
                "UPDATE batches SET state = ?, number = ? WHERE interval = ? AND seal = ?",
                (BatchState.POSTED, posted.batch, interval, batch.seal),
            )
            self._database.executemany(
                "UPDATE orders SET state = 'posted', reason = 0 WHERE interval = ? AND participant = ?",
                [(interval, account) for account in taken],
            )
            self._database.executemany(
                "UPDATE orders SET state = 'skipped', reason = ? WHERE interval = ? AND participant = ?",
                [(int(order.reason), interval, order.participant) for order in posted.skipped],
            )

    def note_not_posted(self, batch: SealedBatch, state: BatchState) -> None:
        """Note that a batch was not posted, and why; its orders missed their interval."""
        assert state in _NOT_POSTED
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self.note(batch.interval, batch.seal, state)
            self._move_orders(batch, "missed")

    def _require_queued(self, batch: SealedBatch) -> None:
        """Two processes on one file would otherwise pay a bond each for the same orders."""
        rows = self._database.execute(
            "SELECT participant FROM orders WHERE interval = ? AND state = 'queued'", (batch.interval,)
        )
        waiting = {participant for [participant] in rows}
        for signed in batch.orders:
            if signed.order.participant not in waiting:
                raise InputError(
                    f"interval {batch.interval}: the order of participant {signed.order.participant} is "
                    "in a batch already: run one relayer per queue file"
                )

    def _move_orders(self, batch: SealedBatch, state: str) -> None:
        self._database.executemany(
            "UPDATE orders SET state = ? WHERE interval = ? AND participant = ?",
            [(state, batch.interval, signed.order.participant) for signed in batch.orders],
        )
