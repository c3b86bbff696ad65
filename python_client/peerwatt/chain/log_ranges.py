"""How many blocks' logs a node gives at once: halved until they are taken, and more again afterwards."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from peerwatt.chain.errors import NodeBusy, NodeRefused, UnreachableChain
from peerwatt.errors import ChainError

log: Final = logging.getLogger(__name__)

Read = Callable[[int, int], Sequence[Any]]
"""The logs of a range of blocks: its first and its last one."""

LONGEST: Final = 1000
"""Most blocks that are asked for at once; many endpoints allow no more."""
TAKEN_BEFORE_GROWTH: Final = 8
"""How many ranges a node takes before one twice as long is tried."""


class LogRanges:
    """What one endpoint takes.

    Why a range is refused does not matter: too many blocks, too many logs, too large an answer, too slow.
    Each endpoint says it in other words, and a shorter range mends all of it.

    Attributes:
        endpoint: what error messages call it.
        blocks: how many blocks are asked for at once.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.blocks = LONGEST
        self._taken = 0

    def read(
        self,
        first: int,
        last: int,
        read: Read,
        alone: Callable[[int], Sequence[Any] | None] = lambda block: None,
    ) -> list[Any]:
        """The logs of a range of any length, oldest first.

        Args:
            first: block.
            last: block.
            read: asks the node once.
            alone: the logs of a single block in another way, where even those are refused; None where there
                is none.

        Raises:
            UnreachableChain: nothing answers, or the node takes no more requests.
            ChainError: the logs of a single block are refused.
        """
        found: list[Any] = []
        while first <= last:
            to = min(last, first + self.blocks - 1)
            try:
                found += read(first, to)
            except (NodeRefused, UnreachableChain) as error:
                otherwise = self._shorten(first, to, error, alone)
                if otherwise is None:
                    continue
                found += otherwise
            self._note_taken(to - first + 1)
            first = to + 1
        return found

    def _shorten(
        self,
        first: int,
        to: int,
        error: NodeRefused | UnreachableChain,
        alone: Callable[[int], Sequence[Any] | None],
    ) -> Sequence[Any] | None:
        """Ask for half as many from now on, and for a single block in another way.

        Raises:
            ChainError: that would not help.
        """
        if isinstance(error, NodeBusy) or (isinstance(error, UnreachableChain) and not error.connected):
            raise error
        if first == to:
            otherwise = alone(first)
            if otherwise is not None:
                return otherwise
            said = error.message if isinstance(error, NodeRefused) else str(error)
            raise ChainError(
                f"{self.endpoint}: the logs of block {first} alone are refused ({said}): use another node"
            ) from None
        self.blocks, self._taken = max(1, (to - first + 1) // 2), 0
        log.debug("%s: %s: %d blocks at once from now on", self.endpoint, error, self.blocks)
        return None

    def _note_taken(self, blocks: int) -> None:
        if blocks < self.blocks or self.blocks >= LONGEST:
            return
        self._taken += 1
        if self._taken >= TAKEN_BEFORE_GROWTH:
            self.blocks, self._taken = min(LONGEST, 2 * self.blocks), 0
