"""What the metering operator's corrections can move, with an accomplice, and what stands against them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from eth_account import Account
from onchain import CONFIG, ETHER, FIRST_INTERVAL, METERING_OPERATOR, OnChainMarket, meter_key, role, wallet
from pair import MarketPair
from refusals import refused, tried_at

from peerwatt.chain import Sender, deploy, open_network
from peerwatt.client import BatchData, CorrectionBoard, MarketClient, correction_of
from peerwatt.market import SystemAccount
from peerwatt.market.errors import (
    AboveCorrectionCap,
    AlreadyContested,
    AlreadyProposed,
    ContestedReading,
    IsCancelled,
    MeterSignedReading,
    NotProposed,
    NotSignedByMeter,
    OldRun,
    SupplierShort,
    TooEarly,
)
from peerwatt.messages import Domain, Reading, ReadingStatus, Side, Verdict, encode_readings

INTERVAL = FIRST_INTERVAL
SELLER, BUYER = 4, 6
LITTLE = replace(CONFIG, correction_window=4 * 86_400, correction_cap=100_000)
FUSE = 1000
"""What a connection carries in an interval, Wh, in either direction."""


def readings_of(*read: tuple[int, int]) -> bytes:
    return encode_readings(Reading(ReadingStatus.ATTESTED, *each) for each in read)


TRUE = readings_of((0, 600), (600, 0))
"""What the meters of `settled` recorded."""


def settled(pair: MarketPair, interval: int = INTERVAL) -> None:
    """Account 4 sold 600 Wh to account 6, delivered and drew them; the interval is attested and settled."""
    pair.time = CONFIG.start(interval) - 1000
    sell, buy = (Side.SELL, 20, 600), (Side.BUY, 40, 600)
    pair.post(interval, [pair.chain.order(interval, SELLER, sell), pair.chain.order(interval, BUYER, buy)])
    pair.time = CONFIG.gate_closure(interval)
    pair.report(pair.chain.report_on(interval, Verdict.ACCEPT, pair.clear(interval)))
    pair.time = CONFIG.end(interval)
    pair.attest(interval, [TRUE], 600, pair.chain.attestation(interval, [TRUE], 600))
    pair.time = CONFIG.readings_deadline(interval)
    pair.settle(interval, 0)


@pytest.fixture(scope="module")
def capped() -> Iterator[OnChainMarket]:
    """A market whose corrections move 100,000 base units a day."""
    with open_network() as network:
        yield OnChainMarket(network, 4, config=LITTLE)


@pytest.fixture
def bounded(capped: OnChainMarket) -> Iterator[MarketPair]:
    snapshot = capped.network.snapshot()
    yield MarketPair(capped)
    capped.network.revert(snapshot)


# How much


def test_an_accomplice_gains_no_more_a_day_than_the_cap(bounded: MarketPair) -> None:
    """475 corrections in one second moved all that the supplier had to one account. Here the accomplice's
    exports rise from 600 to 1,000 Wh, at feed-in 32,000 base units, in each of six intervals."""
    intervals = range(INTERVAL, INTERVAL + 24, 4)
    for interval in intervals:
        settled(bounded, interval)
    lie = readings_of((0, FUSE), (600, 0))
    for interval in intervals:
        bounded.propose(interval, 0, 2, 600, lie)
    day = 86_400
    bounded.time = (bounded.time // day + 1) * day
    before = bounded.twin.ledger[SELLER].cash
    for _ in range(2):
        booked = 0
        for interval in intervals:
            try:
                bounded.book(interval, 0, 2, 600, lie)
            except (AboveCorrectionCap, OldRun):
                continue
            booked += 1
        assert booked == 3
        bounded.time = (bounded.time // day + 1) * day
    assert bounded.twin.ledger[SELLER].cash - before == 6 * 32_000
    bounded.compare_accounts()


def test_what_one_loses_does_not_pay_for_what_another_gains(bounded: MarketPair) -> None:
    """The supplier comes out even, so a cap on its loss alone would let this pass without end."""
    settled(bounded)
    assert 400 * 80 + 107 * 300 < 100_000 < 400 * 80 + 400 * 300
    bounded.correct(INTERVAL, 0, 2, 600, readings_of((0, FUSE), (707, 0)))
    with pytest.raises(AboveCorrectionCap):
        bounded.correct(INTERVAL, 0, 3, 600, readings_of((0, FUSE), (FUSE, 0)))


def test_the_cap_counts_over_all_batches_and_back_and_forth(bounded: MarketPair) -> None:
    settled(bounded)
    up, left = readings_of((0, FUSE), (600, 0)), 100_000
    for run in (2, 3, 4):
        bounded.correct(INTERVAL, 0, run, 600, up if run % 2 == 0 else TRUE)
        left -= 32_000
        assert bounded.chain.corrections.left() == bounded.twin.corrections.left() == left
    with pytest.raises(AboveCorrectionCap):
        bounded.correct(INTERVAL, 0, 5, 600, TRUE)


def test_the_supplier_keeps_the_margin_that_it_holds_for_others(pair: MarketPair) -> None:
    """It was left with no more than nothing, margins of open intervals included, which then were not paid."""
    settled(pair)
    free = pair.twin.free_balance(SystemAccount.SUPPLIER)
    pair.withdraw(SystemAccount.SUPPLIER, free)
    lie = readings_of((0, FUSE), (600, 0))
    pair.propose(INTERVAL, 0, 2, 600, lie)
    pair.time += CONFIG.correction_delay
    with pytest.raises(SupplierShort):
        pair.book(INTERVAL, 0, 2, 600, lie)
    pair.deposit(SystemAccount.SUPPLIER, 400 * 80 - 1)
    with pytest.raises(SupplierShort):
        pair.book(INTERVAL, 0, 2, 600, lie)
    pair.deposit(SystemAccount.SUPPLIER, 1)
    pair.book(INTERVAL, 0, 2, 600, lie)
    assert pair.twin.free_balance(SystemAccount.SUPPLIER) == 0
    pair.compare_accounts()


def test_a_connections_limit_bounds_every_reading(pair: MarketPair) -> None:
    settled(pair)
    before = pair.twin.ledger[SELLER].cash
    pair.correct(INTERVAL, 0, 2, 600, readings_of((0, (1 << 31) - 1), (600, 0)))
    assert pair.twin.ledger[SELLER].cash - before == (FUSE - 600) * 80


# When


def test_nothing_is_booked_within_its_delay(pair: MarketPair) -> None:
    settled(pair)
    lie = readings_of((0, FUSE), (600, 0))
    with pytest.raises(NotProposed):
        pair.book(INTERVAL, 0, 2, 600, lie)
    pair.propose(INTERVAL, 0, 2, 600, lie)
    since = pair.chain.network.latest_timestamp() + CONFIG.correction_delay
    pair.time = since - 1
    with pytest.raises(TooEarly):
        pair.book(INTERVAL, 0, 2, 600, lie)
    # Proposing it again neither shortens nor prolongs the delay.
    pair.chain.network.advance_to(since - 1)
    with pytest.raises(AlreadyProposed):
        pair.propose(INTERVAL, 0, 2, 600, lie)
    pair.book(INTERVAL, 0, 2, 600, lie)


def test_nothing_is_proposed_before_meters_could_have_overruled(market: OnChainMarket) -> None:
    """Or a delay would pass while nobody's meter has a reading to show."""
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    proposal = (INTERVAL, 0, batches[0], 2, TRUE, 600)
    first, closes = CONFIG.readings_deadline(INTERVAL), CONFIG.correction_deadline(INTERVAL)
    tried_at(market, first - 1, "TooEarly", lambda: market.propose(*proposal))
    tried_at(market, first, None, lambda: market.propose(*proposal))
    tried_at(market, closes, "TooLate", lambda: market.propose(*proposal))
    for number in (0, INTERVAL + 1):
        tried_at(
            market,
            first,
            "TooLate" if number == 0 else "TooEarly",
            lambda number=number: market.propose(number, 0, batches[0], 2, TRUE, 600),
        )


