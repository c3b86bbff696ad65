"""Deploying a market: its payment token, its registry, its grid gate, and the market itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from peerwatt.addresses import checked_address
from peerwatt.chain import (
    Creation,
    Deployed,
    Deployment,
    Network,
    Sender,
    deploy,
    load_artifact,
    require_room,
)
from peerwatt.market.market_rules import MarketConfig, Tariff

MARKET_GAS: Final = 7_900_000
"""What creating an `EnergyMarket` needs, with the contracts that its constructor creates: the most that one
transaction of a deployment does. Measured and rounded up; docs/nodes.md has all of them."""
SEALED_MARKET_GAS: Final = 9_000_000
"""The same of a market with a sealed phase."""


@dataclass(frozen=True)
class MarketRoles:
    """Who holds which role in a market, and whose wallet withdraws from which system account.

    Attributes:
        operator: registers and suspends participants, pauses new orders, schedules tariffs.
        metering_operator: its key signs attestations of readings.
        oracle_administrator: schedules the oracle committee.
        supplier: wallet of account 0.
        grid_operator: wallet of account 1.
        metering_account: wallet of account 2.
        community: wallet of account 3.
    """

    operator: ChecksumAddress
    metering_operator: ChecksumAddress
    oracle_administrator: ChecksumAddress
    supplier: ChecksumAddress
    grid_operator: ChecksumAddress
    metering_account: ChecksumAddress
    community: ChecksumAddress

    def __post_init__(self) -> None:
        for field in fields(self):
            checked_address(getattr(self, field.name), f"MarketRoles.{field.name}")

    @property
    def system_wallets(self) -> list[ChecksumAddress]:
        """Wallets of the four system accounts, in their order."""
        return [self.supplier, self.grid_operator, self.metering_account, self.community]


def require_market_room(network: Network, config: MarketConfig) -> None:
    """See whether a chain's blocks have room for a market, before anything is sent.

    Raises:
        OutOfGas: they have not; the line names the gas limit that is needed.
    """
    require_room(network, "EnergyMarket", SEALED_MARKET_GAS if config.is_sealed else MARKET_GAS)


def deploy_market(
    sender: Sender,
    config: MarketConfig,
    tariff: Tariff,
    roles: MarketRoles,
    committee: Sequence[ChecksumAddress],
    quorum: int,
    payment_token: ChecksumAddress | None = None,
    *,
    envelopes: bool = False,
) -> Deployment:
    """Deploy a market and what it stands on.

    Args:
        sender: who pays.
        config: the market's parameters.
        tariff: prices around the peer trade from the first interval on.
        roles: who may do what.
        committee: keys of the oracle committee.
        quorum: how many of them sign a report; more than two thirds.
        payment_token: an ERC-20 to pay with; without one a local token is deployed that anyone can print.
        envelopes: whether orders are held to the operating envelopes that the committee publishes.

    Raises:
        OutOfGas: the chain's blocks are too small for a market; nothing was sent.
        ContractReverted: a parameter is refused; the error names it.
    """
    require_market_room(sender.network, config)
    addresses: dict[str, ChecksumAddress] = {}
    creations: dict[str, Creation] = {}

    def created(name: str, *arguments: Any) -> Deployed:
        found = deploy(sender, name, *arguments)
        addresses[name], creations[name] = found.address, found.creation
        return found

    if payment_token is None:
        payment_token = created("PaymentToken").address
    addresses["PaymentToken"] = payment_token = checked_address(payment_token, "payment token")
    registry = created(
        "ParticipantRegistry",
        astuple(config),
        astuple(tariff),
        roles.operator,
        roles.metering_operator,
        roles.system_wallets,
    )
    gate = created(
        "GridGate",
        roles.oracle_administrator,
        config.interval_length,
        config.open_ahead,
        list(committee),
        quorum,
    )
    board = to_checksum_address(bytes(20))
    if envelopes:
        board = created("OperatingEnvelopes", registry.address, gate.address).address
    corrections = created("Corrections", registry.address).address
    market = created("EnergyMarket", registry.address, gate.address, payment_token, board, corrections)
    # What the market's constructor creates, with what it hands to each.
    parts: dict[str, tuple[Any, ...]] = {
        "EnergyToken": (market.address,),
        "Auction": (astuple(config),),
        "SignedReadings": (registry.address,),
    }
    if config.is_sealed:
        parts["SealedBatches"] = (registry.address, payment_token)
    views = market.contract.functions
    found = sender.network.read_many([getattr(views, name[0].lower() + name[1:])() for name in parts])
    for (name, arguments), address in zip(parts.items(), found, strict=True):
        addresses[name] = address
        creations[name] = Creation.of(load_artifact(name), market.address, market.block, arguments)
    return Deployment(sender.network.chain_id, registry.block, addresses, sender.address, creations)
