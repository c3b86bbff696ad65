"""Orders that are meant to make the auction fail, slow or unfair."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    OnChainMarket,
    signed_order,
)
from pair import MarketPair
from refusals import only_skip, opened, refused, tried_at

from peerwatt.chain import open_network
from peerwatt.market.errors import BatchTooLarge, OpenPosition, SupplierShort
from peerwatt.market.order_book import SkippedOrder
from peerwatt.messages import (
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    SkipReason,
    Verdict,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL


def test_slot_frees_itself_and_what_was_left_of_its_interval_is_settled_late_and_once(
    market: OnChainMarket,
) -> None:
    """One batch is settled in time and the other by nobody; a later interval takes the slot."""
    batches, client = market.traded(), market.client
    market.at(CONFIG.report_deadline(INTERVAL))
    client.expire(INTERVAL)
    market.at(CONFIG.readings_deadline(INTERVAL))
    client.settle(INTERVAL, 0, batches[0])
    later = INTERVAL + CONFIG.ring_size
    market.at(CONFIG.start(later) - 1000)
    assert client.post(later, [market.order(later, 4, (Side.SELL, 20, 600))]).batch == 0
    left = client.interval(INTERVAL)
    assert (left.settled, left.batches) == (1, 2)
    refused("AlreadySettled", lambda: client.settle(INTERVAL, 0, batches[0]))
    client.settle(INTERVAL, 1, batches[1])
    refused("AlreadySettled", lambda: client.settle(INTERVAL, 1, batches[1]))
    assert sum(cash for cash, _ in client.accounts(10)) == client.token_balance()


def test_slot_whose_readings_may_still_change_is_not_taken() -> None:
    """A market without a spare second between the readings' deadline and the next lap."""
    config = replace(CONFIG, ring_size=5, attest_window=900, overrule_window=900)
    with open_network() as network:
        market = OnChainMarket(network, 2, config=config)
        market.at(config.start(INTERVAL) - 1000)
        market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))])
        later = INTERVAL + config.ring_size
        opens = config.start(later - config.open_ahead)
        assert opens == config.readings_deadline(INTERVAL)
        order = market.order(later, 4, (Side.SELL, 20, 600))
        tried_at(market, opens - 1, "NotYetOpen", lambda: market.client.post(later, [order]))
        tried_at(market, opens, None, lambda: market.client.post(later, [order]))


def test_never_cleared_interval_whose_slot_was_taken_settles_as_if_the_committee_was_silent(
    market: OnChainMarket,
) -> None:
    market.at(CONFIG.start(INTERVAL) - 1000)
    batch = market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))]).data
    later = INTERVAL + CONFIG.ring_size
    market.at(CONFIG.start(later) - 1000)
    market.client.post(later, [market.order(later, 5, (Side.SELL, 20, 600))])
    receipt = market.client.settle(INTERVAL, 0, batch)
    assert market.client.settled_by(receipt)[0].verdict == Verdict.EXPIRED
    later_still = CONFIG.correction_deadline(INTERVAL)
    tried_at(market, later_still - 1, "TooEarly", lambda: _forget(market, INTERVAL))
    tried_at(market, later_still, None, lambda: _forget(market, INTERVAL))
    tried_at(market, later_still, "WrongPhase", lambda: _forget(market, INTERVAL + 2**32))


