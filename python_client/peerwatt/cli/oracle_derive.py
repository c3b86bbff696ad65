"""`peerwatt oracle inputs`, `derive`, `verify` and `envelope`: what was signed again, from what it follows
from, to the byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json, progress, say
from peerwatt.cli.oracle_run import judging_basis
from peerwatt.errors import InputError

if TYPE_CHECKING:
    from peerwatt.client import MarketClient
    from peerwatt.oracle.judgement import Judgement
    from peerwatt.oracle.report_inputs import ReportInputs

Interval = Annotated[int, typer.Option("--interval", min=0, help="Number of the interval.")]
Chain = Annotated[str, typer.Option("--chain", help="URL of a node, or rpc (ETH_RPC_URL).")]
Forecasts = Annotated[Path | None, typer.Option("--forecasts", help="Directory of forecasts, INTERVAL.json.")]
OfScenario = Annotated[str | None, typer.Option("--scenario", help="Or a scenario's forecasts.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, help="Of those; the scenario's by default.")]
First = Annotated[
    int | None, typer.Option("--first-interval", min=0, help="Interval on chain of the scenario's first one.")
]
Rules = Annotated[
    str | None,
    typer.Option("--rules", help="Such as losses=tracing,curtailment=fair; the scenario's by default."),
]
DeploymentFile = Annotated[Path, typer.Option("--deployment", help="The market's addresses.")]
FeederFile = Annotated[Path, typer.Option("--feeder", help="Canonical feeder file.")]


def inputs(
    interval: Interval,
    state: Annotated[Path | None, typer.Option(help="Of a member, which keeps them.")] = None,
    chain: Chain = "rpc",
    deployment: Annotated[Path | None, typer.Option(help="Or of the market: its addresses.")] = None,
    forecasts: Forecasts = None,
    scenario: OfScenario = None,
    seed: Seed = None,
    first_interval: First = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Print everything that the report on an interval follows from, as one JSON document.

    Either as a member kept it (--state), or from public data alone: the chain and the forecasts. A member
    that signed two reports on an interval has two documents, a line each; --json makes them one list.
    """
    if state is not None:
        from peerwatt.oracle.signing_record import SigningRecord
        from peerwatt.oracle.state import read_state

        with closing(read_state(state)) as database:
            signed = SigningRecord(database).of_interval(interval)
        if not signed:
            raise InputError(f"{state}: nothing is signed for interval {interval}: see oracle status")
        documents = [report.inputs for report in signed]
        whole = as_json and len(documents) > 1
        say(f"[{','.join(documents)}]" if whole else "\n".join(documents))
        return
    if deployment is None:
        raise InputError("name the --state of a member, or the --deployment of a market and its forecasts")
    with _market(chain, deployment) as client:
        found = _public_inputs(client, interval, forecasts, scenario, seed, first_interval, rules)
    say(found.to_json())


def derive(
    document: Annotated[str, typer.Argument(metavar="INPUTS.json", help="Of oracle inputs; - for stdin.")],
    feeder: FeederFile,
    expect: Annotated[str | None, typer.Option(help="Digest that must come out, or exit code 1.")] = None,
    as_json: AsJson = False,
) -> None:
    """Derive a report again from its inputs, to the byte: the same ones give the same digest everywhere."""
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.oracle.report_inputs import ReportInputs

    try:
        text = sys.stdin.read() if document == "-" else Path(document).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{document}: cannot be read: {error}") from None
    found = ReportInputs.from_json(text, document)
    derived = _document(found, _judged(found, feeder))
    _print(derived, as_json)
    if expect is not None and expect.lower().removeprefix("0x") != derived["digest"].removeprefix("0x"):
        progress().print(f"the digest is not {expect}")
        raise typer.Exit(ExitCode.DISAGREE)


def verify(
    interval: Interval,
    feeder: FeederFile,
    deployment: DeploymentFile,
    chain: Chain = "rpc",
    forecasts: Forecasts = None,
    scenario: OfScenario = None,
    seed: Seed = None,
    first_interval: First = None,
    rules: Rules = None,
    as_json: AsJson = False,
) -> None:
    """Derive a report from public data and compare it with the one on chain; exit code 1 if they differ."""
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.oracle.public_record import report_on_chain
    from peerwatt.oracle.report_bytes import as_hex, encoded
    from peerwatt.oracle.signing_record import report_document

    with _market(chain, deployment) as client:
        found = _public_inputs(client, interval, forecasts, scenario, seed, first_interval, rules)
        taken = report_on_chain(client, interval)
    judgement = _judged(found, feeder)
    derived, on_chain = (
        report_document(judgement.report, judgement.decisions),
        report_document(taken.report, taken.decisions),
    )
    differing = [name for name in derived if derived[name] != on_chain[name]]
    same = not differing and encoded(judgement.report) == encoded(taken.report)
    if as_json:
        sides = {"derived": _document(found, judgement), "on_chain": on_chain}
        print_json({"same": same, "transaction": as_hex(taken.transaction), **sides})
    elif same:
        say(
            f"interval {interval}: the same {len(encoded(taken.report))} bytes of report and "
            f"{len(taken.decisions)} vectors of decisions as in transaction {as_hex(taken.transaction)}"
        )
    for name in () if as_json else differing:
        say(f"{name}: derived {derived[name]}, on chain {on_chain[name]}")
    if not same:
        raise typer.Exit(ExitCode.DISAGREE)


