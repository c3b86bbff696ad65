"""What a batch of as many orders as a market takes costs at worst: to post, to settle and to correct.

What makes it dear, all at once: an order of every fourth account, as four accounts share a storage word;
eight steps in each, and all lanes of the book taken; the steps' own limits as prices; a curtailment with a
decision on each order; and cash that outgrows every account's place in that very call, so that a word of its
reserve is written for the first time.
"""

from __future__ import annotations

from dataclasses import replace

from onchain import CONFIG, FIRST_INTERVAL, LIMIT, OnChainMarket, signed_order

from peerwatt.chain import Network
from peerwatt.client import BatchData
from peerwatt.market import FIRST_PARTICIPANT, MarketConfig, Pricing
from peerwatt.market.market_rules import BATCH_ORDERS
from peerwatt.messages import (
    MAX_STEPS,
    Decision,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    Verdict,
    encode_decisions,
    encode_readings,
)

ACCOUNTS_PER_WORD = 4
"""Participants whose balances share a storage word."""
MOST_CASH = 2**37 - 1
"""What an account's place holds at most, base units: with one more, all of it moves to its reserve."""
STEP = 10
"""Each seller's step, Wh."""
SOLD = 4 * STEP
"""What the committee leaves each seller, Wh."""
ASKS, BIDS = range(128), range(128, 256)
"""The ticks that sellers and buyers take."""


class FullBatch:
    """A market in which the first batch is full; the second one buys what it sells."""

    def __init__(self, network: Network, pricing: Pricing, orders: int) -> None:
        config = replace(CONFIG, open_ahead=1, ring_size=3, pricing=pricing, max_network_fee=25)
        self.config: MarketConfig = replace(config, batch_orders=orders, correction_cap=10**15)
        self.orders, self.interval = orders, FIRST_INTERVAL
        self.market = OnChainMarket(
            network, ACCOUNTS_PER_WORD * orders, config=self.config, limit=LIMIT, funded=False
        )
        first, end = FIRST_PARTICIPANT, FIRST_PARTICIPANT + ACCOUNTS_PER_WORD * orders
        self.sellers = range(first, end, ACCOUNTS_PER_WORD)
        self.buyers = range(first + 1, end, ACCOUNTS_PER_WORD)[: -(-orders * MAX_STEPS * STEP // 1000)]
        deposit = self.market.client.market.functions.deposit
        supplied, margin = 2 * self.market.margin(0), 2 * self.market.margin(FIRST_PARTICIPANT)
        self.market.sender.send_all([deposit(0, supplied), *(deposit(each, margin) for each in self.buyers)])

    def fill(self) -> None:
        """Let every seller hold as much as its place does."""
        functions = self.market.client.market.functions
        held = self.market.client.accounts(self.sellers.stop)
        self.market.sender.send_all(
            [functions.deposit(each, MOST_CASH - held[each][0]) for each in self.sellers]
        )

    def post(self) -> tuple[int, BatchData]:
        """Post the full batch and the one that buys; gas of the first."""
        market, interval = self.market, self.interval
        market.at(self.config.start(interval) - 500)
        posted = market.client.post(interval, [self._ask(*each) for each in enumerate(self.sellers)])
        bought = market.client.post(interval, [self._bid(*each) for each in enumerate(self.buyers)])
        assert not posted.skipped
        assert not bought.skipped
        return posted.gas, posted.data

    def curtail(self, data: BatchData) -> BatchData:
        """Clear, and let the committee leave every seller a part of its sale."""
        market = self.market
        market.at(self.config.gate_closure(self.interval))
        assert market.client.clear(self.interval).volume == self.orders * MAX_STEPS * STEP
        decisions = encode_decisions(Decision(SOLD, 0, 1, 1) for _ in self.sellers)
        vectors = [decisions, b""]
        report = market.report_on(self.interval, Verdict.CURTAIL, self.orders * SOLD, vectors)
        market.client.report(report, vectors, *market.quorum_of(report))
        return replace(data, decisions=decisions)

    def attest(self, data: BatchData, exported: int) -> BatchData:
        """Let every seller's meter have recorded the same; the buyers' are silent."""
        self.market.at(self.config.end(self.interval))
        readings = self.readings(exported)
        signature = self.market.attestation(self.interval, [readings, b""], 0)
        self.market.client.attest(self.interval, [readings, b""], 0, signature)
        return replace(data, readings=readings)

    def readings(self, exported: int) -> bytes:
        return encode_readings(Reading(ReadingStatus.ATTESTED, 0, exported) for _ in self.sellers)

    def _ask(self, which: int, account: int) -> SignedOrder:
        first = ASKS.start + which * MAX_STEPS % len(ASKS)
        steps = [(Side.SELL, first + step, STEP) for step in range(MAX_STEPS)]
        return signed_order(self.market.domain, self.interval, account, steps)

    def _bid(self, which: int, account: int) -> SignedOrder:
        first = BIDS.start + which * MAX_STEPS % len(BIDS)
        steps = [(Side.BUY, first + step, 1000 // MAX_STEPS) for step in range(MAX_STEPS)]
        return signed_order(self.market.domain, self.interval, account, steps)


def full_batch_gas(
    network: Network, pricing: Pricing = Pricing.PAY_AS_BID, orders: int = BATCH_ORDERS
) -> dict[str, int]:
    """How many orders the batch has, and the gas of each call on it."""
    full = FullBatch(network, pricing, orders)
    fresh = network.snapshot()
    gas = {"orders": orders, **_settled_full(full)}
    network.revert(fresh)
    return {**gas, "correct": _corrected_full(full)}


def _settled_full(full: FullBatch) -> dict[str, int]:
    """Gas of `post`, and of `settle` by which every seller outgrows its place."""
    full.fill()
    gas, data = full.post()
    data = full.attest(full.curtail(data), SOLD)
    full.market.at(full.config.readings_deadline(full.interval))
    receipt = full.market.client.settle(full.interval, 0, data)
    return {"post": gas, "settle": receipt["gasUsed"]}


def _corrected_full(full: FullBatch) -> int:
    """Gas of `correct` by which every seller outgrows its place: its meter had recorded nothing at first."""
    market, interval = full.market, full.interval
    deposit, margin = market.client.market.functions.deposit, 2 * market.margin(FIRST_PARTICIPANT)
    market.sender.send_all([deposit(each, margin) for each in full.sellers])
    data = full.attest(full.curtail(full.post()[1]), 0)
    market.at(full.config.readings_deadline(interval))
    settled_by = market.client.settlement_terms(market.client.settle(interval, 0, data))
    full.fill()
    receipt = market.correct(interval, 0, data, settled_by, 2, full.readings(SOLD), 0)
    return int(receipt["gasUsed"])
