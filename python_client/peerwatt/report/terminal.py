"""Tables in a terminal: whole at any width. Nothing is cut in 80 columns, and nothing in a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_WIDTH = 1 << 16
"""Columns of what is no terminal: a line is as long as it is."""


def results() -> Console:
    """The console for results."""
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    return console


def table(*heads: str, left: int = 1, long: int = 0) -> Table:
    """An empty table without lines, to print with `show`.

    Args:
        heads: of its columns; a head may have several lines.
        left: how many columns at the beginning hold words; the others hold numbers, to the right.
        long: how many columns at the end hold sentences, which may go on in the next line.
    """
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(heads):
        sentence = place >= len(heads) - long
        made.add_column(
            head,
            justify="left" if place < left or sentence else "right",
            no_wrap=not sentence,
            vertical="top",
        )
    return made


def show(content: Table, console: Console | None = None) -> None:
    """Print a table of results whole: where it is wider than the screen, its lines go on in the next."""
    from rich.measure import Measurement

    console = console or results()
    needed = Measurement.get(console, console.options.update(width=PIPED_WIDTH), content).minimum
    screen, console.width = console.width, max(console.width, needed)
    with console.capture() as capture:
        console.print(content)
    console.width = screen
    for line in capture.get().splitlines():
        console.file.write(f"{line.rstrip()}\n")