def envelope(
    interval: Interval,
    feeder: FeederFile,
    deployment: DeploymentFile,
    chain: Chain = "rpc",
    forecasts: Forecasts = None,
    scenario: OfScenario = None,
    seed: Seed = None,
    first_interval: First = None,
    as_json: AsJson = False,
) -> None:
    """Derive an interval's operating envelope from public data and compare it with the published one.

    Exit code 1 if they differ; where none was published, what it would be is printed.
    """
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.client import EnvelopeBoard
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.flow.power_flow import PowerFlow
    from peerwatt.oracle.envelope import EnvelopeInputs
    from peerwatt.oracle.report_bytes import as_hex
    from peerwatt.units import CONNECTION_UNIT_W

    forecast = judging_basis(forecasts, scenario, seed, first_interval, None).forecasts.forecast(interval)
    if forecast is None:
        raise InputError(f"interval {interval} has no forecast: name the directory that has it")
    model = load_feeder(feeder)
    with _market(chain, deployment) as client:
        board = EnvelopeBoard(client)
        length, connections = client.config().interval_length, board.connections()
        published = board.published(interval)
        digests = [as_hex(found.digest(board.domain)) for found in published]
    inputs = EnvelopeInputs(interval, length, connections, forecast.on(model))
    derived = list(inputs.envelopes(PowerFlow(model)))
    limits = {
        account: {
            "import_w": found.imported * CONNECTION_UNIT_W,
            "export_w": found.exported * CONNECTION_UNIT_W,
        }
        for each in derived
        for account, found in each.by_account
        if account in connections
    }
    same = derived == published
    if as_json:
        print_json(
            {"same": same, "published": digests, "inputs_hash": as_hex(inputs.digest()), "limits": limits}
        )
    else:
        for account, found in limits.items():
            say(f"{account:5}  import {found['import_w']:8} W  export {found['export_w']:8} W")
        if same:
            say(f"interval {interval}: the same as on chain, {', '.join(digests)}")
        elif not published:
            say(f"interval {interval}: none was published")
        else:
            say(f"interval {interval}: others were published, {', '.join(digests)}")
    if published and not same:
        raise typer.Exit(ExitCode.DISAGREE)


@contextmanager
def _market(chain: str, deployment: Path) -> Iterator[MarketClient]:
    """A market to read from."""
    from eth_account import Account

    from peerwatt.chain import Deployment, Sender, open_network
    from peerwatt.client import MarketClient

    found = Deployment.load(deployment)
    with open_network(chain, chain_id=found.chain_id) as network:
        # A key is needed to send alone, and nothing is sent.
        yield MarketClient(network, found, Sender(network, Account.create()))


def _public_inputs(
    client: MarketClient,
    interval: int,
    forecasts: Path | None,
    scenario: str | None,
    seed: int | None,
    first: int | None,
    rules: str | None,
) -> ReportInputs:
    from peerwatt.client import published_limits
    from peerwatt.oracle.public_record import posted_interval
    from peerwatt.oracle.report_inputs import ReportInputs

    basis = judging_basis(forecasts, scenario, seed, first, rules)
    posted = posted_interval(client, interval)
    forecast = basis.forecasts.forecast(interval)
    if forecast is None:
        raise InputError(f"interval {interval} has no forecast: name the directory that has it")
    forecast = forecast.within(published_limits(client, interval))
    return ReportInputs(client.domain, posted, forecast, basis.rules)


def _judged(found: ReportInputs, feeder: Path) -> Judgement:
    from peerwatt.grid.files.feeder_file import load_feeder
    from peerwatt.grid.flow.power_flow import PowerFlow

    return found.judge(PowerFlow(load_feeder(feeder)))


def _document(found: ReportInputs, judgement: Judgement) -> dict[str, Any]:
    from peerwatt.oracle.report_bytes import as_hex
    from peerwatt.oracle.signing_record import report_document

    digest = as_hex(judgement.report.digest(found.domain))
    return {**report_document(judgement.report, judgement.decisions), "digest": digest}


def _print(derived: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(derived)
        return
    for name, value in derived.items():
        for line in value if isinstance(value, list) else [value]:
            say(f"{name:15} {line}")
