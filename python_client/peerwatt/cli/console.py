"""Where output goes: results to stdout, progress to stderr. Rich respects NO_COLOR and pipes by itself."""

from __future__ import annotations

import json
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
