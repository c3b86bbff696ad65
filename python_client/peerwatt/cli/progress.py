"""How far long work is: bars on a terminal, and elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from peerwatt.cli.console import progress

EVERY_S = 30.0
"""Seconds until the first plain line; later ones come after a tenth of the time so far, if that is more."""

Advance = Callable[[int, int, int], None]
"""Told which piece of work, how many of its parts are done, and of how many."""


@dataclass
class PlainLines:
    """Progress where nothing can be drawn: dozens of lines even in a day, none in half a minute.

    Attributes:
        names: of the pieces of work.
        unit: what their parts are.
        write: takes a line.
        clock: seconds.
    """

    names: Sequence[str]
    unit: str
    write: Callable[[str], object]
    clock: Callable[[], float] = time.monotonic
    _done: dict[int, str] = field(default_factory=dict)
    _began: float = 0.0
    _due: float = 0.0

    def __post_init__(self) -> None:
        self._began = self.clock()
        self._due = EVERY_S

    def advance(self, number: int, done: int, of: int) -> None:
        """Take note, and write a line if it is time."""
        self._done[number] = f"{self.names[number]}: {done} of {of} {self.unit}"
        elapsed = self.clock() - self._began
        if elapsed >= self._due:
            self._due = elapsed + max(EVERY_S, elapsed / 10)
            states = ", ".join(text for _, text in sorted(self._done.items()))
            self.write(f"after {elapsed:.0f} s {states}")


@contextmanager
def shown_progress(work: Sequence[tuple[str, int]], unit: str) -> Iterator[Advance]:
    """Show on stderr how far each piece of work is.

    Args:
        work: what, and how many parts it has.
        unit: what the parts are, as `intervals`.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    stderr = progress()
    if not stderr.is_terminal or stderr.is_dumb_terminal:
        yield PlainLines([what for what, _ in work], unit, stderr.print).advance
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
    )
    with bar:
        tasks = [bar.add_task(what, total=total) for what, total in work]
        yield lambda number, done, of: bar.update(tasks[number], completed=done, total=of)