def test_what_is_proposed_in_the_last_second_loses_nothing_of_its_windows(market: OnChainMarket) -> None:
    """It has its whole delay to be contradicted in, and as long again to be booked in."""
    batches, settled_by = market.settled()
    closes, delay = CONFIG.correction_deadline(INTERVAL), CONFIG.correction_delay
    market.at(closes - 1)
    assert market.propose(INTERVAL, 0, batches[0], 2, TRUE, 600).since == closes - 1 + delay
    booking = (INTERVAL, 0, batches[0], settled_by[0], 2, 600, TRUE)
    for second, error in ((closes + delay - 2, "TooEarly"), (closes + 2 * delay - 1, None)):
        tried_at(market, second, error, lambda: market.client.correct(*booking))
    tried_at(market, closes + 2 * delay, "TooLate", lambda: market.client.correct(*booking))


# Meters


def test_a_meter_has_a_word_against_every_correction(pair: MarketPair) -> None:
    """A buyer whose attested reading was right kept silent, and was charged its fuse 80 days later."""
    settled(pair)
    for run, lie in ((2, (FUSE, 0)), (3, (601, 0)), (4, (600, 1))):
        pair.propose(INTERVAL, 0, run, 600, readings_of((0, 600), lie))
    pair.contest(*pair.chain.reading(INTERVAL, BUYER, 600, 0))
    # Also against one that is proposed after it has spoken.
    pair.propose(INTERVAL, 0, 5, 600, readings_of((0, 600), (FUSE, 0)))
    pair.time += CONFIG.correction_delay
    for run, lie in ((2, (FUSE, 0)), (3, (601, 0)), (4, (600, 1)), (5, (FUSE, 0))):
        with pytest.raises(ContestedReading):
            pair.book(INTERVAL, 0, run, 600, readings_of((0, 600), lie))
    # What it says itself may be booked, and what leaves it alone.
    pair.correct(INTERVAL, 0, 6, 600, readings_of((0, 700), (600, 0)))


