"""An account that its owner never empties: at any price and size, it may not end the settlement of others."""

from dataclasses import replace

import pytest
from onchain import CONFIG, OnChainMarket, participants
from pair import MarketPair
from refusals import refused

from peerwatt.chain import open_network
from peerwatt.client import BatchData
from peerwatt.client.full_accounts import settle_making_room
from peerwatt.market import SystemAccount
from peerwatt.market.errors import AboveEnergyCredit, BalanceOverflow
from peerwatt.messages import Reading, ReadingStatus, Side, Verdict, encode_readings

SELLER = 4
CASH_HALF, CASH_MAX = 2**36 - 1, 2**37 - 1
# The largest prices and days long intervals: what a home earns in decades, in weeks.
GOLDEN = replace(
    CONFIG, interval_length=86_400, gate_lead=3_600, open_ahead=1, ring_size=3, margin_price=65_535
)
FEED_IN = 60_000
LIMIT = 36
EXPORTED = LIMIT * 100 * 24


def earned(market: OnChainMarket, interval: int) -> list[BatchData]:
    """The seller feeds in all day and nobody buys from it: its batch, ready to settle."""
    market.at(GOLDEN.start(interval) - 10_000)
    posted = market.client.post(interval, [market.order(interval, SELLER, (Side.SELL, 200, 1))])
    market.at(GOLDEN.gate_closure(interval))
    market.client.clear(interval)
    market.at(GOLDEN.report_deadline(interval))
    market.client.expire(interval)
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 0, EXPORTED)])]
    market.at(GOLDEN.end(interval))
    market.client.attest(interval, readings, 0, market.attestation(interval, 1, readings, 0))
    market.at(GOLDEN.readings_deadline(interval))
    return [BatchData(posted.packed, readings=readings[0])]


def test_anybody_may_have_a_full_account_paid_out_so_its_batches_settle() -> None:
    with open_network() as network:
        market = OnChainMarket(network, 1, config=GOLDEN, limit=LIMIT, funded=False)
        market.client.deposit(0, 10**14)
        market.client.deposit(SELLER, 2**35)
        first = 20_000
        registry = market.client.registry.functions
        market.at(GOLDEN.start(first) - 5 * GOLDEN.interval_length)
        market.sender.send(registry.scheduleTariff(first, (FEED_IN, FEED_IN, 0)))
        interval, cash = first, 2**35
        while cash + FEED_IN * EXPORTED <= CASH_MAX:
            if cash <= CASH_HALF:
                refused("NotWallet", lambda: market.client.withdraw(SELLER, 1))
            [batch] = earned(market, interval)
            market.client.settle(interval, 0, batch)
            cash += FEED_IN * EXPORTED
            assert market.client.accounts(5)[SELLER] == (cash, 0)
            interval += 2

        [batch] = earned(market, interval)
        refused("BalanceOverflow", lambda: market.client.settle(interval, 0, batch))
        owner = market.as_wallet(SELLER).sender.address
        token = market.client.payment_token.functions
        settle_making_room(market.client, interval, 0, batch)
        paid = token.balanceOf(owner).call()
        assert paid == cash - CASH_HALF
        assert market.client.accounts(5)[SELLER] == (cash - paid + FEED_IN * EXPORTED, 0)


# Two hours, in which a connection carries the largest step of an order.
LONG = replace(CONFIG, interval_length=7200, ring_size=4)
LARGEST = 41_944
STEP = 2**23 - 1
HALF, FULL = 2**24 - 1, 2**25 - 1
FIRST = 200_000
SELLERS, BUYER = (4, 5), 6


