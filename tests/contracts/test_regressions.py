"""What went wrong once, each under its name."""

import pytest
from onchain import CONFIG, FIRST_INTERVAL, participants, signed_order
from pair import MarketPair

from peerwatt.market.errors import (
    DepositTooLarge,
    MeterSignedReading,
    NoConnection,
    NotInCorrection,
    NotProposed,
    SupplierBelowMargin,
    VectorTooLong,
)
from peerwatt.messages import (
    DECISION_LENGTH,
    Decision,
    Reading,
    ReadingStatus,
    Side,
    Verdict,
    encode_decisions,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL


def order(pair: MarketPair, account: int, *steps: tuple[Side, int, int]):  # type: ignore[no-untyped-def]
    return signed_order(pair.chain.domain, INTERVAL, account, steps)


def traded(pair: MarketPair, verdict: Verdict = Verdict.ACCEPT) -> None:
    """Participant 4 sells 600 Wh to 6, who bids for 500, and to 7."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    pair.post(INTERVAL, [order(pair, 4, (Side.SELL, 20, 600)), order(pair, 6, (Side.BUY, 40, 500))])
    pair.post(INTERVAL, [order(pair, 7, (Side.BUY, 40, 500))])
    pair.time = CONFIG.gate_closure(INTERVAL)
    assert pair.clear(INTERVAL) == 600
    if verdict == Verdict.ACCEPT:
        pair.report(pair.chain.report_on(INTERVAL, verdict, 600))


def test_attestation_of_an_interval_without_batches_has_one_hash(pair: MarketPair) -> None:
    """The twin signed zero where the contract asked for the hash of nothing."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    pair.post(INTERVAL, [])
    pair.time = CONFIG.gate_closure(INTERVAL)
    pair.clear(INTERVAL)
    pair.report(pair.chain.report_on(INTERVAL, Verdict.ACCEPT, 0))
    pair.time = CONFIG.end(INTERVAL)
    pair.attest(INTERVAL, [], 0, pair.chain.attestation(INTERVAL, [], 0))
    pair.compare(INTERVAL)


def test_only_overrule_makes_a_reading_meter_signed(pair: MarketPair) -> None:
    """A correction could mark readings as meter-signed: nobody could correct them then."""
    traded(pair)
    pair.time = CONFIG.end(INTERVAL)
    reserved = [encode_readings([Reading(ReadingStatus.RESERVED, 0, 600)] * 2), b""]
    with pytest.raises(MeterSignedReading):
        pair.attest(INTERVAL, reserved, 600, pair.chain.attestation(INTERVAL, reserved, 600))
    claimed = [encode_readings([Reading(ReadingStatus.METER_SIGNED, 0, 600)] * 2), b""]
    signature = pair.chain.attestation(INTERVAL, claimed, 600)
    with pytest.raises(MeterSignedReading):
        pair.attest(INTERVAL, claimed, 600, signature)
    pair.time = CONFIG.readings_deadline(INTERVAL)
    pair.settle(INTERVAL, 0)
    with pytest.raises(MeterSignedReading):
        pair.correct(INTERVAL, 0, 2, 600, claimed[0])
    for short, error in ((b"", NotProposed), (claimed[0][:8], NotInCorrection)):
        with pytest.raises(error):
            pair.correct(INTERVAL, 0, 2, 0, short)


def test_missing_reading_delivers_nothing_whatever_else_it_says(pair: MarketPair) -> None:
    """One that was attested as missing, with amounts, counted as delivered when its meter overruled it."""
    traded(pair)
    pair.time = CONFIG.end(INTERVAL)
    readings = [encode_readings([Reading(ReadingStatus.MISSING, 0, 500)] * 2), b""]
    pair.attest(INTERVAL, readings, 0, pair.chain.attestation(INTERVAL, readings, 0))
    pair.overrule(INTERVAL, 0, [pair.chain.signed_reading(INTERVAL, 0, 4, 0, 600)])
    assert pair.twin.interval(INTERVAL).delivered == 600
    pair.compare(INTERVAL)


def test_vector_that_no_batch_can_have_is_refused(pair: MarketPair) -> None:
    """It could be committed to and never be supplied again: its batch would block the ring."""
    traded(pair)
    pair.time = CONFIG.end(INTERVAL)
    huge = [bytes(DECISION_LENGTH * CONFIG.batch_orders + 1), b""]
    with pytest.raises(VectorTooLong):
        pair.attest(INTERVAL, huge, 0, pair.chain.attestation(INTERVAL, huge, 0))


def test_no_account_is_filled_by_many_deposits(pair: MarketPair) -> None:
    """Only each deposit was bounded: an account near 2^63 would have kept its batches from settling."""
    token = pair.chain.client.payment_token.functions
    pair.chain.sender.send(token.mint(pair.chain.sender.address, 2**62))
    for account, most in ((0, 2**61), (4, 2**61)):
        pair.deposit(account, most - pair.twin.ledger[account].cash)
        with pytest.raises(DepositTooLarge):
            pair.deposit(account, 1)


def test_supplier_stands_for_newcomers_from_their_registration_on(pair: MarketPair) -> None:
    """The market knew of their margin only after the next booking."""
    pair.withdraw(0, pair.twin.free_balance(0))
    pair.register(participants(7)[6:])
    pair.time = CONFIG.start(INTERVAL) - 1000
    with pytest.raises(SupplierBelowMargin):
        pair.post(INTERVAL, [order(pair, 4, (Side.BUY, 40, 1))])


def test_connection_that_carries_nothing_is_not_registered(pair: MarketPair) -> None:
    """It had a margin of zero, which the contract took for unfunded and the twin for funded."""
    with pytest.raises(Exception, match="NoConnection"):
        pair.chain.register(participants(1, limit=0))
    with pytest.raises(NoConnection):
        pair.twin.register(participants(1, limit=0))


def test_curtailed_interval_pays_only_what_was_accepted(pair: MarketPair) -> None:
    """600 Wh were matched and 200 stand: 200 are paid, and the other 400 earn nothing though exported."""
    traded(pair, Verdict.CURTAIL)
    decisions = [
        encode_decisions([Decision(200, 0, 0), Decision(0, 120, 0)]),
        encode_decisions([Decision(0, 80, 0)]),
    ]
    before = [pair.twin.ledger[account].cash for account in range(8)]
    pair.report(pair.chain.report_on(INTERVAL, Verdict.CURTAIL, 200, decisions), decisions)
    pair.time = CONFIG.end(INTERVAL)
    readings = [
        encode_readings([Reading(ReadingStatus.ATTESTED, 0, 600), Reading(ReadingStatus.ATTESTED, 120, 0)]),
        encode_readings([Reading(ReadingStatus.ATTESTED, 80, 0)]),
    ]
    pair.attest(INTERVAL, readings, 200, pair.chain.attestation(INTERVAL, readings, 200))
    pair.time = CONFIG.readings_deadline(INTERVAL)
    for batch in (1, 0):
        pair.settle(INTERVAL, batch)
        pair.compare(INTERVAL)
    accounts = pair.chain.client.accounts(8)
    price = 140  # bids of 500 + 500 at tick 40 are filled in part: the ask at 20 leaves the price to them
    assert pair.twin.interval(INTERVAL).cleared.buy_price == price
    change = [now[0] - then for now, then in zip(accounts, before, strict=True)]
    assert change[4] == 200 * price
    assert (change[6], change[7]) == (-120 * (price + 20), -80 * (price + 20))
    assert (change[0], change[1], change[3]) == (0, 200 * 20, 0)
    assert [accounts[account][1] for account in (4, 6, 7)] == [0, 120, 80]


def test_conservation_fails_when_a_base_unit_is_missing(pair: MarketPair) -> None:
    """The equalities that every comparison ends with can fail."""
    traded(pair)
    pair.time = CONFIG.readings_deadline(INTERVAL)
    pair.settle(INTERVAL, 0)
    pair.conserved()
    client = pair.chain.client
    pair.chain.sender.send(client.payment_token.functions.transfer(client.market.address, 1))
    with pytest.raises(AssertionError):
        pair.conserved()
