"""`peerwatt settle`: what nobody has settled, settled by a stranger, from the chain's events alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from peerwatt.cli.console import AsJson, print_json, progress, say
from peerwatt.cli.key import PasswordFile, opened
from peerwatt.errors import InputError

if TYPE_CHECKING:
    from peerwatt.roles.settler import Outcome


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command()(settle)


def settle(
    deployment: Annotated[Path, typer.Option("--deployment", help="The market's addresses.")],
    chain: Annotated[str, typer.Option("--chain", help="URL of a node, or rpc (ETH_RPC_URL).")] = "rpc",
    interval: Annotated[int | None, typer.Option(min=0, help="This one alone; else all.")] = None,
    keystore: Annotated[Path | None, typer.Option(help="Key that pays the gas; else only tells.")] = None,
    account: Annotated[str | None, typer.Option(help="Or its name in Foundry, ape or geth.")] = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Clear, expire and settle whatever is due in a market, from its chain's events alone.

    Anybody may: no database is read, and the key needs nothing but ether. Without a key it tells what is due.
    """
    from eth_account import Account

    from peerwatt.chain import Deployment, Sender, open_network
    from peerwatt.cli.exit_codes import ExitCode
    from peerwatt.client import MarketClient
    from peerwatt.roles.settler import Settler, Step

    found = Deployment.load(deployment)
    if keystore is not None and account is not None:
        raise InputError("name either the --keystore or the --account of the key")
    if account is not None:
        from peerwatt.chain.keystore_files import keystore_of

        keystore = keystore_of(account)
    # Without a key nothing is sent.
    key = Account.create() if keystore is None else opened(keystore, password_file)
    outcomes: list[Outcome] = []
    with open_network(chain, chain_id=found.chain_id) as network:
        settler = Settler(MarketClient(network, found, Sender(network, key)), sends=keystore is not None)
        for outcome in settler.settle(interval):
            outcomes.append(outcome)
            if not as_json:
                (progress().print if outcome.step == Step.REFUSED else say)(line(outcome))
    if as_json:
        print_json([_document(outcome) for outcome in outcomes])
    elif not outcomes:
        say(f"{'the market' if interval is None else f'interval {interval}'}: nothing is left to settle")
    if any(outcome.step == Step.REFUSED for outcome in outcomes):
        raise typer.Exit(ExitCode.REFUSED)


def line(outcome: Outcome) -> str:
    """What became of an interval or a batch, in one line."""
    from peerwatt.roles.settler import Step

    where = f"interval {outcome.interval}"
    if outcome.batch is not None:
        where += f", batch {outcome.batch}"
    if outcome.step == Step.WAITS:
        assert outcome.until is not None
        until = datetime.fromtimestamp(outcome.until, UTC)
        return f"{where}: not before {until:%Y-%m-%d %H:%M:%S} UTC"
    if outcome.step == Step.DUE:
        return f"{where}: due now: name a --keystore or --account to have it done"
    if outcome.step == Step.REFUSED:
        return f"{where}: cannot be done: {outcome.reason}"
    return f"{where}: {outcome.step}"


def _document(outcome: Outcome) -> dict[str, Any]:
    return {
        "interval": outcome.interval,
        "batch": outcome.batch,
        "step": str(outcome.step),
        "until": outcome.until,
        "reason": outcome.reason or None,
    }
