"""`peerwatt replay`: days of a scenario on a chain, and the report of them."""

from __future__ import annotations

import logging
import shlex
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from peerwatt.cli import completion
from peerwatt.cli.console import AsJson, log_to_stderr, print_json, progress
from peerwatt.cli.progress import shown_progress

if TYPE_CHECKING:
    from peerwatt.record.results import ReplayResult


class Committee(StrEnum):
    """Where the oracle's members live."""

    inside = "inside"
    processes = "processes"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("replay")(replay)


def replay(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Name of a scenario or a pilot of several, or its directory or file.",
            autocompletion=completion.scenarios,
        ),
    ] = "brooklyn-10",
    days: Annotated[int, typer.Option(min=1, help="How many of the scenario's days.")] = 1,
    start: Annotated[
        str | None,
        typer.Option(help=("Another first day of the scenario's: 2016-06-19, or a time with offset.")),
    ] = None,
    chain: Annotated[
        str,
        typer.Option(
            help="eth-tester, ganache, anvil, the URL of a local node, or rpc (ETH_RPC_URL).",
            autocompletion=completion.chains,
        ),
    ] = "eth-tester",
    chain_id: Annotated[int | None, typer.Option(help="Refuse any other chain than this one.")] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Of every draw and key; the scenario's by default.")
    ] = None,
    mechanism: Annotated[
        str | None,
        typer.Option(
            help="Pricing rule of the market, by its name in `peerwatt mechanisms`.",
            autocompletion=completion.rules,
        ),
    ] = None,
    envelope: Annotated[
        bool | None,
        typer.Option(
            "--envelope/--no-envelope",
            help="Publish operating envelopes before gate closure; as the scenario says by default.",
        ),
    ] = None,
    sealed: Annotated[
        bool | None,
        typer.Option(
            "--sealed/--no-sealed",
            help="Hide orders until gate closure, under a bond; as the scenario says by default.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the report goes; reports/SCENARIO by default.")
    ] = None,
    committee: Annotated[
        Committee, typer.Option(help="The oracle's members: in this process, or a process each.")
    ] = Committee.inside,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="How many zones of a pilot at a time; by default as many as cores."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where the same replay was interrupted.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Replay a neighbourhood's market, interval by interval, on a real EVM; of a pilot, zone by zone."""
    from peerwatt.cli.check import said
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.errors import InputError
    from peerwatt.replay.interruption import Interruption
    from peerwatt.replay.zones import ZoneJob, replay_zones
    from peerwatt.report.files import check_destination
    from peerwatt.scenario import variants
    from peerwatt.scenario.catalogue import scenario_files
    from peerwatt.scenario.excerpt import starting
    from peerwatt.scenario.loading import load_scenario

    files = scenario_files(scenario)
    jobs = []
    for file in files:
        found = load_scenario(file)
        if start is not None:
            found = starting(found, start)
        if mechanism is not None:
            found = variants.under(found, mechanism)
        if envelope is not None:
            found = variants.enveloped(found, envelope)
        if sealed is not None:
            found = variants.sealed(found) if sealed else variants.opened(found)
        if days > found.calendar.days:
            raise InputError(
                f"--days {days}: scenario {found.name} has {_days(found.calendar.days)}; ask for fewer"
            )
        if len(files) == 1:
            directory = out or Path("reports") / found.name
        else:
            directory = (out or Path("reports") / Path(scenario).name) / file.parent.name
        check_destination(directory)
        jobs.append((found, directory))

    stderr = progress()
    for found, _ in jobs:
        for line in said(found.remarks):
            stderr.print(line)
    log_to_stderr(stderr, logging.WARNING)
    logging.getLogger("peerwatt.replay").setLevel(logging.INFO)
    kept = [directory.with_name(f"{directory.name}.checkpoint") for _, directory in jobs]
    if resume and not any(path.exists() for path in kept):
        raise InputError(f"{kept[0]}: no checkpoint, nothing to go on with: leave --resume out to begin")
    zones = [
        ZoneJob(
            found,
            found.seed if seed is None else seed,
            days * found.calendar.per_day,
            # A report's directory holds nothing else.
            directory.with_name(f"{directory.name}-committee") if committee is Committee.processes else None,
            checkpoint,
            resume and checkpoint.exists(),
        )
        for (found, directory), checkpoint in zip(jobs, kept, strict=True)
    ]
    work = [(f"{zone.scenario.name} on {_place(chain)}", zone.intervals) for zone in zones]
    try:
        with Interruption() as stop, shown_progress(work, "intervals") as advance:
            replayed = replay_zones(
                zones,
                chain,
                workers=workers,
                progress=advance,
                keep=partial(_write, [directory for _, directory in jobs]),
                chain_id=chain_id,
                stop=stop,
            )
    except KeyboardInterrupt as interrupted:
        stderr.print(_how_to_go_on(interrupted, any(path.exists() for path in kept)))
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    for checkpoint in kept:
        checkpoint.unlink(missing_ok=True)
    done = [(directory.name, result) for (_, directory), result in zip(jobs, replayed, strict=True)]
    if len(done) == 1:
        _print_result(done[0][1], as_json)
    else:
        file = _print_zones(Path(scenario).name, done, jobs[0][1].parent, as_json)
        stderr.print(f"zones: {file}")
    for _, directory in jobs:
        stderr.print(f"report: {directory / 'report.html'}")
    if not all(result.agrees for _, result in done):
        raise typer.Exit(ExitCode.DISAGREE)


def _days(count: int) -> str:
    return f"{count} day{'s' * (count > 1)}"


def _write(directories: list[Path], number: int, result: ReplayResult) -> None:
    """Write a zone's report, in the process that has its result."""
    from peerwatt.report.files import write_results

    write_results(result, directories[number])


def _place(chain: str) -> str:
    """What a chain is called beside its progress; of a URL the host alone, since the rest may hold a key."""
    return urlsplit(chain).hostname or "a node" if "://" in chain else chain


def _how_to_go_on(interrupted: KeyboardInterrupt, resumable: bool) -> str:
    """One line for whoever pressed Ctrl-C."""
    what = str(interrupted) or "interrupted"
    if not resumable:
        return f"{what}; nothing was kept to go on with"
    words = [word for word in sys.argv[1:] if word != "--resume"]
    return f"{what}; to go on: {shlex.join(['peerwatt', *words, '--resume'])}"


def _print_result(result: ReplayResult, as_json: bool) -> None:
    from peerwatt.report.files import summary_document
    from peerwatt.report.tables import show_result

    if as_json:
        print_json(summary_document(result))
    else:
        show_result(result)


def _print_zones(pilot: str, done: list[tuple[str, ReplayResult]], directory: Path, as_json: bool) -> Path:
    from peerwatt.report.zones import show_zones, write_zones, zone_figures, zones_document
    from peerwatt.report.zones_page import write_zones_page

    zones = [zone_figures(zone, result) for zone, result in done]
    document = zones_document(pilot, zones)
    written = write_zones(document, directory)
    progress().print(f"report: {write_zones_page(pilot, zones, directory)}")
    if as_json:
        print_json(document)
    else:
        show_zones(zones)
    return written
