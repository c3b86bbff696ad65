"""A durable queue of signed orders, of the batches that were made of them, and of meters' own readings.

One SQLite file. Whatever was accepted is on disk before it is acknowledged, and an order leaves the queue
only together with the batch that holds it: a process that is killed at any instant finds everything again.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from peerwatt.errors import InputError
from peerwatt.messages import (
    SignedOrder,
    SignedReading,
    SkipReason,
    decode_orders,
    decode_signed_readings,
    encode_orders,
    encode_signed_readings,
)
from peerwatt.roles.ports import OwnReading
from peerwatt.roles.relayer.batch_record import BATCHES_SCHEMA, OPEN, BatchRecord

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    interval INTEGER NOT NULL,
    participant INTEGER NOT NULL,
    packed BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sent', 'posted', 'skipped', 'missed')),
    reason INTEGER NOT NULL DEFAULT 0,
    again INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (interval, participant)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readings (
    interval INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    position INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (interval, batch, position)
) STRICT, WITHOUT ROWID;
"""

_VERSION: Final = 4
"""Of the tables."""


class OrderQueue:
    """The queue; use it in a `with` statement, or call `close()`.

    Attributes:
        batches: the batches that were made, with what became of them.
    """

    def __init__(self, path: Path | str = "") -> None:
        """
        Args:
            path: of the SQLite file; without it the queue need not survive, and SQLite keeps what is too much
                for its memory in a temporary file.

        Raises:
            InputError: another version of this program wrote the file.
        """
        # A relayer's web server has a thread of its own; they take turns.
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        [[tables]] = self._database.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        [[version]] = self._database.execute("PRAGMA user_version").fetchall()
        if tables and version != _VERSION:
            self._database.close()
            raise InputError(
                f"{path}: not a queue of this version of peerwatt: settle what it holds with the version "
                "that wrote it, or name a new file"
            )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        if not tables:
            script = f"BEGIN; {_SCHEMA} {BATCHES_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;"
            self._database.executescript(script)
        self.batches = BatchRecord(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def save(self) -> bytes:
        """A copy as a SQLite file has it, from the oldest interval on that something waits for."""
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
            self._database.backup(copy)
            [[oldest]] = copy.execute(
                "SELECT min(interval) FROM (SELECT max(interval) AS interval FROM orders "
                "UNION SELECT interval FROM orders WHERE state = 'queued' "
                "UNION SELECT interval FROM batches WHERE state IN (?, ?) "
                "UNION SELECT interval FROM readings)",
                OPEN,
            )
            for table in ("orders", "batches"):
                copy.execute(f"DELETE FROM {table} WHERE interval < ?", (oldest,))
            copy.execute("VACUUM")
            return copy.serialize()

    def restore(self, saved: bytes) -> None:
        """Hold what `save` gave, and nothing else."""
        with closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(saved)
            copy.backup(self._database)

    def accept(self, order: SignedOrder) -> None:
        """Take an order in that was checked (`admission`); it is on disk when this returns.

        Raises:
            InputError: the participant has another order for that interval here already.
        """
        packed = encode_orders([order])
        key = (order.order.interval, order.order.participant)
        # An order that the market skipped may come again, mended or not: a margin may be there by then.
        self._database.execute(
            "INSERT INTO orders (interval, participant, packed) VALUES (?, ?, ?) ON CONFLICT DO UPDATE "
            "SET packed = excluded.packed, state = 'queued', reason = 0, again = again + 1 "
            "WHERE state IN ('skipped', 'missed')",
            (*key, packed),
        )
        [[held]] = self._database.execute(
            "SELECT packed FROM orders WHERE interval = ? AND participant = ?", key
        ).fetchall()
        if held != packed:
            raise InputError(
                f"participant {key[1]} has another order for interval {key[0]} in the queue: one order each"
            )

    def skipped(self, interval: int, participant: int) -> tuple[SkipReason, int]:
        """Why the market left out a participant's last order for an interval, if it did; and how often one
        has come again.
        """
        rows = self._database.execute(
            "SELECT reason, again FROM orders WHERE interval = ? AND participant = ? AND state = 'skipped'",
            (interval, participant),
        ).fetchall()
        return (SkipReason(rows[0][0]), rows[0][1]) if rows else (SkipReason.NONE, 0)

    def miss(self, interval: int) -> int:
        """Note of the orders that still wait for an interval that they missed it; returns how many."""
        return self._database.execute(
            "UPDATE orders SET state = 'missed' WHERE interval = ? AND state = 'queued'", (interval,)
        ).rowcount

    def queued(self, interval: int) -> tuple[SignedOrder, ...]:
        """The orders that wait for an interval, in account order, which settles them at the lowest cost."""
        rows = self._database.execute(
            "SELECT packed FROM orders WHERE interval = ? AND state = 'queued' ORDER BY participant",
            (interval,),
        )
        return tuple(order for [packed] in rows for order in decode_orders(packed, interval))

    def waiting(self) -> tuple[int, ...]:
        """The intervals that orders wait for."""
        rows = self._database.execute(
            "SELECT DISTINCT interval FROM orders WHERE state = 'queued' ORDER BY interval"
        )
        return tuple(interval for [interval] in rows)

    # Meters' own readings

    def accept_reading(self, own: OwnReading) -> None:
        """Take a meter's own reading in; it is on disk when this returns."""
        self._database.execute(
            "INSERT OR REPLACE INTO readings VALUES (?, ?, ?, ?)",
            (own.interval, own.batch, own.signed.position, encode_signed_readings([own.signed])),
        )

    def readings(self) -> dict[tuple[int, int], list[SignedReading]]:
        """The readings that wait, by interval and batch, in the order of their positions."""
        found: dict[tuple[int, int], list[SignedReading]] = {}
        for interval, batch, packed in self._database.execute(
            "SELECT interval, batch, packed FROM readings ORDER BY interval, batch, position"
        ):
            found.setdefault((interval, batch), []).extend(decode_signed_readings(packed))
        return found

    def drop_readings(self, interval: int, batch: int) -> None:
        """Let a batch's readings go: they are on the chain, or too late."""
        self._database.execute("DELETE FROM readings WHERE interval = ? AND batch = ?", (interval, batch))
