"""The `peerwatt` command: one module per verb, and one place where errors end.

Exit codes: 0 done; 1 done, and the result is not what it must be (a mismatch with the reference twin, money
that does not add up); 2 the input cannot be used, said in one line on stderr; 130 interrupted.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated

import typer

from peerwatt import __version__
from peerwatt.errors import PeerwattError

VERBS = ("replay", "compare", "grid", "scenarios", "check", "report", "export", "clear_book", "oracle")
"""Modules of this package in the order of the help; each has `register(app)`. What is slow to import, a verb
imports when it runs."""

EXIT_WRONG_RESULT = 1
EXIT_BAD_INPUT = 2

app = typer.Typer(
    name="peerwatt",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"peerwatt {__version__}")
        raise typer.Exit


@app.callback(epilog="Exit codes: 0 done, 1 wrong result, 2 unusable input. NO_COLOR is respected.")
def _peerwatt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A peer-to-peer energy market that the grid can trust."""


def report_error(error: object) -> None:
    """Write an error as one line on stderr."""
    print(f"error: {' '.join(str(error).split())}", file=sys.stderr)


for _verb in VERBS:
    import_module(f"{__name__}.{_verb}").register(app)


def main() -> None:
    """Run the command line; the entry point of the `peerwatt` script."""
    try:
        app()
    except PeerwattError as error:
        report_error(error)
        sys.exit(EXIT_BAD_INPUT)
