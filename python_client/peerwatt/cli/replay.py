"""`peerwatt replay`: days of a scenario on a chain, and the report of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, progress, results


class Committee(StrEnum):
    """Where the oracle's members live."""

    inside = "inside"
    processes = "processes"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(replay)


def replay(
    scenario: Annotated[
        str, typer.Argument(help="Name of a scenario, or its directory or file.")
    ] = "brooklyn-10",
    days: Annotated[int, typer.Option(min=1, help="How many of the scenario's days.")] = 1,
    chain: Annotated[
        str, typer.Option(help="eth-tester, ganache, anvil, the URL of a local node, or rpc (ETH_RPC_URL).")
    ] = "eth-tester",
    chain_id: Annotated[int | None, typer.Option(help="Refuse any other chain than this one.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of every draw and key; the scenario's by default.")
    ] = None,
    mechanism: Annotated[
        str | None,
        typer.Option(help="Pricing rule of the market, by its name in `peerwatt mechanisms`."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the report goes; reports/SCENARIO by default.")
    ] = None,
    committee: Annotated[
        Committee, typer.Option(help="The oracle's members: in this process, or a process each.")
    ] = Committee.inside,
    as_json: AsJson = False,
) -> None:
    """Replay a neighbourhood's market, interval by interval, on a real EVM."""
    from peerwatt.cli import EXIT_WRONG_RESULT
    from peerwatt.errors import InputError
    from peerwatt.pilot.mechanism import under
    from peerwatt.pilot.run import replay_scenario
    from peerwatt.pilot.scenario import load_scenario
    from peerwatt.report.files import check_destination, summary_document, write_results
    from peerwatt.report.tables import bills_table, summary_table

    found = load_scenario(scenario)
    if mechanism is not None:
        found = under(found, mechanism)
    if days > found.calendar.days:
        raise InputError(f"--days {days}: scenario {found.name} has {found.calendar.days}; ask for fewer")
    directory = out if out is not None else Path("reports") / found.name
    check_destination(directory)
    # A report's directory holds nothing else.
    beside = directory.with_name(f"{directory.name}-committee")

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    stderr = progress()
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=stderr,
        transient=True,
        disable=not stderr.is_terminal,
    )
    with bar:
        task = bar.add_task(f"{found.name} on {chain}", total=days * found.calendar.per_day)
        result = replay_scenario(
            found,
            chain,
            found.seed if seed is None else seed,
            days * found.calendar.per_day,
            lambda done, of: bar.update(task, completed=done, total=of),
            chain_id=chain_id,
            committee=beside if committee is Committee.processes else None,
            say=lambda line: stderr.print(line, soft_wrap=True, markup=False),
        )
    write_results(result, directory)

    if as_json:
        print_json(summary_document(result))
    else:
        console = results()
        console.print(summary_table(result))
        console.print()
        console.print(bills_table(result))
    progress().print(f"report: {directory / 'report.html'}", soft_wrap=True)
    summary = result.summary
    if summary.reference_mismatches or summary.conservation_error:
        raise typer.Exit(EXIT_WRONG_RESULT)
