"""A scenario's market on a chain, and its reference twin: deployed, registered and funded alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount

from peerwatt.chain import Deployment, Network, Sender, send_together
from peerwatt.client import (
    MarketClient,
    MarketRoles,
    SealedPhase,
    Wallet,
    deploy_market,
    deposit_together,
    open_wallets,
)
from peerwatt.client.market import Registration
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.participant import Participant
from peerwatt.market.sealed_batches import SealedBatches
from peerwatt.market.twin import MarketTwin
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.participants import Participant as Home
from peerwatt.scenario.scenario import Scenario

ETHER_PER_KEY = 10 * 10**18
"""Wei given to every key that sends transactions: gas for far longer than a pilot on a local chain."""


@dataclass(frozen=True)
class PilotMarket:
    """A market that is ready to take its first order.

    Attributes:
        client: the market on chain, through the relayer's key.
        twin: the same market in plain Python.
        deposits: what each account started with, base units.
        sealed: the twin's sealed phase, where the market has one.
        purse: what the relayer has for bonds, base units.
    """

    client: MarketClient
    twin: MarketTwin
    deposits: tuple[int, ...]
    sealed: SealedBatches | None = None
    purse: int = 0


def deploy_scenario(network: Network, scenario: Scenario, keys: PilotKeys) -> Deployment:
    """Deploy a scenario's market and register its participants."""
    operator = keys.operator
    network.fund({operator.address: ETHER_PER_KEY})
    sender = Sender(network, operator)
    wallets = [keys.system_wallet(account).address for account in SystemAccount]
    roles = MarketRoles(operator.address, keys.metering_operator.address, operator.address, *wallets)
    committee = [keys.committee_member(index).address for index in range(scenario.committee.members)]
    deployment = deploy_market(
        sender,
        scenario.market,
        scenario.tariff,
        roles,
        committee,
        scenario.committee.quorum,
        envelopes=scenario.envelope,
    )
    MarketClient(network, deployment, sender).register(
        [
            Registration(keys.wallet(p.account).address, _registered(p, keys), scenario.feeder.node(p.node))
            for p in scenario.participants
        ]
    )
    return deployment


def open_market(network: Network, scenario: Scenario, keys: PilotKeys, intervals: int) -> PilotMarket:
    """Deploy a scenario's market, register and fund everybody, and set the twin up alike.

    Args:
        network: the chain.
        scenario: whose market.
        keys: of everybody.
        intervals: how many intervals the deposits shall last.
    """
    deployment = deploy_scenario(network, scenario, keys)
    network.fund({keys.relayer.address: ETHER_PER_KEY})
    client = MarketClient(network, deployment, Sender(network, keys.relayer))
    twin = MarketTwin(scenario.market, scenario.tariff, client.domain, keys.metering_operator.address)
    twin.register([_registered(p, keys) for p in scenario.participants])

    deposits = [0] * (len(SystemAccount) + len(scenario.participants))
    # The supplier pays for what is fed in before it is paid for what it delivers.
    generated = sum(sum(p.generation_wh[:intervals]) for p in scenario.participants)
    deposits[SystemAccount.SUPPLIER] = (
        twin.margin(SystemAccount.SUPPLIER) + scenario.tariff.feed_in * generated
    )
    for p in scenario.participants:
        deposits[p.account] = twin.margin(p.account) + scenario.market.margin_price * sum(
            p.demand_wh[:intervals]
        )

    owners: dict[int, LocalAccount] = {SystemAccount.SUPPLIER: keys.system_wallet(SystemAccount.SUPPLIER)}
    owners |= {p.account: keys.wallet(p.account) for p in scenario.participants}
    pay_in_all([(wallet, deposits[wallet.account]) for wallet in open_wallets(network, deployment, owners)])
    for account in owners:
        twin.deposit(account, deposits[account])
    if not scenario.market.is_sealed:
        return PilotMarket(client, twin, tuple(deposits))
    # One batch of every interval that takes orders at once.
    purse = scenario.market.bond * (scenario.market.open_ahead + 1)
    client.sender.send(client.payment_token.functions.mint(client.sender.address, purse))
    SealedPhase(client).allow_bonds()
    return PilotMarket(client, twin, tuple(deposits), SealedBatches(twin), purse)


def pay_in(wallet: Wallet, amount: int) -> None:
    """Print local tokens for a wallet and pay them into its account, base units; gas is on the house."""
    pay_in_all([(wallet, amount)])


def pay_in_all(payments: Sequence[tuple[Wallet, int]]) -> None:
    """As `pay_in`, for several wallets of one market."""
    network = payments[0][0].client.network
    senders = [wallet.client.sender for wallet, _ in payments]
    network.fund({sender.address: ETHER_PER_KEY for sender in senders})
    token = payments[0][0].client.payment_token.functions
    mints = [
        token.mint(sender.address, amount) for sender, (_, amount) in zip(senders, payments, strict=True)
    ]
    send_together(network, list(zip(senders, mints, strict=True)))
    deposit_together(payments)


def _registered(home: Home, keys: PilotKeys) -> Participant:
    return Participant(
        order_key=keys.order_key(home.account).address,
        meter_key=keys.meter_key(home.account).address,
        import_limit=home.import_limit,
        export_limit=home.export_limit,
    )
