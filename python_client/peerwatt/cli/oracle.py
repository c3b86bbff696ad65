"""`peerwatt oracle …`: a member of the grid oracle's committee, and whoever checks one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from peerwatt.cli import completion
from peerwatt.cli.console import AsJson, print_json, say
from peerwatt.cli.oracle_derive import derive, envelope, inputs, verify
from peerwatt.cli.oracle_run import run
from peerwatt.cli.verb_list import VerbList
from peerwatt.report.terminal import results, show, table

app = typer.Typer(
    cls=VerbList, no_args_is_help=True, help="Be a member of the grid oracle's committee, or check one."
)
app.command()(run)

StateFile = Annotated[Path, typer.Option("--state", help="A member's state, also while it runs.")]
SHORT_HASH = 18


def register(parent: typer.Typer) -> None:
    """Add the group of verbs."""
    parent.add_typer(app, name="oracle")


@app.command()
def status(
    state: StateFile,
    count: Annotated[int, typer.Option("--last", min=1, help="How many of the newest reports.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Show what a member signed and how far it has followed the chain."""
    from contextlib import closing

    from peerwatt.oracle.followed_chain import FollowedChain
    from peerwatt.oracle.signing_record import SigningRecord
    from peerwatt.oracle.state import read_identity, read_state
    from peerwatt.verdict import Verdict

    with closing(read_state(state)) as database:
        identity, record, followed = read_identity(database), SigningRecord(database), FollowedChain(database)
        block = next((number for number, _ in followed.blocks()), None)
        reports: list[dict[str, Any]] = []
        for signed in record.newest(count):
            verdict = followed.verdict(signed.report.interval)
            on_chain = None if verdict is None else str(Verdict(verdict))
            reports.append({**signed.document, "on_chain": on_chain})
        found = {
            "member": identity.member,
            "chain_id": identity.chain_id,
            "market": identity.market,
            "followed_block": block,
            "undecided_intervals": followed.undecided(),
            "signed": record.count(),
            "reports": reports,
        }
    if as_json:
        print_json(found)
        return
    console = results()
    console.print(
        f"member {identity.member} of market {identity.market} on chain {identity.chain_id}", soft_wrap=True
    )
    console.print(f"followed to block {block}; {found['signed']} reports signed")
    signed_reports = table("interval", "signed", "on chain", "digest", "volume\nWh", left=4)
    for report in reports:
        signed_reports.add_row(
            str(report["interval"]),
            report["verdict"],
            report["on_chain"] or "–",
            f"{report['digest'][:SHORT_HASH]}…",
            str(report["volume_wh"]),
        )
    show(signed_reports)


@app.command()
def forecasts(
    scenario: Annotated[
        str,
        typer.Argument(
            help="Name of a scenario, or its directory or file.", autocompletion=completion.scenarios
        ),
    ],
    out: Annotated[Path, typer.Option(help="Directory for the files INTERVAL.json.")],
    seed: Annotated[int | None, typer.Option(min=0, help="The scenario's by default.")] = None,
    first_interval: Annotated[int | None, typer.Option(min=0, help="Interval on chain of its first.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write a scenario's forecasts as the committee's members read them."""
    from peerwatt.errors import InputError
    from peerwatt.oracle.forecast_file import ForecastDirectory
    from peerwatt.scenario.forecasts import ScenarioForecasts
    from peerwatt.scenario.loading import load_scenario

    found = load_scenario(scenario)
    try:
        out.mkdir(parents=True, exist_ok=True)
        directory = ForecastDirectory(out)
        source = ScenarioForecasts(found, found.seed if seed is None else seed, first_interval)
        count = days * found.calendar.per_day
        for interval in range(source.first, source.first + count):
            directory.write(source.forecast(interval))
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror}; choose another --out") from None
    last = source.first + count - 1
    if as_json:
        print_json({"directory": str(out), "first_interval": source.first, "last_interval": last})
    else:
        say(f"{count} forecasts in {out}, intervals {source.first} to {last}")


for _verb in (inputs, derive, verify, envelope):
    app.command()(_verb)
