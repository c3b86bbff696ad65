"""A market on a local chain, with keys for everybody who takes part in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3.types import TxReceipt

from peerwatt.chain import Network, Sender, demo_account
from peerwatt.client import (
    BatchData,
    CorrectionBoard,
    EnvelopeBoard,
    MarketClient,
    MarketRoles,
    ProposedCorrection,
    correction_of,
    deploy_market,
)
from peerwatt.client.market import Registration
from peerwatt.market import FIRST_PARTICIPANT, MarketConfig, Participant, SystemAccount, Tariff
from peerwatt.messages import (
    ROSTER_PAGE,
    ZERO_HASH,
    Domain,
    EnvelopeLimits,
    MeterAttestation,
    MeterReading,
    NetworkReport,
    OperatingEnvelope,
    Order,
    Side,
    SignedOrder,
    SignedReading,
    Step,
    Verdict,
    address_of,
    decisions_hash,
    metered_hash,
)

CONFIG = MarketConfig(
    interval_length=900,
    gate_lead=300,
    report_window=240,
    attest_window=600,
    overrule_window=300,
    correction_window=86400,
    open_ahead=2,
    ring_size=8,
    base_price=100,
    tick_size=1,
    margin_price=400,
    max_loss_rate=50_000,
    correction_delay=3600,
    correction_cap=10**7,
)
TARIFF = Tariff(retail=300, feed_in=80, network_fee=20)
FIRST_INTERVAL = 1_600_000
"""The first interval that a test posts for; it begins in 2015."""
LIMIT = 40
"""Connection limit, units of 100 W: 1000 Wh per quarter-hour."""
METERING_OPERATOR = (99).to_bytes(32, "big")
ETHER = 10**18


def role(name: str) -> bytes:
    """What the contracts call a role."""
    return name.encode().ljust(32, b"\0")


def order_key(account: int) -> bytes:
    return (10_000 + account).to_bytes(32, "big")


def meter_key(account: int) -> bytes:
    return (200_000 + account).to_bytes(32, "big")


def committee_key(member: int) -> bytes:
    return (300 + member).to_bytes(32, "big")


def wallet(account: int) -> LocalAccount:
    """The owner of an account, participants' and system accounts' alike."""
    return Account.from_key((400_000 + account).to_bytes(32, "big"))


def participants(count: int, limit: int = LIMIT) -> list[Participant]:
    return [
        Participant(address_of(order_key(account)), address_of(meter_key(account)), limit, limit)
        for account in range(FIRST_PARTICIPANT, FIRST_PARTICIPANT + count)
    ]


def signed_order(
    domain: Domain,
    interval: int,
    account: int,
    steps: Iterable[tuple[Side, int, int]],
    key: bytes | None = None,
) -> SignedOrder:
    order = Order(interval, account, tuple(Step(*step) for step in steps))
    return order.signed(domain, order_key(account) if key is None else key)


class OnChainMarket:
    """A deployed market and its participants; account 4 is the first of them.

    Attributes:
        client: the market, through a relayer that is nobody in it but its operator and oracle administrator.
        quorum: how many of the committee sign.
        size: how many participants it began with.
        limit: of their connections, units of 100 W.
    """

    def __init__(
        self,
        network: Network,
        size: int,
        *,
        config: MarketConfig = CONFIG,
        limit: int = LIMIT,
        committee: int = 4,
        quorum: int = 3,
        funded: bool = True,
        payment_token: ChecksumAddress | None = None,
        envelopes: bool = False,
    ) -> None:
        self.network, self.config, self.quorum = network, config, quorum
        self.size, self.limit = size, limit
        self.sender = Sender(network, demo_account("contracts", "relayer"))
        network.fund({self.sender.address: 1000 * ETHER})
        roles = MarketRoles(
            operator=self.sender.address,
            metering_operator=address_of(METERING_OPERATOR),
            oracle_administrator=self.sender.address,
            supplier=wallet(0).address,
            grid_operator=wallet(1).address,
            metering_account=wallet(2).address,
            community=wallet(3).address,
        )
        members = [address_of(committee_key(member)) for member in range(committee)]
        self.deployment = deploy_market(
            self.sender, config, TARIFF, roles, members, quorum, payment_token, envelopes=envelopes
        )
        self.client = MarketClient(network, self.deployment, self.sender)
        self.register(participants(size, limit))
        token = self.client.payment_token.functions
        self.sender.send(token.mint(self.sender.address, 10**18))
        self.sender.send(token.approve(self.client.market.address, 2**256 - 1))
        if funded:
            self.fund()

    def register(self, newcomers: Sequence[Participant]) -> None:
        """Register participants; the supplier covers just these and who is registered."""
        self.cover(newcomers)
        self.register_within_cover(newcomers)

    def cover(self, newcomers: Sequence[Participant] = ()) -> None:
        """Let the supplier stand for some more participants, and for nobody else who is not registered."""
        registry = self.client.registry.functions
        more = sum(
            self.config.energy_limit(limit)
            for newcomer in newcomers
            for limit in (newcomer.import_limit, newcomer.export_limit)
        )
        registered = registry.totalEnergyLimit().call()
        self.as_wallet(SystemAccount.SUPPLIER).sender.send(registry.setSupplierCover(registered + more))

    def register_within_cover(self, newcomers: Sequence[Participant]) -> None:
        first = self.client.account_count()
        for start in range(0, len(newcomers), 128):
            self.client.register(
                [
                    Registration(wallet(first + start + offset).address, newcomer, node=offset)
                    for offset, newcomer in enumerate(newcomers[start : start + 128])
                ]
            )

    def fund(self, times: int = 2) -> None:
        """Give every account a multiple of the margin that it needs."""
        market = self.client.market.functions
        accounts = range(FIRST_PARTICIPANT, FIRST_PARTICIPANT + self.size)
        calls = [market.deposit(account, times * self.margin(account)) for account in accounts]
        self.sender.send_all([*calls, market.deposit(0, times * self.margin(SystemAccount.SUPPLIER))])

    def margin(self, account: int) -> int:
        return int(self.client.market.functions.marginOf(account).call())

    @property
    def domain(self) -> Domain:
        return self.client.domain

    def as_wallet(self, account: int) -> MarketClient:
        """The market through an account's own wallet."""
        key = wallet(account)
        self.network.fund({key.address: ETHER})
        return MarketClient(self.network, self.deployment, Sender(self.network, key))

    def at(self, timestamp: int) -> None:
        """Let the next transaction be mined at `timestamp`."""
        self.network.set_next_timestamp(timestamp)

    def order(self, interval: int, account: int, *steps: tuple[Side, int, int]) -> SignedOrder:
        return signed_order(self.domain, interval, account, steps)

    def report_on(
        self,
        interval: int,
        verdict: Verdict,
        volume: int,
        decisions: Sequence[bytes] = (),
        loss_rate: int = 0,
    ) -> NetworkReport:
        return NetworkReport(
            interval,
            verdict,
            volume,
            loss_rate,
            b"\x11" * 32,
            b"\x22" * 32,
            self.client.clearing_hash(interval),
            decisions_hash(decisions),
        )

    def quorum_of(self, report: NetworkReport, members: Sequence[int] | None = None) -> tuple[int, bytes]:
        """The signers' bits and their signatures, by the first members unless others are named."""
        signers = range(self.quorum) if members is None else members
        signatures = [report.sign(self.domain, committee_key(member)) for member in signers]
        return sum(1 << member for member in signers), b"".join(signatures)

    def envelope(
        self, interval: int, limits: Mapping[int, tuple[int, int]], page: int = 0
    ) -> OperatingEnvelope:
        """An envelope of one page: import and export limits by account, units of 100 W; for everybody else
        what the connection can carry."""
        accounts = range(page * ROSTER_PAGE, min((page + 1) * ROSTER_PAGE, FIRST_PARTICIPANT + self.size))
        connection = {account: (LIMIT, LIMIT) for account in accounts if account >= FIRST_PARTICIPANT}
        entries = [EnvelopeLimits(*(connection | dict(limits)).get(account, (0, 0))) for account in accounts]
        return OperatingEnvelope(interval, page, b"\x11" * 32, b"\x22" * 32, tuple(entries))

    @property
    def board(self) -> EnvelopeBoard:
        return EnvelopeBoard(self.client)

    def quorum_on(
        self, envelope: OperatingEnvelope, members: Sequence[int] = (0, 1, 2), domain: Domain | None = None
    ) -> tuple[int, bytes]:
        """The signers' bits and their signatures under an envelope."""
        made_for = domain or self.board.domain
        signatures = [envelope.sign(made_for, committee_key(member)) for member in members]
        return sum(1 << member for member in members), b"".join(signatures)

    def publish(self, envelope: OperatingEnvelope) -> None:
        self.board.publish(envelope, *self.quorum_on(envelope))

    def report(
        self,
        interval: int,
        verdict: Verdict,
        volume: int,
        decisions: Sequence[bytes] = (),
        loss_rate: int = 0,
    ) -> None:
        report = self.report_on(interval, verdict, volume, decisions, loss_rate)
        self.client.report(report, decisions, *self.quorum_of(report))

    def attestation(
        self, interval: int, readings: Sequence[bytes], delivered: int, domain: Domain | None = None
    ) -> bytes:
        """The metering operator's signature over readings of batches that have none yet."""
        batches = self.client.interval(interval).batches
        words = [
            self.client.batch_commitment(interval, batch) if batch < batches else ZERO_HASH
            for batch in range(len(readings))
        ]
        message = MeterAttestation(interval, metered_hash(words, readings), delivered)
        return message.sign(domain or self.domain, METERING_OPERATOR)

    def correction(
        self, interval: int, batch: int, data: BatchData, run: int, readings: bytes, delivered: int
    ) -> bytes:
        """The metering operator's signature over corrected readings of a batch."""
        said = correction_of(interval, batch, data, run, delivered, readings)
        return said.sign(self.domain, METERING_OPERATOR)

    def reading(
        self, interval: int, account: int, imported: int, exported: int
    ) -> tuple[MeterReading, bytes]:
        """What an account's meter recorded, and its signature."""
        message = MeterReading(interval, account, imported, exported, 10**9, 10**9)
        return message, message.sign(self.domain, meter_key(account))

    def correct(
        self,
        interval: int,
        batch: int,
        data: BatchData,
        settled_by: tuple[int, int],
        run: int,
        readings: bytes,
        delivered: int,
    ) -> TxReceipt:
        """Propose a correction under the metering operator's signature, and book it after its delay."""
        proposed = self.propose(interval, batch, data, run, readings, delivered)
        self.at(proposed.since)
        return self.client.correct(interval, batch, data, settled_by, run, delivered, readings)

    @property
    def corrections(self) -> CorrectionBoard:
        return CorrectionBoard(self.client)

    def propose(
        self, interval: int, batch: int, data: BatchData, run: int, readings: bytes, delivered: int
    ) -> ProposedCorrection:
        """Propose a correction under the metering operator's signature."""
        signature = self.correction(interval, batch, data, run, readings, delivered)
        return self.corrections.propose(interval, batch, data, run, delivered, readings, signature)

    def signed_reading(
        self, interval: int, position: int, account: int, imported: int, exported: int
    ) -> SignedReading:
        registers = (max(10**9, imported), max(10**9, exported))
        message = MeterReading(interval, account, imported, exported, *registers)
        return message.signed(position, self.domain, meter_key(account))

    def traded(self, interval: int = FIRST_INTERVAL) -> list[BatchData]:
        """Sellers 4 and 5 sell 600 and 400 Wh to buyers 6 and 7 in two batches; the interval is cleared."""
        self.at(self.config.start(interval) - 1000)
        first = [self.order(interval, 4, (Side.SELL, 20, 600)), self.order(interval, 6, (Side.BUY, 40, 500))]
        second = [self.order(interval, 5, (Side.SELL, 20, 400)), self.order(interval, 7, (Side.BUY, 40, 500))]
        batches = [self.client.post(interval, orders).data for orders in (first, second)]
        self.at(self.config.gate_closure(interval))
        self.client.clear(interval)
        return batches

    def settled(self, interval: int = FIRST_INTERVAL) -> tuple[list[BatchData], list[tuple[int, int]]]:
        """The same, accepted and settled without readings; what each batch was settled by comes with it."""
        batches = self.traded(interval)
        self.report(interval, Verdict.ACCEPT, 1000)
        self.at(self.config.readings_deadline(interval))
        receipts = [self.client.settle(interval, number, batch) for number, batch in enumerate(batches)]
        return batches, [self.client.settlement_terms(receipt) for receipt in receipts]


def with_readings(batches: Sequence[BatchData], readings: Sequence[bytes]) -> list[BatchData]:
    return [replace(batch, readings=packed) for batch, packed in zip(batches, readings, strict=True)]