def test_no_correction_makes_a_meters_word_missing(pair: MarketPair) -> None:
    settled(pair)
    pair.contest(*pair.chain.reading(INTERVAL, SELLER, 0, 0))
    gone = encode_readings([Reading(ReadingStatus.MISSING, 0, 0), Reading(ReadingStatus.ATTESTED, 600, 0)])
    with pytest.raises(ContestedReading):
        pair.correct(INTERVAL, 0, 2, 0, gone)


def test_a_meter_that_was_silent_may_contest_and_one_that_overruled_need_not(pair: MarketPair) -> None:
    """Nobody attested: the seller's meter overruled, the buyer's did not speak."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    sell, buy = (Side.SELL, 20, 600), (Side.BUY, 40, 600)
    pair.post(INTERVAL, [pair.chain.order(INTERVAL, SELLER, sell), pair.chain.order(INTERVAL, BUYER, buy)])
    pair.time = CONFIG.gate_closure(INTERVAL)
    pair.report(pair.chain.report_on(INTERVAL, Verdict.ACCEPT, pair.clear(INTERVAL)))
    pair.time = CONFIG.attest_deadline(INTERVAL)
    pair.overrule(INTERVAL, 0, [pair.chain.signed_reading(INTERVAL, 0, SELLER, 0, 600)])
    pair.time = CONFIG.readings_deadline(INTERVAL)
    pair.settle(INTERVAL, 0)
    own = Reading(ReadingStatus.METER_SIGNED, 0, 600)
    with pytest.raises(MeterSignedReading):
        pair.correct(INTERVAL, 0, 2, 0, readings_of((0, 0), (600, 0)))
    for status in (ReadingStatus.METER_SIGNED, ReadingStatus.RESERVED):
        claimed = encode_readings([own, Reading(status, FUSE, 0)])
        with pytest.raises(MeterSignedReading):
            pair.correct(INTERVAL, 0, 3, 600, claimed)
    pair.contest(*pair.chain.reading(INTERVAL, BUYER, 600, 0))
    with pytest.raises(ContestedReading):
        pair.correct(INTERVAL, 0, 4, 600, encode_readings([own, Reading(ReadingStatus.ATTESTED, FUSE, 0)]))
    pair.correct(INTERVAL, 0, 5, 600, encode_readings([own, Reading(ReadingStatus.ATTESTED, 600, 0)]))


def test_nobody_contests_in_a_meters_name(pair: MarketPair) -> None:
    settled(pair)
    chain = pair.chain
    reading, signature = chain.reading(INTERVAL, BUYER, 600, 0)
    elsewhere = Domain(chain.domain.chain_id, wallet(9).address)
    forgeries = {
        "another interval": (reading, chain.reading(INTERVAL + 1, BUYER, 600, 0)[1]),
        "another market": (reading, reading.sign(elsewhere, meter_key(BUYER))),
        "another energy": (replace(reading, imported=FUSE), signature),
        "other registers": (replace(reading, import_register=10**9 + 1), signature),
        "another meter": (reading, reading.sign(chain.domain, meter_key(SELLER))),
        "another account": (replace(reading, participant=SELLER), signature),
        "the metering operator": (reading, reading.sign(chain.domain, METERING_OPERATOR)),
        "nobody": (reading, bytes(64)),
        "too short": (reading, signature[:63]),
        "too long": (reading, signature + b"\0"),
        "a system account": (replace(reading, participant=0), signature),
        "an account that there is not": (replace(reading, participant=60_000), bytes(64)),
        "more than 31 bits": chain.reading(INTERVAL, BUYER, 1 << 31, 0),
    }
    for what, (said, signed) in forgeries.items():
        caught = refused("NotSignedByMeter", lambda said=said, signed=signed: contest(chain, said, signed))
        assert caught.name == "NotSignedByMeter", what
    with pytest.raises(NotSignedByMeter):
        pair.twin.corrections.contest(*forgeries["another account"])
    pair.contest(reading, signature)
    for again in (reading, signature), chain.reading(INTERVAL, BUYER, FUSE, 0):
        with pytest.raises(AlreadyContested):
            pair.contest(*again)


def contest(chain: OnChainMarket, reading: object, signature: bytes) -> None:
    values = tuple(reading.values().values())  # type: ignore[attr-defined]
    chain.sender.send(chain.corrections.contract.functions.contest(values, signature))


def test_a_meter_speaks_of_no_interval_that_is_not_over(market: OnChainMarket) -> None:
    said = market.reading(INTERVAL, BUYER, 600, 0)
    end = CONFIG.end(INTERVAL)
    tried_at(market, end - 1, "TooEarly", lambda: market.corrections.contest(*said))
    tried_at(market, end, None, lambda: market.corrections.contest(*said))


def test_a_stolen_meters_key_claims_no_more_than_its_connection_carries(pair: MarketPair) -> None:
    """A stated trust: feed-in for the export limit and nothing for the import, in every interval, until the
    participant is suspended. Here 400 of 1,000 Wh were never fed in."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    pair.post(INTERVAL, [pair.chain.order(INTERVAL, SELLER, (Side.SELL, 20, 1))])
    pair.time = CONFIG.report_deadline(INTERVAL)
    pair.clear(INTERVAL)
    pair.expire(INTERVAL)
    pair.time = CONFIG.attest_deadline(INTERVAL)
    pair.overrule(INTERVAL, 0, [pair.chain.signed_reading(INTERVAL, 0, SELLER, 0, (1 << 31) - 1)])
    pair.time = CONFIG.readings_deadline(INTERVAL)
    before = pair.twin.ledger[SELLER].cash
    pair.settle(INTERVAL, 0)
    assert pair.twin.ledger[SELLER].cash - before == FUSE * 80
    later = INTERVAL + CONFIG.open_ahead + 3
    pair.suspend(SELLER)
    pair.time = CONFIG.start(later) - 1000
    skipped = pair.post(later, [pair.chain.order(later, SELLER, (Side.SELL, 20, 1))]).skipped
    assert [skip.reason.name for skip in skipped] == ["SUSPENDED"]


