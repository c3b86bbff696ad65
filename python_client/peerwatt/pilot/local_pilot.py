"""A scenario's market on a node that is already running: what the scripts in `scripts/` work with.

Under Brownie the node is that of the active network; otherwise it is the one at `ETH_RPC_URL`. The keys are
the demonstration keys of the scenario's seed. Which scenario, whose wallet and how much comes from the
environment, because Brownie passes no arguments to a script:

    PEERWATT_SCENARIO      name or path: `brooklyn-10`
    PEERWATT_DEPLOYMENT    file that deploy.py writes and the others read: `deployments/<chain id>.json`
    PEERWATT_PARTICIPANT   name in participants.csv: the first
    PEERWATT_AMOUNT        of a deposit or withdrawal, in the currency
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from peerwatt.chain import Deployment, Network, Sender, open_network
from peerwatt.client import MarketClient, Wallet
from peerwatt.errors import InputError
from peerwatt.pilot.community import Participant
from peerwatt.pilot.keys import PilotKeys
from peerwatt.pilot.scenario import Scenario, load_scenario

DEFAULT_SCENARIO = "brooklyn-10"
DEFAULT_NODE = "http://127.0.0.1:8545"
UNITS = 1_000_000
"""Base units of one unit of the currency."""


@dataclass(frozen=True)
class LocalPilot:
    """A node, a scenario and its demonstration keys.

    Attributes:
        network: the node's chain.
        scenario: whose market it is.
        keys: of everybody.
        deployment_file: where the market's addresses are kept.
    """

    network: Network
    scenario: Scenario
    keys: PilotKeys
    deployment_file: Path

    @property
    def deployment(self) -> Deployment:
        """The market's contracts.

        Raises:
            InputError: it was not deployed.
        """
        return Deployment.load(self.deployment_file)

    @property
    def home(self) -> Participant:
        """The participant that is asked for.

        Raises:
            InputError: the scenario has none of that name.
        """
        homes = {home.name: home for home in self.scenario.participants}
        name = os.environ.get("PEERWATT_PARTICIPANT", next(iter(homes)))
        if name not in homes:
            raise InputError(
                f"PEERWATT_PARTICIPANT: {self.scenario.name} has no participant {name!r}; name one of "
                + ", ".join(homes)
            )
        return homes[name]

    def wallet(self) -> Wallet:
        """The participant's wallet."""
        account = self.home.account
        return Wallet(self.network, self.deployment, self.keys.wallet(account), account)

    def relayer(self) -> MarketClient:
        """The market through the relayer's key."""
        return MarketClient(self.network, self.deployment, Sender(self.network, self.keys.relayer))


@contextmanager
def local_pilot() -> Iterator[LocalPilot]:
    """Open the pilot that the environment names.

    Raises:
        PeerwattError: the scenario cannot be used, or nothing answers at the node's address.
    """
    scenario = load_scenario(os.environ.get("PEERWATT_SCENARIO", DEFAULT_SCENARIO))
    with open_network(node_address()) as network:
        file = Path(os.environ.get("PEERWATT_DEPLOYMENT", f"deployments/{network.chain_id}.json"))
        yield LocalPilot(network, scenario, PilotKeys(scenario.seed), file)


def node_address() -> str:
    """Address of the node: the active network's under Brownie, else `ETH_RPC_URL`."""
    try:
        from brownie import network as brownie_network  # type: ignore[import-not-found]
        from brownie import web3 as brownie_web3
    except ImportError:
        pass
    else:
        if brownie_network.is_connected():
            return str(brownie_web3.provider.endpoint_uri)
    return os.environ.get("ETH_RPC_URL", DEFAULT_NODE)


def amount() -> int:
    """`PEERWATT_AMOUNT` in base units.

    Raises:
        InputError: it is missing, or is no positive amount of whole base units.
    """
    text = os.environ.get("PEERWATT_AMOUNT", "")
    try:
        units = Decimal(text) * UNITS
    except InvalidOperation:
        units = Decimal(0)
    if units <= 0 or units != units.to_integral_value():
        raise InputError(
            f"PEERWATT_AMOUNT is {text!r}: give a positive amount with at most six decimals, such as 25.50"
        )
    return int(units)