def credited(pair: MarketPair, interval: int, exported: int = 0) -> None:
    """The buyer buys the largest step; the metering operator claims that all of it was delivered."""
    pair.time = LONG.start(interval) - 1000
    seller = SELLERS[interval // 2 % 2]
    chain = pair.chain
    orders = [
        chain.order(interval, seller, (Side.SELL, 10, STEP)),
        chain.order(interval, BUYER, (Side.BUY, 10, STEP)),
    ]
    assert not pair.post(interval, orders).skipped
    pair.time = LONG.gate_closure(interval)
    pair.report(chain.report_on(interval, Verdict.ACCEPT, pair.clear(interval)))
    pair.time = LONG.end(interval)
    read = [Reading(ReadingStatus.ATTESTED, 0, exported), Reading(ReadingStatus.ATTESTED, STEP, 0)]
    readings = [encode_readings(read)]
    pair.attest(interval, readings, STEP, chain.attestation(interval, 1, readings, STEP))
    pair.time = LONG.readings_deadline(interval)


def test_credit_that_nothing_backs_is_cancelled_against_who_attested_it() -> None:
    """The metering operator attests energy that nobody delivered, until an account is full of credit that can
    never be taken out: the batch that it is in settles once anybody has cancelled what lies above half."""
    with open_network() as network:
        pair = MarketPair(OnChainMarket(network, 3, config=LONG, limit=LARGEST, funded=False))
        pair.deposit(SystemAccount.SUPPLIER, 10**12)
        for account in (*SELLERS, BUYER):
            pair.deposit(account, 2**35)
        interval = FIRST
        while pair.twin.ledger[BUYER].energy + STEP <= FULL:
            if pair.twin.ledger[BUYER].energy <= HALF:
                with pytest.raises(AboveEnergyCredit):
                    pair.cancel_energy(BUYER, 1)
            credited(pair, interval)
            pair.settle(interval, 0)
            interval += 2
        assert interval == FIRST + 8

        credited(pair, interval, exported=7)
        with pytest.raises(BalanceOverflow):
            pair.settle(interval, 0)
        excess = pair.twin.ledger[BUYER].energy - HALF
        for account, amount in ((BUYER, excess + 1), (SystemAccount.METERING_OPERATOR, 1)):
            with pytest.raises(AboveEnergyCredit):
                pair.cancel_energy(account, amount)
        owed = -pair.twin.ledger[SystemAccount.METERING_OPERATOR].energy
        pair.cancel_energy(BUYER, excess)
        assert -pair.twin.ledger[SystemAccount.METERING_OPERATOR].energy == owed - excess
        pair.settle(interval, 0)

        # 7 Wh were delivered now: what can be taken out is not cancelled.
        with pytest.raises(AboveEnergyCredit):
            pair.cancel_energy(BUYER, 1)
        pair.take_out_energy(BUYER, 7)
        pair.cancel_energy(BUYER, 1)
        pair.compare_accounts()


def test_who_settles_makes_room_with_tokens_first_and_by_cancelling_the_rest() -> None:
    with open_network() as network:
        pair = MarketPair(OnChainMarket(network, 3, config=LONG, limit=LARGEST, funded=False))
        pair.deposit(SystemAccount.SUPPLIER, 10**12)
        for account in (*SELLERS, BUYER):
            pair.deposit(account, 2**35)
        for interval in range(FIRST, FIRST + 8, 2):
            credited(pair, interval, exported=1000)
            pair.settle(interval, 0)

        credited(pair, FIRST + 8, exported=1000)
        client = pair.chain.client
        pair.chain.at(pair.time)
        settle_making_room(client, FIRST + 8, 0, pair.batch(FIRST + 8, 0))
        buyer = pair.chain.as_wallet(BUYER).sender.address
        assert client.energy_token.functions.balanceOf(buyer).call() == 4 * 1000
        assert client.accounts(BUYER + 1)[BUYER][1] == HALF + STEP
        pair.conserved()


def test_connection_imports_in_an_interval_at_most_what_half_an_account_holds() -> None:
    """Otherwise an account that anybody may empty down to half might not hold one interval's credit."""
    daily = replace(CONFIG, interval_length=86_400)
    fits = HALF // 2400
    with open_network() as network:
        pair = MarketPair(OnChainMarket(network, 1, config=daily, limit=fits, funded=False))
        for refusing in (pair.chain, pair.twin):
            with pytest.raises(Exception, match=r"ConnectionTooLarge|imports up to"):
                refusing.register(participants(1, limit=fits + 1))
            refusing.register(participants(1, limit=fits))
