"""A small market on the embedded chain: one seller, one buyer, and everybody's keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from peerwatt.chain import Deployment, Network, Sender, open_network
from peerwatt.client import MarketClient, MarketRoles, Wallet, deploy_market
from peerwatt.client.market import Registration
from peerwatt.client.supplier import cover_with
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.participant_registry import Participant
from peerwatt.messages import (
    ZERO_HASH,
    MeterAttestation,
    NetworkReport,
    Order,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    Step,
    Verdict,
    encode_readings,
    metered_hash,
)
from peerwatt.replay.founding import ETHER_PER_KEY, cover_all, pay_in
from peerwatt.scenario.keys import PilotKeys

LENGTH = 900
FIRST = 1_600_000
SELLER, BUYER = 4, 5
CONFIG = MarketConfig(LENGTH, 300, 240, 300, 300, 90 * 86_400, 2, 8, 80, 1, 382, 100_000)
TARIFF = Tariff(retail=320, feed_in=82, network_fee=15)


@dataclass(frozen=True)
class SmallMarket:
    """The market and its parties."""

    network: Network
    deployment: Deployment
    keys: PilotKeys
    client: MarketClient

    def wallet(self, account: int) -> Wallet:
        return Wallet(self.network, self.deployment, self.keys.wallet(account), account)

    def orders(self, interval: int, quantity: int) -> list[SignedOrder]:
        """The seller's and the buyer's orders, at the same price."""
        orders = [
            Order(interval, SELLER, (Step(Side.SELL, 20, quantity),)),
            Order(interval, BUYER, (Step(Side.BUY, 20, quantity),)),
        ]
        keys, domain = self.keys, self.client.domain
        return [order.signed(domain, bytes(keys.order_key(order.participant).key)) for order in orders]

    def trade(self, interval: int, quantity: int, exported: int, imported: int) -> None:
        """One interval from posting to settlement: `quantity` Wh from the seller to the buyer."""
        client, keys = self.client, self.keys
        start = interval * LENGTH
        signed = self.orders(interval, quantity)
        self.network.set_next_timestamp(start - 400)
        posted = client.post(interval, signed)
        self.network.set_next_timestamp(start - 300)
        auction = client.clear(interval)
        report = NetworkReport(
            interval, Verdict.ACCEPT, quantity, 0, bytes(32), bytes(32), auction.clearing_hash, ZERO_HASH
        )
        signatures = b"".join(
            report.sign(client.domain, bytes(keys.committee_member(index).key)) for index in range(3)
        )
        client.report(report, [], 0b111, signatures)
        readings = encode_readings(
            [Reading(ReadingStatus.ATTESTED, 0, exported), Reading(ReadingStatus.ATTESTED, imported, 0)]
        )
        delivered = min(quantity, exported)
        metered = metered_hash([posted.data.unread(interval, 0)], [readings])
        attestation = MeterAttestation(interval, metered, delivered)
        signature = attestation.sign(client.domain, bytes(keys.metering_operator.key))
        self.network.set_next_timestamp(start + LENGTH)
        client.attest(interval, [readings], delivered, signature)
        self.network.set_next_timestamp(start + LENGTH + 600)
        client.settle(interval, 0, replace(posted.data, readings=readings))


@contextmanager
def open_small_market(chain: str = "eth-tester", config: MarketConfig = CONFIG) -> Iterator[SmallMarket]:
    """A market on a chain that is started here, a day before the first interval."""
    keys = PilotKeys(1)
    with open_network(chain, genesis_time=FIRST * LENGTH - 86_400) as network:
        network.fund({keys.operator.address: ETHER_PER_KEY})
        sender = Sender(network, keys.operator)
        roles = MarketRoles(
            keys.operator.address,
            keys.metering_operator.address,
            keys.operator.address,
            *(keys.system_wallet(account).address for account in range(4)),
        )
        committee = [keys.committee_member(index).address for index in range(4)]
        deployment = deploy_market(sender, config, TARIFF, roles, committee, 3)
        client = MarketClient(network, deployment, sender)
        newcomers = [
            Registration(
                keys.wallet(account).address,
                Participant(keys.order_key(account).address, keys.meter_key(account).address, 100, 100),
                node=account,
            )
            for account in (SELLER, BUYER)
        ]
        cover_all(network, deployment, keys.system_wallet(0), cover_with(client, newcomers))
        client.register(newcomers)
        market = SmallMarket(network, deployment, keys, client)
        for account in (SELLER, BUYER):
            pay_in(market.wallet(account), config.margin(100, 100) + 10_000_000)
        yield market


@pytest.fixture
def small_market() -> Iterator[SmallMarket]:
    with open_small_market() as market:
        yield market
