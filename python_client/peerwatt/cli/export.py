"""`peerwatt export`: what a replay wrote, for other programs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, say


class Format(StrEnum):
    """What can be written beside the CSV and JSON of every replay."""

    parquet = "parquet"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("export")(export)


def export(
    directory: Annotated[Path, typer.Argument(help="What a replay wrote.", metavar="DIR")],
    format_: Annotated[Format, typer.Option("--format", help="Of the files.")] = Format.parquet,
    out: Annotated[Path | None, typer.Option(help="Where they go; DIR-parquet by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the tables in DIR as Parquet, seed and version inside. Needs the parquet extra."""
    from peerwatt.report.files import read_results
    from peerwatt.report.parquet import write_parquet

    target = out or directory.with_name(f"{directory.name}-{format_}")
    written = write_parquet(read_results(directory), target)
    if as_json:
        print_json([str(path) for path in written])
    else:
        for path in written:
            say(path)
