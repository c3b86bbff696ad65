"""Running one function as a program: its arguments from the command line, its errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import typer

from peerwatt.cli.console import write_any_character
from peerwatt.cli.exit_codes import end


def run(main: Callable[..., None]) -> None:
    """Run a script's `main`, with `--help` made from its signature and docstring.

    It ends with the exit codes of the `peerwatt` command.
    """
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(main)
    write_any_character()
    end(app, Path(sys.argv[0]).name)
