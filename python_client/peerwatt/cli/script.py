"""Running one function as a program: its arguments from the command line, its errors in one line."""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from peerwatt.cli import EXIT_BAD_INPUT, report_error
from peerwatt.errors import PeerwattError


def run(main: Callable[..., None]) -> None:
    """Run a script's `main`, with `--help` made from its signature and docstring."""
    try:
        typer.run(main)
    except PeerwattError as error:
        report_error(error)
        sys.exit(EXIT_BAD_INPUT)
