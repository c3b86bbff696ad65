"""The `peerwatt` command: one module per verb. How it ends, and with which exit code, is in `exit_codes`."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Annotated

import typer

from peerwatt import __version__
from peerwatt.cli.console import write_any_character
from peerwatt.cli.exit_codes import DEBUG, EPILOG, end
from peerwatt.cli.verb_list import VerbList

VERBS = (
    "replay",
    "compare",
    "grid",
    "scenarios",
    "check",
    "import_meter",
    "report",
    "export",
    "clear_book",
    "oracle",
    "supplier",
    "settle",
    "key",
)
"""Modules of this package in the order of the help; each has `register(app)`. What is slow to import, a verb
imports when it runs."""

app = typer.Typer(
    name="peerwatt",
    cls=VerbList,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"peerwatt {__version__}")
        raise typer.Exit


@app.callback(epilog=EPILOG)
def _peerwatt(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of a mistake in the program.")
    ] = False,
) -> None:
    """A peer-to-peer energy market that the grid can trust."""
    if debug:
        os.environ[DEBUG] = "1"


for _verb in VERBS:
    import_module(f"{__name__}.{_verb}").register(app)


def main() -> None:
    """Run the command line; the entry point of the `peerwatt` script."""
    write_any_character()
    end(app)
