"""Founding a scenario's market on a chain: deployed by its operator, participants registered and funded."""

from __future__ import annotations

from collections.abc import Sequence

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
    require_market_room,
)
from peerwatt.client.market import Registration
from peerwatt.client.supplier import Supplier, cover_with, lacking
from peerwatt.market.ledger import SystemAccount
from peerwatt.market.participant_registry import Participant
from peerwatt.roles.operator import Operator
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.participants import Participant as Home
from peerwatt.scenario.scenario import Scenario

ETHER_PER_KEY = 10 * 10**18
"""Wei given to every key that sends transactions: gas for far longer than a pilot on a local chain."""


def deploy_scenario(network: Network, scenario: Scenario, keys: PilotKeys) -> Deployment:
    """Deploy a scenario's market and register its participants."""
    require_market_room(network, scenario.market)
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
    client = MarketClient(network, deployment, sender)
    newcomers = [
        Registration(
            keys.wallet(participant.account).address,
            _registered(participant, keys),
            scenario.feeder.node(participant.node),
        )
        for participant in scenario.participants
    ]
    cover_all(network, deployment, keys.system_wallet(SystemAccount.SUPPLIER), cover_with(client, newcomers))
    role = Operator(client)
    for newcomer in newcomers:
        role.accept(newcomer)
    role.step(network.latest_timestamp())
    return deployment


def cover_all(network: Network, deployment: Deployment, key: LocalAccount, cover: int) -> None:
    """Let a supplier stand for so many Wh of connections, in local tokens that are printed first."""
    wallet = Wallet(network, deployment, key, SystemAccount.SUPPLIER)
    network.fund({key.address: ETHER_PER_KEY})
    amount = lacking(wallet.client, cover)
    wallet.client.sender.send(wallet.client.payment_token.functions.mint(key.address, amount))
    Supplier(wallet).cover(cover)


def fund_market(
    network: Network, scenario: Scenario, deployment: Deployment, keys: PilotKeys, intervals: int
) -> None:
    """Pay in what the supplier and the participants need, and give the relayer its bonds.

    Args:
        network: the chain.
        scenario: whose market.
        deployment: the market's contracts.
        keys: of everybody.
        intervals: how many intervals the deposits shall last.
    """
    network.fund({keys.relayer.address: ETHER_PER_KEY})
    client = MarketClient(network, deployment, Sender(network, keys.relayer))
    market, supplier = scenario.market, SystemAccount.SUPPLIER
    # Its margin the supplier paid in when it covered them.
    amounts = deposits(scenario, intervals, 0)
    owners = {participant.account: keys.wallet(participant.account) for participant in scenario.participants}
    owners[int(supplier)] = keys.system_wallet(supplier)
    wallets = open_wallets(network, deployment, owners)
    pay_in_all([(wallet, amounts[wallet.account]) for wallet in wallets])
    if market.is_sealed:
        # One batch of every interval that takes orders at once.
        purse = market.bond * (market.open_ahead + 1)
        client.sender.send(client.payment_token.functions.mint(client.sender.address, purse))
        SealedPhase(client).allow_bonds()


def deposits(scenario: Scenario, intervals: int, supplier_margin: int) -> dict[int, int]:
    """What accounts need for some of a scenario's intervals, base units.

    Args:
        scenario: the scenario.
        intervals: how many, from its first on.
        supplier_margin: what the supplier must hold.
    """
    market = scenario.market
    # The supplier pays for what is fed in before it is paid for what it delivers.
    generated = sum(sum(participant.generation_wh[:intervals]) for participant in scenario.participants)
    found = {int(SystemAccount.SUPPLIER): supplier_margin + scenario.tariff.feed_in * generated}
    for participant in scenario.participants:
        margin = market.margin(participant.import_limit, participant.export_limit)
        found[participant.account] = margin + market.margin_price * sum(participant.demand_wh[:intervals])
    return found


def fund_roles(network: Network, scenario: Scenario, keys: PilotKeys) -> None:
    """Give every key that a role sends transactions with its ether."""
    for paying in (
        (keys.relayer, keys.keeper, keys.metering_operator),
        [keys.committee_member(index) for index in range(scenario.committee.members)],
    ):
        network.fund({key.address: ETHER_PER_KEY for key in paying})


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


def _registered(participant: Home, keys: PilotKeys) -> Participant:
    return Participant(
        order_key=keys.order_key(participant.account).address,
        meter_key=keys.meter_key(participant.account).address,
        import_limit=participant.import_limit,
        export_limit=participant.export_limit,
    )
