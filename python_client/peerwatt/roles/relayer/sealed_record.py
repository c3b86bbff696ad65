"""What a relayer keeps of the batches that it commits to: everything that it takes to show them.

A batch and its salt are on disk before anything is sent, in one transaction with the orders' leaving the
queue: without the salt nobody can reveal the batch, and its bond is lost.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from peerwatt.client import SealedBatch
from peerwatt.errors import InputError
from peerwatt.messages import decode_orders, encode_orders

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sealed_batches (
    position INTEGER PRIMARY KEY,
    interval INTEGER NOT NULL,
    seal BLOB NOT NULL,
    relayer TEXT NOT NULL,
    orders BLOB NOT NULL,
    salt BLOB NOT NULL,
    block INTEGER NOT NULL,
    state TEXT NOT NULL,
    UNIQUE (interval, seal)
) STRICT;
"""


class SealedState(StrEnum):
    """Where a sealed batch stands, as far as its relayer has seen."""

    STORED = "stored"
    """Kept; whether its commitment has reached the chain is to be asked there."""
    COMMITTED = "committed"
    REVEALED = "revealed"
    RETURNED = "returned"
    """Shown while the market took no orders; the bond is back."""
    MISSED = "missed"
    """Never committed to before gate closure; it cost nothing."""
    FORFEITED = "forfeited"
    """Not revealed in time; the bond is lost."""


OPEN = (SealedState.STORED, SealedState.COMMITTED)
_NOT_POSTED = (SealedState.RETURNED, SealedState.MISSED, SealedState.FORFEITED)


@dataclass(frozen=True)
class SealedRow:
    """A batch as it is kept.

    Attributes:
        batch: the batch.
        relayer: address of who commits and reveals; nobody else can.
        block: the newest one when it was stored: its events on chain come later.
        state: where it stands.
    """

    batch: SealedBatch
    relayer: str
    block: int
    state: SealedState

    @property
    def is_open(self) -> bool:
        """Whether something may have to be done for it still."""
        return self.state in OPEN


class SealedRecord:
    """The sealed batches of an order queue, in its file."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._database.executescript(_SCHEMA)

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
                "INSERT INTO sealed_batches (interval, seal, relayer, orders, salt, block, state) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (batch.interval, batch.seal, relayer, packed, batch.salt, block, SealedState.STORED),
            )
            self._move_orders(batch, "sealed")

    def of_interval(self, interval: int) -> tuple[SealedRow, ...]:
        """The batches of an interval, in the order in which they were stored."""
        rows = self._database.execute(
            "SELECT interval, orders, salt, seal, relayer, block, state FROM sealed_batches "
            "WHERE interval = ? ORDER BY position",
            (interval,),
        )
        return tuple(
            SealedRow(
                SealedBatch(number, tuple(decode_orders(packed, number)), salt, seal),
                relayer,
                block,
                SealedState(state),
            )
            for number, packed, salt, seal, relayer, block, state in rows
        )

    def intervals(self, first: int) -> tuple[int, ...]:
        """The intervals with batches, from `first` on or with one that is open."""
        rows = self._database.execute(
            "SELECT DISTINCT interval FROM sealed_batches WHERE interval >= ? OR state IN (?, ?) "
            "ORDER BY interval",
            (first, *OPEN),
        )
        return tuple(interval for [interval] in rows)

    def note(self, interval: int, seal: bytes, state: SealedState) -> None:
        """Note where a batch stands."""
        self._database.execute(
            "UPDATE sealed_batches SET state = ? WHERE interval = ? AND seal = ?", (state, interval, seal)
        )

    def note_not_posted(self, batch: SealedBatch, state: SealedState) -> None:
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
                    "sealed already: run one relayer per queue file"
                )

    def _move_orders(self, batch: SealedBatch, state: str) -> None:
        self._database.executemany(
            "UPDATE orders SET state = ? WHERE interval = ? AND participant = ?",
            [(state, batch.interval, signed.order.participant) for signed in batch.orders],
        )
