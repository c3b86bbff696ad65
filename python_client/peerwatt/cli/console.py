"""Where output goes: results to stdout, progress to stderr. Rich respects NO_COLOR and pipes by itself."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
"""The option that every reading verb has."""


def results() -> Console:
    """The console for results."""
    from rich.console import Console

    return Console(highlight=False)


def progress() -> Console:
    """The console for progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(data: Any) -> None:
    """Print JSON for programs: keys in the order given, no colour."""
    typer.echo(json.dumps(data, indent=2, ensure_ascii=False))


class _Line(logging.Handler):
    """One line per record on standard error, above a progress bar that is drawn there."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record), soft_wrap=True, markup=False)


def log_to_stderr(console: Console | None = None, level: int = logging.INFO) -> None:
    """Let the package's log go to standard error, one line per record, until it is called again.

    Args:
        console: where a progress bar is drawn, if one is.
        level: the least that is shown.
    """
    package = logging.getLogger("peerwatt")
    package.handlers = [_Line(console or progress())]
    package.setLevel(level)
    package.propagate = False
