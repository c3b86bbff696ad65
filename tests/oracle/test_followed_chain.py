"""What was followed can be taken back, block by block, and nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from peerwatt.chain import demo_account
from peerwatt.oracle.followed_chain import REMEMBERED_BLOCKS, Cleared, FollowedChain, Gated, Posted
from peerwatt.oracle.state import Identity, open_state

INTERVAL = 7
LENGTH_S = 900


@pytest.fixture
def followed() -> Iterator[FollowedChain]:
    identity = Identity(demo_account(1, "committee", 0).address, 31337, "0x" + "11" * 20)
    with closing(open_state(Path(":memory:"), identity)) as database:
        yield FollowedChain(database)


def _hash(number: int, fork: int = 0) -> bytes:
    return bytes([fork]) * 24 + number.to_bytes(8, "big")


def _cleared(block: int, word: int = 5) -> Cleared:
    return Cleared(block, INTERVAL, 1000 + block, word, b"\x09" * 32)


def test_a_reorganisation_takes_back_exactly_what_came_after(followed: FollowedChain) -> None:
    followed.note(10, _hash(10), [Posted(9, INTERVAL, 0, b"first"), Posted(10, INTERVAL, 1, b"second")])
    followed.note(12, _hash(12), [_cleared(11)])
    followed.note(13, _hash(13), [Gated(13, INTERVAL, 1)])
    assert followed.undecided() == []

    followed.forget_after(12)
    assert (followed.undecided(), followed.verdict(INTERVAL)) == ([INTERVAL], None)
    assert followed.clearing(INTERVAL) == _cleared(11)

    followed.forget_after(10)
    assert followed.clearing(INTERVAL) is None
    assert [number for number, _ in followed.blocks()] == [10]

    # The same interval comes back with other orders.
    followed.forget_after(9)
    followed.note(12, _hash(12, fork=1), [Posted(11, INTERVAL, 1, b"other"), _cleared(12, word=6)])
    cleared = followed.clearing(INTERVAL)
    assert cleared is not None
    assert followed.posted(cleared, LENGTH_S).batches == (b"first", b"other")
    assert next(iter(followed.blocks())) == (12, _hash(12, fork=1))


def test_records_are_kept_until_their_verdict_can_no_longer_be_taken_back(followed: FollowedChain) -> None:
    followed.note(1, _hash(1), [Posted(1, INTERVAL, 0, b"decided"), Posted(1, INTERVAL + 1, 0, b"open")])
    followed.note(2, _hash(2), [_cleared(2)])
    followed.note(3, _hash(3), [Gated(3, INTERVAL, 1)])
    for number in range(4, REMEMBERED_BLOCKS + 3):
        followed.note(number, _hash(number), [])
    assert followed.posted(_cleared(2), LENGTH_S).batches == (b"decided",)
    for number in range(REMEMBERED_BLOCKS + 3, REMEMBERED_BLOCKS + 5):
        followed.note(number, _hash(number), [])
    assert len(list(followed.blocks())) == REMEMBERED_BLOCKS
    assert followed.posted(_cleared(2), LENGTH_S).batches == ()
    assert followed.undecided() == [INTERVAL + 1]
