"""A scenario's market on a node that is already running: what the scripts in `scripts/` work with.

Under Brownie the node is that of the active network; otherwise it is the one at `ETH_RPC_URL`. The keys are
the demonstration keys of the scenario's seed. `deploy.py` keeps the market's addresses in
`deployments/<chain id>.json`, where the other scripts find them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from peerwatt.chain import DEPLOYMENTS, Deployment, Network, Sender, brownie_url, open_network
from peerwatt.client import MarketClient, Wallet
from peerwatt.errors import InputError
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import BASE_UNITS_PER_CURRENCY

DEFAULT_SCENARIO = "brooklyn-10"
DEFAULT_NODE = "http://127.0.0.1:8545"


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

    def home(self, name: str) -> Participant:
        """A participant by name.

        Raises:
            InputError: the scenario has none of that name.
        """
        homes = {home.name: home for home in self.scenario.participants}
        if name not in homes:
            raise InputError(
                f"{self.scenario.name} has no participant {name!r}: name one of {', '.join(homes)}"
            )
        return homes[name]

    def wallet(self, home: Participant) -> Wallet:
        """A participant's wallet."""
        return Wallet(self.network, self.deployment, self.keys.wallet(home.account), home.account)

    def relayer(self) -> MarketClient:
        """The market through the relayer's key."""
        return MarketClient(self.network, self.deployment, Sender(self.network, self.keys.relayer))


@contextmanager
def local_pilot(scenario: str = DEFAULT_SCENARIO) -> Iterator[LocalPilot]:
    """Open the pilot of a scenario on the running node.

    Raises:
        PeerwattError: the scenario cannot be used, or nothing answers at the node's address.
    """
    found = load_scenario(scenario)
    with open_network(node_address()) as network:
        yield LocalPilot(network, found, PilotKeys(found.seed), DEPLOYMENTS / f"{network.chain_id}.json")


def node_address() -> str:
    """Address of the node: the active network's under Brownie, else `ETH_RPC_URL`."""
    return brownie_url() or os.environ.get("ETH_RPC_URL", DEFAULT_NODE)


def base_units(amount: str | int | float) -> int:
    """An amount of the currency in base units.

    Raises:
        InputError: it is not positive, or has more than six decimals.
    """
    try:
        units = Decimal(str(amount)) * BASE_UNITS_PER_CURRENCY
    except InvalidOperation:
        units = Decimal(0)
    if units <= 0 or units != units.to_integral_value():
        raise InputError(f"amount {amount!r}: give a positive one with at most six decimals, such as 25.50")
    return int(units)
