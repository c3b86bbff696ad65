"""`peerwatt report`: the page again, from an export alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, progress, results


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report")(report)


def report(
    directory: Annotated[Path, typer.Argument(help="What a replay wrote.", metavar="DIR")],
    as_json: AsJson = False,
) -> None:
    """Print the tables of a replay and make its page again from the files in DIR."""
    from peerwatt.report.files import read_results, summary_document, write_page

    result = read_results(directory)
    page = write_page(directory)
    if as_json:
        print_json(summary_document(result))
        return
    from peerwatt.report.tables import bills_table, summary_table

    console = results()
    console.print(summary_table(result))
    console.print()
    console.print(bills_table(result))
    progress().print(f"report: {page}", soft_wrap=True)