# Whose word


def test_a_correction_is_the_metering_operators_for_this_batch_run_and_market(market: OnChainMarket) -> None:
    batches, _ = market.settled()
    said = correction_of(INTERVAL, 0, batches[0], 2, 600, TRUE)
    board, data = market.corrections, batches[0]
    elsewhere = Domain(market.domain.chain_id, wallet(9).address)
    signatures = (
        said.sign(elsewhere, METERING_OPERATOR),
        said.sign(market.domain, meter_key(BUYER)),
        replace(said, interval=INTERVAL + 1).sign(market.domain, METERING_OPERATOR),
        replace(said, batch=1).sign(market.domain, METERING_OPERATOR),
        replace(said, run=3).sign(market.domain, METERING_OPERATOR),
        replace(said, delivered=601).sign(market.domain, METERING_OPERATOR),
        correction_of(INTERVAL, 0, batches[1], 2, 600, TRUE).sign(market.domain, METERING_OPERATOR),
        bytes(64),
        b"",
    )
    for signature in signatures:
        refused(
            "NotAttestedByOperator",
            lambda signature=signature: board.propose(INTERVAL, 0, data, 2, 600, TRUE, signature),
        )
    board.propose(INTERVAL, 0, data, 2, 600, TRUE, said.sign(market.domain, METERING_OPERATOR))


