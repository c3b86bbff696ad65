"""Ranges of blocks are halved until a node takes them, whatever it says, and grow again."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from peerwatt.chain import NodeBusy, NodeRefused, UnreachableChain
from peerwatt.chain.log_ranges import LONGEST, LogRanges
from peerwatt.errors import ChainError


class Narrow:
    """A node that takes so many blocks at once."""

    def __init__(self, most: int, error: ChainError) -> None:
        self.most = most
        self.asked: list[tuple[int, int]] = []
        self._error = error

    def read(self, first: int, last: int) -> Sequence[int]:
        self.asked.append((first, last))
        if last - first + 1 > self.most:
            raise self._error
        return range(first, last + 1)


TOO_LONG = [
    NodeRefused("node", "eth_getLogs", -32005, "query returned more than 10000 results"),
    NodeRefused("node", "eth_getLogs", None, "whatever the next provider says"),
    UnreachableChain("node", "timed out", connected=True),
]


@pytest.mark.parametrize("error", TOO_LONG)
@pytest.mark.parametrize("most", [1, 2, 3, 499, 500, 999, 1000, 5000])
def test_every_block_is_read_once_and_in_order(most: int, error: ChainError) -> None:
    node, ranges = Narrow(most, error), LogRanges("node")
    assert ranges.read(7, 1306, node.read) == list(range(7, 1307))
    assert ranges.read(1307, 1306, node.read) == []


def test_what_was_learned_is_kept_and_the_range_grows_again() -> None:
    node, ranges = Narrow(100, TOO_LONG[0]), LogRanges("node")
    ranges.read(0, 999, node.read)
    assert 50 < ranges.blocks < 200
    node.most = 10**6
    ranges.read(0, 100_000, node.read)
    assert ranges.blocks == LONGEST


def test_a_node_that_is_not_there_or_busy_is_not_asked_for_less() -> None:
    for error in (UnreachableChain("node", "connection refused"), NodeBusy("node", "HTTP status 429")):
        node, ranges = Narrow(1, error), LogRanges("node")
        with pytest.raises(type(error)):
            ranges.read(0, 999, node.read)
        assert len(node.asked) == 1


def test_a_single_block_that_is_refused_is_named() -> None:
    with pytest.raises(ChainError, match=r"^node: the logs of block 5 alone are refused \(query returned"):
        LogRanges("node").read(5, 9, Narrow(0, TOO_LONG[0]).read)
