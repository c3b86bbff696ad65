"""Tables in a terminal: whole at any width. Nothing is cut in 80 columns, and nothing in a pipe."""

from __future__ import annotations

import re
from functools import cache
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

PIPED_WIDTH = 1 << 16
"""Columns of what is no terminal: a line is as long as it is."""


_COMMANDS = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069]"
)
"""Characters that a terminal obeys instead of showing them; line ends and tabs are left."""


def visible(text: str) -> str:
    """A text whose characters are all shown: names of others cannot move the cursor or turn a line around.

    An escape becomes `\\u001b`, as Python and JSON write it.
    """
    return _COMMANDS.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


@cache
def _shown() -> type[Console]:
    """A console of Rich that shows a text as it is: no markup, no commands in it."""
    from rich.console import Console
    from rich.text import Text

    class Shown(Console):
        def render_str(self, text: str, **style: Any) -> Text:
            return super().render_str(visible(text), **style)

    return Shown


def console(file: IO[str] | None = None, **options: Any) -> Console:
    """A console for texts with names in them.

    Args:
        file: where it writes; standard output by default.
        options: further ones of Rich's console.
    """
    return _shown()(file=file, highlight=False, markup=False, emoji=False, **options)


@cache
def _rows() -> type[Table]:
    """A table of Rich, each of whose rows is one line: a name cannot begin another."""
    from rich.table import Table

    class Rows(Table):
        def add_row(self, *cells: Any, **style: Any) -> None:
            super().add_row(*(visible(each.replace("\n", "\\n")) for each in cells), **style)

    return Rows


def results() -> Console:
    """The console for results."""
    found = console()
    if not found.is_terminal:
        found.width = PIPED_WIDTH
    return found


def table(*heads: str, left: int = 1, long: int = 0) -> Table:
    """An empty table without lines, to print with `show`.

    Args:
        heads: of its columns; a head may have several lines.
        left: how many columns at the beginning hold words; the others hold numbers, to the right.
        long: how many columns at the end hold sentences, which may go on in the next line.
    """
    made = _rows()(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for place, head in enumerate(heads):
        sentence = place >= len(heads) - long
        made.add_column(
            head,
            justify="left" if place < left or sentence else "right",
            no_wrap=not sentence,
            vertical="top",
        )
    return made


def show(content: Table, on: Console | None = None) -> None:
    """Print a table of results whole: where it is wider than the screen, its lines go on in the next."""
    from rich.cells import cell_len
    from rich.measure import Measurement

    screen = on or results()
    for column in content.columns:
        if column.no_wrap:  # Rich takes the longest word for what a column needs, and a name may have several
            texts = (column.header, *column.cells)
            column.min_width = max(cell_len(line) for text in texts for line in str(text).split("\n"))
    needed = Measurement.get(screen, screen.options.update(width=PIPED_WIDTH), content).minimum
    before, screen.width = screen.width, max(screen.width, needed)
    with screen.capture() as capture:
        screen.print(content)
    screen.width = before
    for line in capture.get().split("\n")[:-1]:
        screen.file.write(f"{line.rstrip()}\n")
