"""`peerwatt report`: the page again, from an export alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, progress


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("report")(report)


def report(
    directory: Annotated[Path, typer.Argument(help="What a replay wrote.", metavar="DIR")],
    time_zone: Annotated[
        str | None,
        typer.Option(help="In which the page says times, such as Europe/Berlin; the scenario's by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the tables of a replay and make its page again from the files in DIR; of a pilot, its zones.

    Bills and accounts in them are compared again; exit code 1 if they differ.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.report.files import read_results, summary_document, write_page
    from peerwatt.report.local_time import shown_in
    from peerwatt.report.tables import show_result
    from peerwatt.report.zones import read_zones, show_zones, zone_figures, zones_document
    from peerwatt.report.zones_page import write_zones_page

    zones = read_zones(directory)
    if zones is None:
        done = {directory: shown_in(read_results(directory), time_zone)}
    else:
        done = {directory / zone: shown_in(read_results(directory / zone), time_zone) for zone in zones.names}
    pages = [write_page(each, time_zone) for each in done]
    if zones is None:
        [result] = done.values()
        if as_json:
            print_json(summary_document(result))
        else:
            show_result(result)
    else:
        figures = [zone_figures(path.name, result) for path, result in done.items()]
        pages.append(write_zones_page(zones.pilot, figures, directory))
        if as_json:
            print_json(zones_document(zones.pilot, figures))
        else:
            show_zones(figures)
    for page in pages:
        progress().print(f"report: {page}")
    if not all(result.agrees for result in done.values()):
        raise typer.Exit(ExitCode.DISAGREE)