def test_a_correction_for_a_batch_that_there_is_not_books_nothing(market: OnChainMarket) -> None:
    """It may be proposed, by whoever wants to pay for it, and counts nothing of the cap."""
    batches, settled_by = market.settled()
    other = replace(batches[0], previous=b"\x01" * 32)
    for batch, data in ((2, batches[0]), (0, BatchData(b"")), (0, other), (0, batches[1])):
        since = market.propose(INTERVAL, batch, data, 2, TRUE, 600).since
    market.at(since)
    for batch, data in ((2, batches[0]), (0, other), (0, batches[1])):
        refused(
            "NotCommitted",
            lambda batch=batch, data=data: market.client.correct(
                INTERVAL, batch, data, settled_by[0], 2, 600, TRUE
            ),
        )
    refused(
        "NotProposed", lambda: market.client.correct(INTERVAL, 0, batches[0], settled_by[0], 2, 600, TRUE)
    )
    assert market.corrections.left() == CONFIG.correction_cap


def test_only_the_operator_cancels_and_what_is_cancelled_stays_so(pair: MarketPair) -> None:
    settled(pair)
    lie = readings_of((0, FUSE), (600, 0))
    said = pair.propose(INTERVAL, 0, 2, 600, lie)
    for stranger in (wallet(0), wallet(2), wallet(SELLER)):
        pair.chain.network.fund({stranger.address: ETHER})
        client = MarketClient(pair.chain.network, pair.chain.deployment, Sender(pair.chain.network, stranger))
        refused("NotAllowed", lambda client=client: CorrectionBoard(client).cancel(said.struct_hash()))
    refused("NotProposed", lambda: pair.chain.corrections.cancel(bytes(32)))
    pair.time = pair.chain.network.latest_timestamp() + 10
    pair.cancel(said)
    with pytest.raises(AlreadyProposed):
        pair.propose(INTERVAL, 0, 2, 600, lie)
    pair.time += CONFIG.correction_delay
    with pytest.raises(IsCancelled):
        pair.book(INTERVAL, 0, 2, 600, lie)


def test_what_a_lost_key_proposed_is_void_when_its_role_is_handed_over(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    since = market.propose(INTERVAL, 0, batches[0], 2, TRUE, 600).since
    registry, name = market.client.registry.functions, role("metering operator")
    old, new = (Sender(market.network, key) for key in (Account.from_key(METERING_OPERATOR), wallet(9)))
    market.network.fund({old.address: ETHER, new.address: ETHER})
    old.send(registry.offerRole(name, new.address))
    new.send(registry.acceptRole(name))
    market.at(since)
    booking = (INTERVAL, 0, batches[0], settled_by[0], 2, 600, TRUE)
    refused("NotAttestedByOperator", lambda: market.client.correct(*booking))


def test_of_two_runs_the_lower_is_not_booked_over_the_higher(pair: MarketPair) -> None:
    settled(pair)
    low, high = readings_of((0, 700), (600, 0)), readings_of((0, 800), (600, 0))
    pair.propose(INTERVAL, 0, 2, 600, low)
    pair.propose(INTERVAL, 0, 3, 600, high)
    pair.propose(INTERVAL, 0, 3, 600, low)
    pair.time += CONFIG.correction_delay
    pair.book(INTERVAL, 0, 3, 600, high)
    for run in (2, 3):
        with pytest.raises(OldRun):
            pair.book(INTERVAL, 0, run, 600, low)
    with pytest.raises(OldRun):
        pair.book(INTERVAL, 0, 3, 600, high)


def test_only_its_market_books_and_no_other_market_takes_it_over(market: OnChainMarket) -> None:
    """Corrections belong to the first market that is created with them, and know its participants."""
    batches, settled_by = market.settled()
    functions = market.corrections.contract.functions
    arguments = (bytes(32), *settled_by[0][:1] * 2, settled_by[0][1], batches[0].abi, TRUE)
    refused("OnlyMarket", lambda: market.sender.send(functions.book(INTERVAL, 0, *arguments)))
    registry = market.deployment.addresses["ParticipantRegistry"]
    refused("CannotBind", lambda: market.sender.send(functions.bind(registry)))
    addresses = market.deployment.addresses
    parts = [addresses[name] for name in ("GridGate", "PaymentToken")]
    none, used = "0x" + "00" * 20, market.corrections.contract.address
    refused("CannotBind", lambda: deploy(market.sender, "EnergyMarket", registry, *parts, none, used))
    fresh = deploy(market.sender, "Corrections", registry).contract.functions
    refused("CannotBind", lambda: market.sender.send(fresh.bind(addresses["GridGate"])))
