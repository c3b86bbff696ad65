"""`peerwatt oracle …`: a member of the grid oracle's committee, and whoever checks one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json, progress, results
from peerwatt.cli.oracle_run import JudgingBasis, judging_basis, run

if TYPE_CHECKING:
    from peerwatt.oracle.report_inputs import ReportInputs

app = typer.Typer(no_args_is_help=True, help="Be a member of the grid oracle's committee, or check one.")
app.command("run")(run)

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

    from peerwatt.messages import Verdict
    from peerwatt.oracle.followed_chain import FollowedChain
    from peerwatt.oracle.signing_record import SigningRecord
    from peerwatt.oracle.state import read_identity, read_state

    with closing(read_state(state)) as database:
        identity, record, followed = read_identity(database), SigningRecord(database), FollowedChain(database)
        block = next((number for number, _ in followed.blocks()), None)
        reports: list[dict[str, Any]] = []
        for signed in record.newest(count):
            verdict = followed.verdict(signed.report.interval)
            on_chain = None if verdict is None else Verdict(verdict).name.lower()
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
    from rich.table import Table

    console = results()
    console.print(
        f"member {identity.member} of market {identity.market} on chain {identity.chain_id}", soft_wrap=True
    )
    console.print(f"followed to block {block}; {found['signed']} reports signed")
    table = Table(box=None, pad_edge=False)
    for column in ("interval", "signed", "volume Wh", "on chain", "digest"):
        table.add_column(column, justify="right" if column == "volume Wh" else "left", no_wrap=True)
    for report in reports:
        table.add_row(
            str(report["interval"]),
            report["verdict"],
            str(report["volume_wh"]),
            report["on_chain"] or "–",
            f"{report['digest'][:SHORT_HASH]}…",
        )
    console.print(table)


@app.command()
def inputs(
    interval: Annotated[int, typer.Option(min=0, help="Number of the interval.")],
    state: Annotated[Path | None, typer.Option(help="As a member keeps them.")] = None,
    chain: Annotated[str, typer.Option(help="Or from a chain: URL of a node, or rpc (ETH_RPC_URL).")] = "rpc",
    deployment: Annotated[Path | None, typer.Option(help="The market's addresses.")] = None,
    forecasts: Annotated[Path | None, typer.Option(help="Directory of forecasts, INTERVAL.json.")] = None,
    scenario: Annotated[str | None, typer.Option(help="Or a scenario's forecasts.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of those; the scenario's by default.")] = None,
    first_interval: Annotated[
        int | None, typer.Option(min=0, help="Interval on chain of the scenario's first one.")
    ] = None,
    rules: Annotated[
        str | None, typer.Option(help="Such as losses=tracing,curtailment=fair; the scenario's by default.")
    ] = None,
) -> None:
    """Print everything that the report on an interval follows from, as one JSON document.

    Either as a member kept it (--state), or from public data alone: the chain and the forecasts.
    """
    from contextlib import closing

    from peerwatt.errors import InputError

    if state is not None:
        from peerwatt.oracle.signing_record import SigningRecord
        from peerwatt.oracle.state import read_state

        with closing(read_state(state)) as database:
            signed = SigningRecord(database).of_interval(interval)
        if not signed:
            raise InputError(f"{state}: nothing is signed for interval {interval}: see oracle status")
        for report in signed:
            typer.echo(report.inputs)
        return
    if deployment is None:
        raise InputError("name the --state of a member, or the --deployment of a market and its forecasts")
    basis = judging_basis(forecasts, scenario, seed, first_interval, rules)
    typer.echo(_inputs_from_chain(chain, deployment, basis, interval).to_json())


@app.command()
def derive(
    document: Annotated[str, typer.Argument(metavar="INPUTS.json", help="Of oracle inputs; - for stdin.")],
    feeder: Annotated[Path, typer.Option(help="Canonical feeder file.")],
    expect: Annotated[str | None, typer.Option(help="Digest that must come out, or exit code 1.")] = None,
    as_json: AsJson = False,
) -> None:
    """Derive a report again from its inputs, to the byte: the same ones give the same digest everywhere."""
    from peerwatt.cli import EXIT_WRONG_RESULT
    from peerwatt.errors import InputError
    from peerwatt.grid.feeder import load_feeder
    from peerwatt.grid.power_flow import PowerFlow
    from peerwatt.oracle.report_inputs import ReportInputs, as_hex
    from peerwatt.oracle.signing_record import report_document

    try:
        text = sys.stdin.read() if document == "-" else Path(document).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{document}: cannot be read: {error}") from None
    found = ReportInputs.from_json(text, document)
    judgement = found.judge(PowerFlow(load_feeder(feeder)))
    digest = as_hex(judgement.report.digest(found.domain))
    derived = {**report_document(judgement.report, judgement.decisions), "digest": digest}
    if as_json:
        print_json(derived)
    else:
        for name, value in derived.items():
            for line in value if isinstance(value, list) else [value]:
                typer.echo(f"{name:15} {line}")
    if expect is not None and expect.lower().removeprefix("0x") != digest.removeprefix("0x"):
        progress().print(f"the digest is not {expect}", soft_wrap=True)
        raise typer.Exit(EXIT_WRONG_RESULT)


@app.command()
def forecasts(
    scenario: Annotated[str, typer.Argument(help="Name of a scenario, or its directory or file.")],
    out: Annotated[Path, typer.Option(help="Directory for the files INTERVAL.json.")],
    seed: Annotated[int | None, typer.Option(min=0, help="The scenario's by default.")] = None,
    first_interval: Annotated[int | None, typer.Option(min=0, help="Interval on chain of its first.")] = None,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 1,
) -> None:
    """Write a scenario's forecasts as the committee's members read them."""
    from peerwatt.errors import InputError
    from peerwatt.oracle.forecast_file import ForecastDirectory
    from peerwatt.pilot.forecast_source import ScenarioForecasts
    from peerwatt.pilot.scenario import load_scenario

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
    typer.echo(f"{count} forecasts in {out}, intervals {source.first} to {source.first + count - 1}")


def _inputs_from_chain(chain: str, deployment: Path, basis: JudgingBasis, interval: int) -> ReportInputs:
    """The inputs by the chain's own records.

    Raises:
        InputError: the interval was not cleared, or has no forecast.
    """
    from contextlib import closing

    from eth_account import Account

    from peerwatt.chain import Deployment, Sender, open_network
    from peerwatt.client import MarketClient
    from peerwatt.errors import InputError
    from peerwatt.oracle.chain_follower import ChainFollower
    from peerwatt.oracle.followed_chain import FollowedChain
    from peerwatt.oracle.report_inputs import ReportInputs
    from peerwatt.oracle.state import Identity, open_state

    found = Deployment.load(deployment)
    with open_network(chain, chain_id=found.chain_id) as network:
        # A key is needed to send alone, and nothing is sent.
        client = MarketClient(network, found, Sender(network, Account.create()))
        identity = Identity(client.sender.address, network.chain_id, client.market.address)
        with closing(open_state(Path(":memory:"), identity)) as database:
            followed = FollowedChain(database)
            ChainFollower(client, followed, 0, lambda line: None).follow()
            cleared = followed.clearing(interval)
            if cleared is None:
                raise InputError(f"interval {interval} was not cleared on {network.endpoint}")
            posted = followed.posted(cleared, client.config().interval_length)
    if posted.clearing_hash != cleared.hash:
        raise InputError(
            f"{network.endpoint}: its records of interval {interval} do not make its clearing's hash"
        )
    forecast = basis.forecasts.forecast(interval)
    if forecast is None:
        raise InputError(f"interval {interval} has no forecast: name the directory that has it")
    return ReportInputs(client.domain, posted, forecast, basis.rules)
