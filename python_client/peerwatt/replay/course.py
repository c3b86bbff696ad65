"""How far a replay has come, and where it can be taken up again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from peerwatt.chain import Network
from peerwatt.errors import ChainError
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.checkpoint import Checkpoint, CheckpointFile
from peerwatt.replay.journal import height, play, sealed_blocks, state_root
from peerwatt.replay.scheduler import Role, Saving
from peerwatt.replay.watched import Watched

CHECKPOINT_INTERVALS: Final = 24
"""So many intervals of work are lost at most when a replay is killed."""


class Course:
    """The course of one replay.

    Attributes:
        over: how many appointments were kept.
        settled: how many intervals are finished.
    """

    def __init__(
        self, network: Network, take: Callable[[IntervalLog], None], file: CheckpointFile | None
    ) -> None:
        """
        Args:
            network: on which chain.
            take: given the log of every finished interval, in their order.
            file: of the checkpoints; without it none are kept.
        """
        self.over = 0
        self.settled = 0
        self._network = network
        self._take = take
        self._file = file
        self._finished: list[IntervalLog] = []
        self._height = 0
        self._began = time.monotonic()
        self._last: Checkpoint | None = None

    @property
    def seconds(self) -> float:
        """How long it took so far, without what was done again to go on."""
        return time.monotonic() - self._began

    # Going on

    def take_up(self, progress: Callable[[int], None]) -> object:
        """Bring a fresh chain to where the last checkpoint was kept.

        Args:
            progress: told how many intervals are there again.

        Returns:
            What is kept of the market, besides its chain.

        Raises:
            InputError: there is no checkpoint, or it is another replay's.
            ChainError: the chain does not come to the same state.
        """
        assert self._file is not None
        for checkpoint in self._file.read():
            play(self._network, checkpoint.blocks)
            if state_root(self._network) != checkpoint.state_root:
                raise ChainError(
                    f"{self._file.path}: {self._network.endpoint} does not come to the state that was kept: "
                    "its program is another version's: leave --resume out to begin again"
                )
            for log in checkpoint.finished:
                self._take(log)
            self.settled += len(checkpoint.finished)
            progress(self.settled)
            self._last = checkpoint
        assert self._last is not None
        self.over = self._last.over
        self._height = height(self._network)
        self._began = time.monotonic() - self._last.seconds
        return self._last.market

    def restore(self, roles: Sequence[Role]) -> None:
        """Let roles go on with what they kept, where the replay was taken up again."""
        if self._last is not None:
            saving = [role for role in roles if isinstance(role, Saving)]
            for role, saved in zip(saving, self._last.roles, strict=True):
                role.restore(saved)
            self._last = None

    # Keeping

    def finish(self, log: IntervalLog) -> None:
        """An interval is over."""
        self._take(log)
        self.settled += 1
        if self._file is not None:
            self._finished.append(log)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a checkpoint again."""
        return len(self._finished) >= CHECKPOINT_INTERVALS

    def keep(self, market: Watched, roles: Sequence[Role]) -> None:
        """Keep a checkpoint, between two appointments.

        Raises:
            InputError: it cannot be written.
        """
        if self._file is None:
            return
        self._file.keep(
            Checkpoint(
                blocks=tuple(sealed_blocks(self._network, self._height)),
                finished=tuple(self._finished),
                state_root=state_root(self._network),
                over=self.over,
                seconds=self.seconds,
                market=market.save(),
                roles=tuple(role.save() for role in roles if isinstance(role, Saving)),
            )
        )
        self._finished.clear()
        self._height = height(self._network)
