"""Where output goes: results to stdout as tables or JSON, progress to stderr, in any encoding."""

from __future__ import annotations

import codecs
import io
import json
import logging
import math
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.report.terminal import console, visible

if TYPE_CHECKING:
    from rich.console import Console

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
"""The option that every reading verb has."""

PLAIN = {
    "−": "-", "–": "-", "…": "...", "→": "->", "\u2009": " ", "·": "-", "≤": "<=", "≥": ">=", "×": "x",
}  # fmt: skip
"""What a console without a character shows instead of it; the rest becomes a question mark."""


def write_any_character() -> None:
    """Let stdout and stderr write any text in any encoding, instead of dying of a character it lacks."""
    codecs.register_error("peerwatt", _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="peerwatt")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(character, "?") for character in lacking), error.end


def progress() -> Console:
    """The console for progress and remarks."""
    return console(stderr=True, soft_wrap=True)


def say(text: object) -> None:
    """Print a line of results."""
    typer.echo(visible(str(text)))


def print_json(data: Any) -> None:
    """Print JSON for programs: keys in the order given, no colour, whatever the console's encoding."""
    encoding = (sys.stdout.encoding or "ascii").lower()
    plain = not encoding.startswith("utf")
    say(json.dumps(_finite(data), indent=2, ensure_ascii=plain, allow_nan=False))


def _finite(data: Any) -> Any:
    """The same with null for numbers that JSON does not have."""
    if isinstance(data, float):
        return data if math.isfinite(data) else None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    return [_finite(value) for value in data] if isinstance(data, (list, tuple)) else data


class _Line(logging.Handler):
    """One line per record on standard error, above a progress bar that is drawn there."""

    def __init__(self, on: Console) -> None:
        super().__init__()
        self._console = on

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(self.format(record))


def log_to_stderr(on: Console | None = None, level: int = logging.INFO) -> None:
    """Let the package's log go to standard error, one line per record, until it is called again.

    Args:
        on: where a progress bar is drawn, if one is.
        level: the least that is shown.
    """
    package = logging.getLogger("peerwatt")
    package.handlers = [_Line(on or progress())]
    package.setLevel(level)
    package.propagate = False
