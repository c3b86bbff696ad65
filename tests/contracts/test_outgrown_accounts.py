"""Accounts that outgrow their place in a word of four: nobody has to do anything, and nothing is lost."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from onchain import CONFIG, OnChainMarket
from pair import MarketPair
from refusals import refused

from peerwatt.chain import open_network
from peerwatt.market import SystemAccount
from peerwatt.messages import Reading, ReadingStatus, Side, Verdict, encode_readings

# Two hours, in which a connection carries the largest step of an order.
LONG = replace(CONFIG, interval_length=7200, ring_size=4, correction_window=10**6, correction_cap=10**12)
LARGEST = 41_944
STEP = 2**23 - 1
CASH_PLACE, ENERGY_PLACE = 2**37 - 1, 2**25 - 1
FIRST = 200_000
SELLER, BUYER = 4, 5


@pytest.fixture
def pair() -> Iterator[MarketPair]:
    with open_network() as network:
        pair = MarketPair(OnChainMarket(network, 2, config=LONG, limit=LARGEST, funded=False))
        pair.deposit(SystemAccount.SUPPLIER, 10**13)
        yield pair


def readings_of(exported: int) -> list[bytes]:
    read = [Reading(ReadingStatus.ATTESTED, 0, exported), Reading(ReadingStatus.ATTESTED, STEP, 0)]
    return [encode_readings(read)]


def settled(pair: MarketPair, interval: int, exported: int) -> None:
    """The buyer buys the largest step, and the metering operator says that all of it was delivered."""
    pair.time = LONG.start(interval) - 1000
    chain = pair.chain
    orders = [
        chain.order(interval, SELLER, (Side.SELL, 10, STEP)),
        chain.order(interval, BUYER, (Side.BUY, 10, STEP)),
    ]
    assert not pair.post(interval, orders).skipped
    pair.time = LONG.gate_closure(interval)
    pair.report(chain.report_on(interval, Verdict.ACCEPT, pair.clear(interval)))
    pair.time = LONG.end(interval)
    readings = readings_of(exported)
    pair.attest(interval, readings, STEP, chain.attestation(interval, readings, STEP))
    pair.time = LONG.readings_deadline(interval)
    pair.settle(interval, 0)
    pair.compare(interval)


def test_money_beyond_a_place_is_earned_spent_and_withdrawn_like_any_other(pair: MarketPair) -> None:
    """The seller begins with as much as its place holds, the buyer with more than that."""
    pair.deposit(SELLER, CASH_PLACE)
    pair.deposit(BUYER, 3 * CASH_PLACE)
    settled(pair, FIRST, exported=STEP)
    assert pair.twin.ledger[SELLER].cash > CASH_PLACE
    refused("NotWallet", lambda: pair.chain.client.withdraw(SELLER, 1))
    for account in (SELLER, BUYER):
        pair.withdraw(account, pair.twin.free_balance(account) - 1)
    pair.compare_accounts()
    settled(pair, FIRST + 2, exported=STEP)
    # Nothing is left above the buyer's margin, so now it is below: it does not post until somebody pays in.
    pair.time = LONG.start(FIRST + 4) - 1000
    order = pair.chain.order(FIRST + 4, BUYER, (Side.BUY, 10, 1))
    assert [skip.reason.name for skip in pair.post(FIRST + 4, [order]).skipped] == ["BELOW_MARGIN"]
    pair.deposit(BUYER, -pair.twin.free_balance(BUYER))
    assert not pair.post(FIRST + 4, [order]).skipped
    pair.compare_accounts()


def test_credit_beyond_a_place_that_nothing_backs_ends_no_settlement(pair: MarketPair) -> None:
    """The metering operator attests energy that nobody delivered, more than a place holds. What was delivered
    can be taken out, and no more."""
    for account in (SELLER, BUYER):
        pair.deposit(account, 10**11)
    interval = FIRST
    while pair.twin.ledger[BUYER].energy <= ENERGY_PLACE:
        settled(pair, interval, exported=7)
        interval += 2
    assert pair.twin.ledger[BUYER].energy == 5 * STEP
    pair.take_out_energy(BUYER, 5 * 7)
    pair.compare_accounts()


def test_corrections_carry_an_account_below_what_a_place_holds(pair: MarketPair) -> None:
    """All that was taken out turns out never to have been delivered."""
    for account in (SELLER, BUYER):
        pair.deposit(account, 10**11)
    intervals = range(FIRST, FIRST + 10, 2)
    for interval in intervals:
        settled(pair, interval, exported=STEP)
    pair.take_out_energy(BUYER, 5 * STEP)
    for interval in intervals:
        pair.correct(interval, 0, 2, 0, *readings_of(0))
        pair.compare_accounts()
    assert pair.twin.ledger[BUYER].energy == -5 * STEP < -ENERGY_PLACE
