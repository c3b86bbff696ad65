"""An account that its owner never empties: at any price and size, it may not end the settlement of others."""

from dataclasses import replace

from onchain import CONFIG, OnChainMarket
from refusals import refused

from peerwatt.chain import open_network
from peerwatt.client import BatchData
from peerwatt.messages import Reading, ReadingStatus, Side, encode_readings

SELLER = 4
CASH_MAX = 2**46 - 1
# The largest prices and days long intervals: what a home earns in centuries, in weeks.
GOLDEN = replace(
    CONFIG, interval_length=86_400, gate_lead=3_600, open_ahead=1, ring_size=3, margin_price=65_535
)
FEED_IN = 60_000
LIMIT = 18_000
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
        market.client.deposit(0, 9 * 10**17)
        market.client.deposit(SELLER, 2**44)
        first = 20_000
        registry = market.client.registry.functions
        market.at(GOLDEN.start(first) - 5 * GOLDEN.interval_length)
        market.sender.send(registry.scheduleTariff(first, (FEED_IN, FEED_IN, 0)))
        interval, cash = first, 2**44
        while cash + FEED_IN * EXPORTED <= CASH_MAX:
            if cash <= CASH_MAX // 2:
                refused("NotWallet", lambda: market.client.withdraw(SELLER, 1))
            [batch] = earned(market, interval)
            market.client.settle(interval, 0, batch)
            cash += FEED_IN * EXPORTED
            assert market.client.accounts(5)[SELLER] == (cash, 0)
            interval += 2

        [batch] = earned(market, interval)
        refused("BalanceOverflow", lambda: market.client.settle(interval, 0, batch))
        free = cash - market.margin(SELLER)
        owner = market.as_wallet(SELLER).sender.address
        token = market.client.payment_token.functions
        assert market.client.withdraw(SELLER, free)["status"] == 1
        assert token.balanceOf(owner).call() == free
        market.client.settle(interval, 0, batch)
        assert market.client.accounts(5)[SELLER] == (cash - free + FEED_IN * EXPORTED, 0)
