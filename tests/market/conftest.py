"""A small market: two sellers, two buyers, and keys for everybody."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from peerwatt.market import MarketConfig, MarketTwin, Participant, SystemAccount, Tariff
from peerwatt.messages import (
    ZERO_HASH,
    Domain,
    MeterAttestation,
    MeterCorrection,
    MeterReading,
    NetworkReport,
    Order,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    SignedReading,
    Step,
    Verdict,
    address_of,
    decisions_hash,
    encode_readings,
    metered_commitment,
    metered_hash,
)

CONFIG = MarketConfig(
    interval_length=900,
    gate_lead=300,
    report_window=240,
    attest_window=3600,
    overrule_window=1800,
    correction_window=30 * 86400,
    open_ahead=4,
    ring_size=16,
    base_price=100,
    tick_size=1,
    margin_price=400,
    max_loss_rate=50_000,
    correction_cap=10**7,
)
TARIFF = Tariff(retail=300, feed_in=80, network_fee=20)
DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
OPERATOR_KEY = (99).to_bytes(32, "big")
LIMIT = 40
"""Connection limit, units of 100 W: 1000 Wh per quarter-hour."""


def order_key(account: int) -> bytes:
    return (1000 + account).to_bytes(32, "big")


def meter_key(account: int) -> bytes:
    return (2000 + account).to_bytes(32, "big")


@dataclass
class Neighbourhood:
    """A funded twin and the keys of all who take part."""

    interval: int = 2_000_000
    size: int = 4
    twin: MarketTwin = field(init=False)

    def __post_init__(self) -> None:
        self.twin = MarketTwin(CONFIG, TARIFF, DOMAIN, address_of(OPERATOR_KEY))
        for _ in range(self.size):
            self.join()
        self.twin.deposit(SystemAccount.SUPPLIER, 2 * self.twin.margin(SystemAccount.SUPPLIER))

    def join(self) -> int:
        """Register the next participant, with its margin."""
        account = len(self.twin.ledger)
        self.twin.register(
            [Participant(address_of(order_key(account)), address_of(meter_key(account)), LIMIT, LIMIT)]
        )
        self.twin.deposit(account, self.twin.margin(account))
        return account

    def order(self, account: int, *steps: tuple[Side, int, int], interval: int | None = None) -> SignedOrder:
        order = Order(interval or self.interval, account, tuple(Step(*step) for step in steps))
        return order.signed(DOMAIN, order_key(account))

    def network_report(
        self, verdict: Verdict, volume: int, decisions: Sequence[bytes] = (), loss_rate: int = 0
    ) -> NetworkReport:
        return NetworkReport(
            self.interval,
            verdict,
            volume,
            loss_rate,
            bytes(32),
            bytes(32),
            self.twin.interval(self.interval).clearing_hash,
            decisions_hash(decisions),
        )

    def attestation(self, readings: Sequence[bytes], delivered: int) -> bytes:
        words = [batch.unread for batch in self.twin.interval(self.interval).batches[: len(readings)]]
        message = MeterAttestation(self.interval, metered_hash(words, readings), delivered)
        return message.sign(DOMAIN, OPERATOR_KEY)

    def signed_reading(self, position: int, account: int, imported: int, exported: int) -> SignedReading:
        message = MeterReading(self.interval, account, imported, exported, 10**9, 10**9)
        return message.signed(position, DOMAIN, meter_key(account))

    def traded(self) -> None:
        """Sellers 4 and 5 sell 600 and 400 Wh to buyers 6 and 7; the grid accepts."""
        self.twin.post(
            self.interval,
            [self.order(4, (Side.SELL, 20, 600)), self.order(6, (Side.BUY, 40, 500))],
        )
        self.twin.post(
            self.interval,
            [self.order(5, (Side.SELL, 20, 400)), self.order(7, (Side.BUY, 40, 500))],
        )
        self.twin.clear(self.interval)
        self.twin.report(self.network_report(Verdict.ACCEPT, 1000))

    def attested(self, *batches: Sequence[tuple[int, int]], delivered: int) -> None:
        """Attest (imported, exported) of every order of every batch."""
        readings = [packed(batch) for batch in batches]
        self.twin.attest(
            self.interval,
            readings,
            delivered,
            self.attestation(readings=readings, delivered=delivered),
        )

    def correction(
        self, batch: int, run: int, read: Sequence[tuple[int, int]], delivered: int, now: int | None = None
    ) -> tuple[int, int, int, int, bytes]:
        """Propose (imported, exported) of every order of a batch; returns what ``correct`` takes."""
        readings, place = packed(read), (self.interval, batch, run, delivered)
        signature = self.signature(batch, run, readings, delivered)
        self.twin.corrections.propose(*place, self._unread(batch), readings, signature, now=now)
        return *place, readings

    def said(self, interval: int, batch: int, run: int, delivered: int, readings: bytes) -> MeterCorrection:
        """What the metering operator signs of a correction."""
        return MeterCorrection(
            interval, batch, run, metered_commitment(self._unread(batch), readings), delivered
        )

    def signature(self, batch: int, run: int, readings: bytes, delivered: int) -> bytes:
        return self.said(self.interval, batch, run, delivered, readings).sign(DOMAIN, OPERATOR_KEY)

    def meters_signature(self, reading: MeterReading, account: int) -> bytes:
        return reading.sign(DOMAIN, meter_key(account))

    def _unread(self, batch: int) -> bytes:
        batches = self.twin.interval(self.interval).batches
        return batches[batch].unread if batch < len(batches) else ZERO_HASH

    def balances(self) -> list[tuple[int, int]]:
        ledger = self.twin.ledger
        return [(ledger[account].cash, ledger[account].energy) for account in range(len(ledger))]


def packed(batch: Sequence[tuple[int, int]]) -> bytes:
    return encode_readings(Reading(ReadingStatus.ATTESTED, *reading) for reading in batch)


@pytest.fixture
def neighbourhood() -> Neighbourhood:
    return Neighbourhood()


@pytest.fixture(scope="session")
def neighbourhood_type() -> type[Neighbourhood]:
    """To make as many as a property needs."""
    return Neighbourhood
