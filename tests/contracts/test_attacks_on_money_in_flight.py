"""What lies on a system account while an interval is settled batch by batch is others' money and energy."""

from dataclasses import replace

import pytest
from onchain import CONFIG, FIRST_INTERVAL, METERING_OPERATOR, OnChainMarket
from pair import MarketPair
from refusals import refused

from peerwatt.market import SystemAccount
from peerwatt.market.errors import AboveEnergyCredit, InFlight
from peerwatt.messages import (
    MeterAttestation,
    Reading,
    ReadingStatus,
    Side,
    Verdict,
    encode_readings,
    metered_hash,
)

INTERVAL = FIRST_INTERVAL
SELLERS, BUYERS = 0, 1


def traded_apart(pair: MarketPair, exported: int, delivered: int, interval: int = INTERVAL) -> None:
    """Account 4 sells 1,000 Wh to account 6; the seller's order is in one batch, the buyer's in another."""
    pair.time = CONFIG.start(interval) - 1000
    pair.post(interval, [pair.chain.order(interval, 4, (Side.SELL, 20, 1000))])
    pair.post(interval, [pair.chain.order(interval, 6, (Side.BUY, 40, 1000))])
    pair.time = CONFIG.gate_closure(interval)
    pair.clear(interval)
    pair.report(pair.chain.report_on(interval, Verdict.ACCEPT, 1000))
    readings = [
        encode_readings([Reading(ReadingStatus.ATTESTED, 0, exported)]),
        encode_readings([Reading(ReadingStatus.ATTESTED, 1000, 0)]),
    ]
    pair.time = CONFIG.end(interval)
    pair.attest(interval, readings, delivered, pair.chain.attestation(interval, readings, delivered))
    pair.time = CONFIG.readings_deadline(interval)


def test_the_communitys_wallet_takes_no_payment_that_is_in_flight(pair: MarketPair) -> None:
    """It withdrew what buyers had paid before sellers were settled, and the supplier stood for it."""
    traded_apart(pair, 1000, 1000)
    pair.settle(INTERVAL, BUYERS)
    paid = pair.twin.ledger[SystemAccount.COMMUNITY].cash
    assert paid == 1000 * 130
    for amount in (paid, 1, 0):
        with pytest.raises(InFlight):
            pair.withdraw(SystemAccount.COMMUNITY, amount)
    # Anybody ends it: what then remains is the community's own.
    pair.settle(INTERVAL, SELLERS)
    pair.deposit(SystemAccount.COMMUNITY, 7)
    pair.withdraw(SystemAccount.COMMUNITY, 7)
    pair.compare(INTERVAL)
    assert pair.twin.ledger.total_debt == 0


def test_every_interval_in_flight_stops_the_communitys_wallet_by_itself(pair: MarketPair) -> None:
    traded_apart(pair, 1000, 1000)
    traded_apart(pair, 1000, 1000, INTERVAL + 2)
    for interval in (INTERVAL, INTERVAL + 2):
        pair.settle(interval, BUYERS)
    pair.settle(INTERVAL + 2, SELLERS)
    with pytest.raises(InFlight):
        pair.withdraw(SystemAccount.COMMUNITY, 1)
    pair.settle(INTERVAL, SELLERS)
    pair.withdraw(SystemAccount.COMMUNITY, 0)


def test_the_grid_operators_wallet_takes_only_what_is_its_own(pair: MarketPair) -> None:
    """Fees are earned batch by batch, and nothing that comes later is paid from them."""
    traded_apart(pair, 1000, 1000)
    pair.settle(INTERVAL, BUYERS)
    pair.withdraw(SystemAccount.GRID_OPERATOR, 1000 * 20)
    pair.settle(INTERVAL, SELLERS)
    pair.compare(INTERVAL)
    assert pair.twin.ledger[SystemAccount.GRID_OPERATOR].cash == pair.twin.ledger.total_debt == 0


@pytest.mark.parametrize(
    ("delivered", "first"), [(1000, SELLERS), (0, BUYERS)], ids=["sellers settled first", "nothing attested"]
)
def test_the_metering_operators_wallet_takes_no_energy_out(
    pair: MarketPair, delivered: int, first: int
) -> None:
    """It took the buyers' energy: where all that it attested was true, and by attesting no delivery."""
    traded_apart(pair, 1000, delivered)
    for batch in (first, 1 - first):
        pair.settle(INTERVAL, batch)
        with pytest.raises(AboveEnergyCredit):
            pair.take_out_energy(SystemAccount.METERING_OPERATOR, 1)
    assert pair.twin.ledger.delivered == 1000
    if delivered:
        pair.take_out_energy(6, 1000)
    pair.compare(INTERVAL)


def test_an_attestation_of_the_same_readings_holds_for_no_other_records(market: OnChainMarket) -> None:
    """It named positions: where a reorganised chain held other orders there, it was taken for them."""
    sell = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    other = market.order(INTERVAL, 5, (Side.SELL, 20, 600))
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 0, 600)])]
    signatures, words = [], []
    for order in (sell, other):
        snapshot = market.network.snapshot()
        market.at(CONFIG.start(INTERVAL) - 1000)
        data = market.client.post(INTERVAL, [order]).data
        market.at(CONFIG.report_deadline(INTERVAL))
        market.client.clear(INTERVAL)
        market.client.expire(INTERVAL)
        words.append(market.client.batch_commitment(INTERVAL, 0))
        assert words[-1] == data.unread(INTERVAL, 0)
        attestation = MeterAttestation(INTERVAL, metered_hash(words[-1:], readings), 0)
        signatures.append(attestation.sign(market.domain, METERING_OPERATOR))
        if order is sell:
            market.network.revert(snapshot)
    market.at(CONFIG.end(INTERVAL))
    refused("NotAttestedByOperator", lambda: market.client.attest(INTERVAL, readings, 0, signatures[0]))
    market.client.attest(INTERVAL, readings, 0, signatures[1])
    market.at(CONFIG.readings_deadline(INTERVAL))
    market.client.settle(INTERVAL, 0, replace(data, readings=readings[0]))
