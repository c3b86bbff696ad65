"""`peerwatt supplier …`: what the supplier stands for, and what only its wallet may do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from peerwatt.cli.console import AsJson, print_json, say
from peerwatt.cli.key import PasswordFile, opened
from peerwatt.cli.verb_list import VerbList
from peerwatt.errors import InputError

if TYPE_CHECKING:
    from peerwatt.client.supplier import Supplier

app = typer.Typer(
    cls=VerbList, no_args_is_help=True, help="Stand for connections, and accept tariffs, as the supplier."
)

DeploymentFile = Annotated[Path, typer.Option(help="The market's addresses, as deploy.py writes them.")]
Chain = Annotated[str, typer.Option(help="URL of a node, or rpc (ETH_RPC_URL).")]
Keystore = Annotated[Path | None, typer.Option(help="The supplier's key, keystore v3.")]
DemoSeed = Annotated[int | None, typer.Option(min=0, help="Demonstration key of a seed instead.")]


def register(parent: typer.Typer) -> None:
    """Add the group of verbs."""
    parent.add_typer(app, name="supplier")


@app.command()
def show(deployment: DeploymentFile, chain: Chain = "rpc", as_json: AsJson = False) -> None:
    """Say what the supplier stands for, what it must hold for that, and what it holds."""
    from eth_account import Account

    from peerwatt.chain import Deployment, Sender, open_network
    from peerwatt.client import MarketClient
    from peerwatt.client.supplier import standing

    with open_network(chain) as network:
        anybody = Sender(network, Account.create())
        found = standing(MarketClient(network, Deployment.load(deployment), anybody))
    if as_json:
        print_json(asdict(found) | {"free": found.free})
        return
    say(f"registered {found.registered:,} Wh in an interval, both directions, of all who ever joined")
    say(f"cover      {found.cover:,} Wh")
    say(f"margin     {found.margin:,} base units: of the cover, without those who left")
    say(f"cash       {found.cash:,} base units; others owe {found.debt:,}")
    lacks = "; no interval opens until what lacks is deposited" if found.free < 0 else ""
    say(f"free       {found.free:,} base units{lacks}")


@app.command()
def cover(
    wh: Annotated[int, typer.Argument(min=0, help="Of all who ever joined and shall join, in an interval.")],
    deployment: DeploymentFile,
    chain: Chain = "rpc",
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    demo_seed: DemoSeed = None,
    as_json: AsJson = False,
) -> None:
    """Stand for connections of WH in an interval; what the account lacks for it is deposited first."""
    with _supplier(deployment, chain, keystore, password_file, demo_seed) as supplier:
        receipt = supplier.cover(wh)
    if as_json:
        print_json({"cover": wh, "transaction": receipt["transactionHash"].to_0x_hex()})
    else:
        say(f"the supplier stands for connections of {wh:,} Wh")


@app.command("accept-tariff")
def accept_tariff(
    first: Annotated[int, typer.Argument(min=0, help="The first interval of the proposed tariff.")],
    retail: Annotated[int, typer.Argument(min=0, help="Base units per Wh, as proposed.")],
    feed_in: Annotated[int, typer.Argument(min=0, help="The same.")],
    network_fee: Annotated[int, typer.Argument(min=0, help="The same.")],
    deployment: DeploymentFile,
    chain: Chain = "rpc",
    keystore: Keystore = None,
    password_file: PasswordFile = None,
    demo_seed: DemoSeed = None,
    as_json: AsJson = False,
) -> None:
    """Let the tariff count that the operator proposes, which must be this one."""
    from peerwatt.market.market_rules import Tariff

    with _supplier(deployment, chain, keystore, password_file, demo_seed) as supplier:
        receipt = supplier.accept_tariff(first, Tariff(retail, feed_in, network_fee))
    if as_json:
        print_json({"from": first, "transaction": receipt["transactionHash"].to_0x_hex()})
    else:
        say(f"the tariff counts from interval {first} on")


@contextmanager
def _supplier(
    deployment: Path, chain: str, keystore: Path | None, password_file: Path | None, demo_seed: int | None
) -> Iterator[Supplier]:
    """The supplier of a market, with its key.

    Raises:
        InputError: none or both kinds of key are named, or the key is not the supplier's.
    """
    from peerwatt.chain import Deployment, demo_account, open_network
    from peerwatt.client import Wallet
    from peerwatt.client.supplier import Supplier
    from peerwatt.market.ledger import SystemAccount

    number, market = int(SystemAccount.SUPPLIER), Deployment.load(deployment)
    if keystore is not None and demo_seed is None:
        key = opened(keystore, password_file)
    elif keystore is None and demo_seed is not None:
        key = demo_account(demo_seed, "system wallet", number)
    else:
        raise InputError("name either the --keystore of the supplier's key, or a --demo-seed")
    with open_network(chain) as network:
        yield Supplier(Wallet(network, market, key, number))
