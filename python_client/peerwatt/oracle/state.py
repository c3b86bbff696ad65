"""A member's state on disk: one SQLite file, committed before anything is told to anyone.

It holds what the member signed, which nothing ever changes, which forecasts it judges by, and what it saw of
the chain, which a reorganisation takes back.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from eth_typing import ChecksumAddress

from peerwatt.errors import InputError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    member TEXT NOT NULL,
    chain_id INTEGER NOT NULL,
    market TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS signatures (
    clearing_hash BLOB PRIMARY KEY CHECK (length(clearing_hash) = 32),
    interval INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    report BLOB NOT NULL,
    decisions TEXT NOT NULL,
    inputs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS signatures_by_interval ON signatures (interval);
CREATE TABLE IF NOT EXISTS envelopes (
    interval INTEGER NOT NULL,
    page INTEGER NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64),
    envelope BLOB NOT NULL,
    PRIMARY KEY (interval, page)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notices (
    interval INTEGER PRIMARY KEY,
    forecast_hash BLOB NOT NULL CHECK (length(forecast_hash) = 32),
    signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batches (
    interval INTEGER NOT NULL,
    batch INTEGER NOT NULL,
    block INTEGER NOT NULL,
    records BLOB NOT NULL,
    PRIMARY KEY (interval, batch)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS clearings (
    interval INTEGER PRIMARY KEY,
    block INTEGER NOT NULL,
    time INTEGER NOT NULL,
    word BLOB NOT NULL CHECK (length(word) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TABLE IF NOT EXISTS verdicts (
    interval INTEGER PRIMARY KEY, block INTEGER NOT NULL, verdict INTEGER NOT NULL
) STRICT;
"""

FORMAT = 1
"""Of the tables above, the file's `user_version`; with tables and another number it is somebody else's."""
BUSY_SECONDS = 10.0
"""How long a write waits for another process that has the file."""


@dataclass(frozen=True)
class Identity:
    """Whose state a file is.

    Attributes:
        member: address that signs.
        chain_id: id of the chain.
        market: address of the market.
    """

    member: ChecksumAddress
    chain_id: int
    market: str


def open_state(path: Path | str, identity: Identity) -> sqlite3.Connection:
    """Open a member's state, or begin one.

    Args:
        path: of the file; an empty string for a state that need not survive.
        identity: whose it is.

    Raises:
        InputError: the file is no state, cannot be written, or is another member's or another market's.
    """
    try:
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        # A signature must be on the disk, not on its way there, when somebody is told of it.
        database.execute("PRAGMA synchronous = FULL")
        [[tables]] = database.execute("SELECT count(*) FROM sqlite_master").fetchall()
        [[version]] = database.execute("PRAGMA user_version").fetchall()
        if tables and version != FORMAT:
            raise sqlite3.DatabaseError("it is another program's database")
        # In one piece, for a member may be killed here too.
        database.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
        database.execute(
            "INSERT INTO identity VALUES (1, ?, ?, ?) ON CONFLICT DO NOTHING",
            (identity.member, identity.chain_id, identity.market),
        )
    except sqlite3.Error as error:
        raise InputError(f"{path}: cannot be used as a member's state: {error}; name another file") from None
    found = read_identity(database)
    if found != identity:
        database.close()
        raise InputError(
            f"{path}: is the state of member {found.member} of market {found.market} on chain "
            f"{found.chain_id}, not of {identity.member} of {identity.market} on {identity.chain_id}: name "
            "another file for another member or market"
        )
    return database


def read_state(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Open a member's state for reading alone, also while the member runs.

    Args:
        path: of the file.
        any_thread: let another thread than this one use it.

    Raises:
        InputError: there is none.
    """
    try:
        database = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=not any_thread,
        )
        database.execute("SELECT member FROM identity").fetchone()
    except sqlite3.Error as error:
        raise InputError(
            f"{path}: no state of a committee member ({error}): name the --state of one"
        ) from None
    return database


def read_identity(database: sqlite3.Connection) -> Identity:
    """Whose state it is."""
    member, chain_id, market = database.execute("SELECT member, chain_id, market FROM identity").fetchone()
    return Identity(member, chain_id, market)
