"""A durable queue of signed orders and of the batches that were made of them.

One SQLite file. Whatever was accepted is on disk before it is acknowledged, and an order leaves the queue
only together with the batch that holds it: a process that is killed at any instant finds everything again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from peerwatt.errors import InputError
from peerwatt.messages import SignedOrder, decode_orders, encode_orders
from peerwatt.roles.relayer.sealed_record import SealedRecord, SealedState

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    interval INTEGER NOT NULL,
    participant INTEGER NOT NULL,
    packed BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'sealed', 'posted', 'skipped', 'missed')),
    reason INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (interval, participant)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS batches (
    interval INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    records BLOB NOT NULL,
    previous BLOB NOT NULL,
    decisions BLOB NOT NULL DEFAULT x'',
    readings BLOB NOT NULL DEFAULT x'',
    settled INTEGER NOT NULL DEFAULT 0,
    seal BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (interval, batch)
) STRICT, WITHOUT ROWID;
"""

_VERSION: Final = 2
"""Of the tables."""


@dataclass(frozen=True)
class PostedRow:
    """A posted batch, as it must be supplied again.

    Attributes:
        interval: the interval.
        batch: number of the batch in its interval.
        records: packed.
        previous: 32 bytes, the commitment to the batch before as it was posted.
        decisions: packed; empty while or where there are none.
        readings: packed; empty while or where there are none.
        settled: 1 when its settlement was seen on chain, else 0.
    """

    interval: int
    batch: int
    records: bytes
    previous: bytes
    decisions: bytes
    readings: bytes
    settled: int


class OrderQueue:
    """The queue; use it in a `with` statement, or call `close()`.

    Attributes:
        sealed: the batches for a sealed market, with their salts.
    """

    def __init__(self, path: Path | str = ":memory:") -> None:
        """
        Args:
            path: of the SQLite file, or `:memory:` for a queue that need not survive.

        Raises:
            InputError: another version of this program wrote the file.
        """
        self._database = sqlite3.connect(path, isolation_level=None)
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
        self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
        self.sealed = SealedRecord(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the file go."""
        self._database.close()

    def accept(self, order: SignedOrder) -> None:
        """Take an order in; it is on disk when this returns.

        Raises:
            InputError: the participant has another order for that interval here already.
        """
        packed = encode_orders([order])
        key = (order.order.interval, order.order.participant)
        self._database.execute(
            "INSERT INTO orders (interval, participant, packed) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (*key, packed),
        )
        [[held]] = self._database.execute(
            "SELECT packed FROM orders WHERE interval = ? AND participant = ?", key
        ).fetchall()
        if held != packed:
            raise InputError(
                f"participant {key[1]} has another order for interval {key[0]} in the queue: one order each"
            )

    def queued(self, interval: int) -> tuple[SignedOrder, ...]:
        """The orders that wait for an interval, in account order, which settles them at the lowest cost."""
        rows = self._database.execute(
            "SELECT packed FROM orders WHERE interval = ? AND state = 'queued' ORDER BY participant",
            (interval,),
        )
        return tuple(order for [packed] in rows for order in decode_orders(packed, interval))

    def note_posted(
        self,
        interval: int,
        batch: int | None,
        records: bytes,
        previous: bytes,
        taken: Sequence[int],
        skipped: Sequence[tuple[int, int]],
        seal: bytes | None = None,
    ) -> None:
        """Note what became of the queued orders, and the batch that holds those that were taken, at once.

        Args:
            interval: the interval.
            batch: number of the batch; None when every order was skipped.
            records: packed.
            previous: 32 bytes, the commitment to the batch before as it was posted.
            taken: accounts whose orders the batch holds.
            skipped: accounts whose orders it does not hold, with the contract's reason.
            seal: 32 bytes, of the sealed batch that was revealed by it, if it was one.
        """
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            if seal is not None:
                # Revealed before in a block that the chain has dropped since, it may have had another number.
                self._database.execute(
                    "DELETE FROM batches WHERE interval = ? AND seal = ?", (interval, seal)
                )
                self.sealed.note(interval, seal, SealedState.REVEALED)
            if batch is not None:
                self._database.execute(
                    "INSERT OR REPLACE INTO batches (interval, batch, records, previous, seal) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (interval, batch, records, previous, seal or b""),
                )
            self._database.executemany(
                "UPDATE orders SET state = 'posted' WHERE interval = ? AND participant = ?",
                [(interval, account) for account in taken],
            )
            self._database.executemany(
                "UPDATE orders SET state = 'skipped', reason = ? WHERE interval = ? AND participant = ?",
                [(reason, interval, account) for account, reason in skipped],
            )

    def batches(self, interval: int) -> tuple[PostedRow, ...]:
        """The batches of an interval that were posted from this queue."""
        rows = self._database.execute(
            "SELECT interval, batch, records, previous, decisions, readings, settled FROM batches "
            "WHERE interval = ? ORDER BY batch",
            (interval,),
        )
        return tuple(PostedRow(*columns) for columns in rows)

    def note_decisions(self, interval: int, batch: int, decisions: bytes) -> None:
        """Keep the report's decisions on a batch."""
        self._update(interval, batch, "decisions", decisions)

    def note_readings(self, interval: int, batch: int, readings: bytes) -> None:
        """Keep a batch's readings as they stand."""
        self._update(interval, batch, "readings", readings)

    def note_settled(self, interval: int, batch: int) -> None:
        """Note that a batch is settled on chain."""
        self._update(interval, batch, "settled", 1)

    def _update(self, interval: int, batch: int, column: str, value: bytes | int) -> None:
        self._database.execute(
            f"UPDATE batches SET {column} = ? WHERE interval = ? AND batch = ?", (value, interval, batch)
        )
