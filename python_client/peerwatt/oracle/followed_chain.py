"""What a member saw of the chain, with the block that it was in: so that it can be taken back."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from peerwatt.messages.domain import word
from peerwatt.oracle.report_inputs import PostedInterval

REMEMBERED_BLOCKS = 512
"""How many followed steps back a reorganisation is traced; a deeper one is followed again from the start."""


@dataclass(frozen=True)
class Posted:
    """A batch was posted."""

    block: int
    interval: int
    batch: int
    records: bytes


@dataclass(frozen=True)
class Cleared:
    """An interval was cleared; `time` is the block's, `word` and `hash` are the market's of the outcome."""

    block: int
    interval: int
    time: int
    word: int
    hash: bytes


@dataclass(frozen=True)
class Gated:
    """An interval got its verdict, from the committee or from its silence."""

    block: int
    interval: int
    verdict: int


Event = Posted | Cleared | Gated


class FollowedChain:
    """The events up to some block.

    Args:
        database: of `open_state`.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def blocks(self) -> Iterator[tuple[int, bytes]]:
        """Number and hash of the blocks up to which was followed, newest first."""
        yield from self._database.execute("SELECT number, hash FROM blocks ORDER BY number DESC").fetchall()

    def note(self, number: int, block_hash: bytes, events: Iterable[Event]) -> None:
        """Take in everything up to a block, at once.

        Args:
            number: of the block.
            block_hash: of the block.
            events: since the block that was noted before, in their order.
        """
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            for event in events:
                self._take(event)
            self._database.execute("INSERT INTO blocks VALUES (?, ?)", (number, block_hash))
            self._forget_old()

    def forget_after(self, number: int) -> None:
        """Take back everything after a block: it is not on the chain any more."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("DELETE FROM blocks WHERE number > ?", (number,))
            for table in ("batches", "clearings", "verdicts"):
                self._database.execute(f"DELETE FROM {table} WHERE block > ?", (number,))

    def undecided(self) -> list[int]:
        """Intervals that have orders or were cleared, and have no verdict yet, oldest first."""
        rows = self._database.execute(
            "SELECT interval FROM batches UNION SELECT interval FROM clearings "
            "EXCEPT SELECT interval FROM verdicts ORDER BY interval"
        )
        return [interval for [interval] in rows]

    def undecided_since(self) -> int | None:
        """The first block with orders of an interval without a verdict; the next one where all have theirs,
        and None where nothing was followed yet.
        """
        [[oldest, next_block]] = self._database.execute(
            "SELECT (SELECT min(block) FROM batches WHERE interval NOT IN (SELECT interval FROM verdicts)), "
            "(SELECT max(number) + 1 FROM blocks)"
        ).fetchall()
        found: int | None = next_block if oldest is None else oldest
        return found

    def clearing(self, interval: int) -> Cleared | None:
        """The outcome of an interval's auction, if it was cleared."""
        rows = self._database.execute(
            "SELECT block, time, word, hash FROM clearings WHERE interval = ?", (interval,)
        ).fetchall()
        if not rows:
            return None
        [(block, time, packed, cleared_hash)] = rows
        return Cleared(block, interval, time, int.from_bytes(packed, "big"), cleared_hash)

    def batches(self, interval: int) -> int:
        """How many batches of an interval were posted."""
        [[count]] = self._database.execute(
            "SELECT count(*) FROM batches WHERE interval = ?", (interval,)
        ).fetchall()
        return int(count)

    def posted(self, cleared: Cleared, length_s: int) -> PostedInterval:
        """A cleared interval with its records."""
        rows = self._database.execute(
            "SELECT records FROM batches WHERE interval = ? ORDER BY batch", (cleared.interval,)
        )
        return PostedInterval(cleared.interval, length_s, cleared.word, tuple(packed for [packed] in rows))

    def verdict(self, interval: int) -> int | None:
        """The verdict on an interval, if there is one."""
        rows = self._database.execute(
            "SELECT verdict FROM verdicts WHERE interval = ?", (interval,)
        ).fetchall()
        return rows[0][0] if rows else None

    def _take(self, event: Event) -> None:
        if isinstance(event, Posted):
            self._database.execute(
                "INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?)",
                (event.interval, event.batch, event.block, event.records),
            )
        elif isinstance(event, Cleared):
            self._database.execute(
                "INSERT OR REPLACE INTO clearings VALUES (?, ?, ?, ?, ?)",
                (event.interval, event.block, event.time, word(event.word), event.hash),
            )
        else:
            self._database.execute(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)",
                (event.interval, event.block, event.verdict),
            )

    def _forget_old(self) -> None:
        """Drop the oldest blocks, and the records of intervals that were decided before them."""
        self._database.execute(
            "DELETE FROM blocks WHERE number NOT IN (SELECT number FROM blocks ORDER BY number DESC LIMIT ?)",
            (REMEMBERED_BLOCKS,),
        )
        self._database.execute(
            "DELETE FROM batches WHERE interval IN "
            "(SELECT interval FROM verdicts WHERE block < (SELECT min(number) FROM blocks))"
        )
