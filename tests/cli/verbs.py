"""The verbs of the command, as Typer has them: who adds a verb adds its tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from peerwatt.cli import app


def verbs() -> dict[str, set[str]]:
    """Every verb, such as `grid check`, and its options."""
    return dict(_verbs(get_command(app), ()))


def _verbs(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    for name, each in getattr(command, "commands", {}).items():
        yield from _verbs(each, (*words, name))
    if not hasattr(command, "commands"):
        yield " ".join(words), {option for parameter in command.params for option in parameter.opts}