def test_stolen_exit_costs_the_supplier_nothing_that_it_holds_for_others(pair: MarketPair) -> None:
    """A buyer leaves, lets nobody settle its purchase for a lap, and takes its margin along."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    market = pair.chain
    orders = [market.order(INTERVAL, 4, (Side.SELL, 20, 600)), market.order(INTERVAL, 6, (Side.BUY, 40, 600))]
    pair.post(INTERVAL, orders)
    pair.request_exit(6)
    pair.time = CONFIG.gate_closure(INTERVAL)
    pair.clear(INTERVAL)
    pair.report(market.report_on(INTERVAL, Verdict.ACCEPT, 600))
    readings = [
        encode_readings([Reading(ReadingStatus.ATTESTED, 0, 600), Reading(ReadingStatus.ATTESTED, 600, 0)])
    ]
    pair.time = CONFIG.end(INTERVAL)
    pair.attest(INTERVAL, readings, 600, market.attestation(INTERVAL, readings, 600))
    pair.time = CONFIG.start(INTERVAL + CONFIG.ring_size - CONFIG.open_ahead) - 2
    with pytest.raises(OpenPosition):
        pair.finish_exit(6)
    pair.time += 2
    pair.finish_exit(6)
    for account in (6, 0):
        pair.withdraw(account, pair.twin.free_balance(account))
    with pytest.raises(SupplierShort):
        pair.settle(INTERVAL, 0)
    pair.deposit(0, 10**6)
    pair.settle(INTERVAL, 0)
    pair.compare_accounts()
    assert pair.twin.ledger[6].cash < 0
    assert pair.twin.free_balance(0) >= 0


def _forget(market: OnChainMarket, interval: int) -> None:
    market.sender.send(market.client.market.functions.forget(interval))


def test_batch_of_more_orders_than_the_market_takes_is_refused_skipped_ones_included() -> None:
    with open_network() as network:
        pair = MarketPair(OnChainMarket(network, 3, config=replace(CONFIG, batch_orders=2)))
        market = pair.chain
        orders = [market.order(INTERVAL, account, (Side.SELL, 20, 100)) for account in (4, 5, 6)]
        pair.time = CONFIG.start(INTERVAL) - 1000
        with pytest.raises(BatchTooLarge):
            pair.post(INTERVAL, orders)
        with pytest.raises(BatchTooLarge):
            pair.post(INTERVAL, [orders[0], orders[0], orders[1]])
        assert pair.post(INTERVAL, orders[:2]).batch == 0
        assert pair.post(INTERVAL, orders[2:]).batch == 1


def test_dust_over_all_ticks_stays_within_the_worst_clearing(market: OnChainMarket) -> None:
    """Steps of 1 Wh at both ends of the grid, on both sides: what they cost to clear stays bounded."""
    opened(market)
    for account, side, first in (
        (4, Side.BUY, 0),
        (5, Side.SELL, 0),
        (6, Side.BUY, 248),
        (7, Side.SELL, 248),
    ):
        steps = [(side, first + tick, 1) for tick in range(8)]
        assert market.client.post(INTERVAL, [market.order(INTERVAL, account, *steps)]).batch is not None
    market.at(CONFIG.gate_closure(INTERVAL))
    cleared = market.client.clear(INTERVAL)
    assert cleared.volume == 8
    assert cleared.gas < 350_000


@pytest.mark.parametrize(("bid", "ask"), [(40, 20), (30, 30), (255, 0)])
def test_nobody_trades_with_itself(market: OnChainMarket, bid: int, ask: int) -> None:
    """Such a trade would look like a load to the grid gate, and earn where surplus is not paid for."""
    opened(market)
    order = market.order(INTERVAL, 4, (Side.BUY, 1, 100), (Side.BUY, bid, 100), (Side.SELL, ask, 100))
    posted = market.client.post(INTERVAL, [order])
    assert [(skip.position, skip.reason) for skip in posted.skipped] == [(0, SkipReason.MALFORMED_STEPS)]


def test_an_order_may_bid_below_what_it_asks(market: OnChainMarket) -> None:
    opened(market)
    order = market.order(INTERVAL, 4, (Side.BUY, 29, 100), (Side.SELL, 30, 100))
    assert not market.client.post(INTERVAL, [order]).skipped


MANY = 64
WIDE = replace(CONFIG, interval_length=7200, ring_size=4)
WIDE_INTERVAL = 200_000


@pytest.fixture(scope="module")
def crowd() -> Iterator[OnChainMarket]:
    """A market of many, whose connections carry the largest step there is; on Anvil, for its speed."""
    with open_network("anvil") as network:
        market = OnChainMarket(network, MANY, config=WIDE, limit=41_944, funded=False)
        market.fund(times=1)
        yield market


def post_all(market: OnChainMarket, orders: Sequence[SignedOrder]) -> list[SkippedOrder]:
    """Posts in batches of 128; what was skipped, positions counted in its batch."""
    return [
        skip
        for first in range(0, len(orders), 128)
        for skip in market.client.post(WIDE_INTERVAL, orders[first : first + 128]).skipped
    ]


def test_lane_that_is_full_refuses_and_never_wraps(crowd: OnChainMarket) -> None:
    """Four steps of 2^23 - 1 Wh leave 3 Wh of room in 25 bits: one Wh more is refused, three are taken."""
    snapshot = crowd.network.snapshot()
    crowd.at(WIDE.start(WIDE_INTERVAL) - 1000)
    most, room = (1 << 23) - 1, 3
    full = [signed_order(crowd.domain, WIDE_INTERVAL, 4 + n, [(Side.BUY, 40, most)]) for n in range(4)]
    assert post_all(crowd, full) == []
    queued = crowd.client.market.functions.queued
    assert queued(WIDE_INTERVAL, Side.BUY, 40).call() == 4 * most
    over, exact = (
        signed_order(crowd.domain, WIDE_INTERVAL, 4 + 4, [(Side.BUY, 40, quantity)])
        for quantity in (room + 1, room)
    )
    assert only_skip(crowd, over, WIDE_INTERVAL) == SkipReason.LANE_FULL
    assert crowd.client.post(WIDE_INTERVAL, [exact]).batch is not None
    last = signed_order(crowd.domain, WIDE_INTERVAL, 4 + 5, [(Side.BUY, 39, 7), (Side.BUY, 40, 1)])
    assert only_skip(crowd, last, WIDE_INTERVAL) == SkipReason.LANE_FULL
    assert [queued(WIDE_INTERVAL, Side.BUY, tick).call() for tick in (39, 40)] == [0, (1 << 25) - 1]
    crowd.network.revert(snapshot)


def test_order_that_a_full_lane_refuses_takes_nothing_out_of_the_book(crowd: OnChainMarket) -> None:
    """Once it emptied the lane and its neighbours, where nobody else of its batch had touched them."""
    snapshot = crowd.network.snapshot()
    crowd.at(WIDE.start(WIDE_INTERVAL) - 1000)
    most = (1 << 23) - 1
    full = [signed_order(crowd.domain, WIDE_INTERVAL, 4 + n, [(Side.BUY, 40, most)]) for n in range(4)]
    beside = signed_order(crowd.domain, WIDE_INTERVAL, 8, [(Side.BUY, 43, 70)])
    assert post_all(crowd, [*full, beside]) == []
    refused_one = signed_order(crowd.domain, WIDE_INTERVAL, 9, [(Side.BUY, 40, 4), (Side.SELL, 90, 5)])
    other = signed_order(crowd.domain, WIDE_INTERVAL, 10, [(Side.SELL, 20, 6)])
    posted = crowd.client.post(WIDE_INTERVAL, [refused_one, other])
    assert [(skip.participant, skip.reason) for skip in posted.skipped] == [(9, SkipReason.LANE_FULL)]
    queued = crowd.client.market.functions.queued
    lanes = ((Side.BUY, 40), (Side.BUY, 43), (Side.SELL, 90), (Side.SELL, 20))
    assert [queued(WIDE_INTERVAL, *lane).call() for lane in lanes] == [4 * most, 70, 0, 6]
    crowd.network.revert(snapshot)


def test_dust_on_all_ticks_of_both_sides_clears_within_the_bound(crowd: OnChainMarket) -> None:
    """64 participants put 1 Wh on each of the 256 ticks of both sides; all of it crosses."""
    snapshot = crowd.network.snapshot()
    crowd.at(WIDE.start(WIDE_INTERVAL) - 1000)
    dust = [
        [(side, 8 * block + tick, 1) for tick in range(8)]
        for side in (Side.BUY, Side.SELL)
        for block in range(32)
    ]
    orders = [signed_order(crowd.domain, WIDE_INTERVAL, 4 + n, steps) for n, steps in enumerate(dust)]
    assert post_all(crowd, orders) == []
    queued = crowd.client.market.functions.queued
    for side in (Side.BUY, Side.SELL):
        assert {queued(WIDE_INTERVAL, side, tick).call() for tick in range(256)} == {1}
    crowd.at(WIDE.gate_closure(WIDE_INTERVAL))
    cleared = crowd.client.clear(WIDE_INTERVAL)
    assert cleared.volume == 128
    assert cleared.gas < 350_000
    crowd.network.revert(snapshot)
