"""Ctrl-C while a replay runs: the first lets it finish the step at hand, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self


class ReplayInterrupted(KeyboardInterrupt):
    """A replay was asked to stop, and has.

    Attributes:
        settled: how many intervals were.
        intervals: how many there are to be.
    """

    def __init__(self, settled: int, intervals: int) -> None:
        super().__init__(f"interrupted after {settled} of {intervals} intervals")
        self.settled = settled
        self.intervals = intervals


class Interruption:
    """Takes the first signal of its kind down as a wish to stop; use it in a `with` statement.

    Attributes:
        wished: whether there was one.
    """

    def __init__(self, number: int = signal.SIGINT) -> None:
        """
        Args:
            number: of the signal; a worker is told to end with another one than a person has.
        """
        self.wished = False
        self._number: Final = number
        self._before: Any = None
        self._listens = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        # A process that was told to be deaf, as those that run in the background are, stays so.
        self._listens = self._listens and signal.getsignal(self._number) is not signal.SIG_IGN
        if self._listens:
            self._before = signal.signal(self._number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listens:
            signal.signal(self._number, self._before)

    def __call__(self) -> bool:
        """Whether somebody wished to stop."""
        return self.wished

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.wished = True
        signal.signal(self._number, self._before)
