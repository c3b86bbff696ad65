"""Whatever happens to an interval, the contracts' result is the twin's, to the Wh and the base unit."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from onchain import CONFIG, FIRST_INTERVAL, LIMIT, OnChainMarket, order_key, signed_order
from pair import MarketPair

from peerwatt.chain import open_network
from peerwatt.market import MarketError, fill
from peerwatt.messages import (
    Decision,
    OperatingEnvelope,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    Verdict,
    encode_decisions,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL
ACCOUNTS = range(4, 10)
SIZE = len(ACCOUNTS)
BARRED = 9
"""Suspended in half of the examples."""

CHARGES = st.one_of(st.integers(0, 9000), st.just(2**32 - 1))
FEW_TICKS = st.integers(20, 26)
ANY_TICK = st.integers(0, 255)


def steps(draw: Callable[..., Any], ticks: st.SearchStrategy[int]) -> list[tuple[Side, int, int]]:
    """1 to 8 steps that ascend, mostly within the connection's limit and without an ask at a bid or below."""
    lanes = draw(st.sets(st.tuples(st.sampled_from(Side), ticks), min_size=1, max_size=8))
    kept = draw(st.sampled_from([*Side, *Side, None]))
    if kept is not None:  # all of one side, and of the other what does not cross it
        bids, asks = ([tick for side, tick in lanes if side == of] for of in (Side.BUY, Side.SELL))
        if kept == Side.BUY:
            lanes -= {(Side.SELL, tick) for tick in asks if bids and tick <= max(bids)}
        else:
            lanes -= {(Side.BUY, tick) for tick in bids if asks and tick >= min(asks)}
    return [(*lane, draw(st.integers(1, 170))) for lane in sorted(lanes)]


def spoiled(draw: Callable[..., Any], market: OnChainMarket, account: int, good: SignedOrder) -> SignedOrder:
    """An order that something is wrong with."""
    order = good.order
    match draw(
        st.sampled_from(["unsorted", "empty step", "no step", "stranger", "system", "forged", "too much"])
    ):
        case "unsorted":
            return signed_order(market.domain, INTERVAL, account, [(Side.SELL, 30, 5), (Side.BUY, 20, 5)])
        case "empty step":
            return signed_order(market.domain, INTERVAL, account, [(Side.BUY, 20, 5), (Side.BUY, 21, 0)])
        case "no step":
            return signed_order(market.domain, INTERVAL, account, [])
        case "stranger":
            return replace(good, order=replace(order, participant=draw(st.sampled_from([200, 65535]))))
        case "system":
            return replace(good, order=replace(order, participant=draw(st.integers(0, 3))))
        case "forged":
            other = order_key(draw(st.sampled_from([key for key in ACCOUNTS if key != account])))
            return signed_order(market.domain, INTERVAL, account, [(Side.SELL, 20, 5)], other)
        case _:
            return signed_order(market.domain, INTERVAL, account, [(Side.SELL, 20, LIMIT * 25 + 1)])


def draw_orders(draw: Callable[..., Any], market: OnChainMarket) -> list[SignedOrder]:
    ticks = draw(st.sampled_from([FEW_TICKS, FEW_TICKS, ANY_TICK]))
    orders = []
    for account in draw(st.lists(st.sampled_from(ACCOUNTS), max_size=5)):
        order = signed_order(market.domain, INTERVAL, account, steps(draw, ticks))
        orders.append(spoiled(draw, market, account, order) if draw(st.integers(0, 4)) == 0 else order)
    return orders


def draw_envelope(draw: Callable[..., Any], market: OnChainMarket) -> OperatingEnvelope:
    """Mostly right; now and then for another page, above a connection or of a wrong length."""
    limit = st.sampled_from(
        [0, 1, 7, 20, LIMIT - 1, LIMIT, LIMIT, LIMIT, LIMIT + draw(st.integers(0, 9)) // 9]
    )
    limits = {account: (draw(limit), draw(limit)) for account in ACCOUNTS}
    envelope = market.envelope(INTERVAL, limits, page=draw(st.sampled_from([0] * 9 + [1])))
    if draw(st.integers(0, 9)) == 0:
        envelope = replace(envelope, limits=envelope.limits[: draw(st.integers(0, 8))])
    return envelope


def draw_decisions(draw: Callable[..., Any], pair: MarketPair, volume: int) -> list[bytes]:
    """One packed vector per batch: consistent with the volume, or anything, or of a wrong length."""
    state = pair.twin.interval(INTERVAL)
    left = dict.fromkeys(Side, volume)
    consistent = draw(st.booleans())
    vectors = []
    for batch in state.batches:
        decisions = []
        for record in batch.records:
            if consistent:
                cut = {}
                for side in Side:
                    filled = sum(
                        fill(placed, state.cleared) for placed in record.steps if placed.step.side == side
                    )
                    cut[side] = min(filled, left[side])
                    left[side] -= cut[side]
                decision = Decision(
                    cut[Side.SELL],
                    cut[Side.BUY],
                    draw(st.integers(0, 20)),
                    draw(CHARGES),
                    draw(st.integers(0, 300)),
                )
            else:
                amount = st.sampled_from([0, 1, 50, 300, 2**32 - 1])
                price = draw(st.integers(0, 2**16 - 1))
                decision = Decision(
                    draw(amount), draw(amount), draw(amount), draw(CHARGES), draw(amount), price
                )
            decisions.append(decision)
        packed = encode_decisions(decisions)
        vectors.append(packed[: draw(st.sampled_from([999, 999, 999, 0, len(packed) - 1]))])
    return vectors


def draw_readings(draw: Callable[..., Any], pair: MarketPair) -> list[bytes]:
    """One packed vector per batch; a few are absent or of a wrong length."""
    amount = st.one_of(st.integers(0, 400), st.sampled_from([0, 1001, 2**31 - 1]))
    status = st.sampled_from([ReadingStatus.ATTESTED, ReadingStatus.ATTESTED, ReadingStatus.MISSING])
    vectors = []
    for batch in pair.twin.interval(INTERVAL).batches:
        packed = encode_readings(Reading(draw(status), draw(amount), draw(amount)) for _ in batch.records)
        vectors.append(packed[: draw(st.sampled_from([999, 999, 999, 0, len(packed) - 1]))])
    return vectors


def gate(draw: Callable[..., Any], pair: MarketPair, volume: int) -> None:
    """The committee's verdict, or its silence."""
    market = pair.chain
    verdict = draw(
        st.sampled_from([Verdict.ACCEPT, Verdict.CAP, Verdict.CURTAIL, Verdict.VOID, Verdict.EXPIRED])
    )
    if verdict == Verdict.EXPIRED:
        pair.time = CONFIG.report_deadline(INTERVAL)
        pair.expire(INTERVAL)
        return
    accepted = {Verdict.ACCEPT: volume, Verdict.VOID: 0}.get(verdict, draw(st.integers(0, volume)))
    decided = verdict == Verdict.CURTAIL or draw(st.booleans())
    decisions = draw_decisions(draw, pair, accepted) if decided else []
    if verdict == Verdict.CURTAIL and not decisions:
        gate(draw, pair, volume)
        return
    loss_rate = draw(st.integers(0, CONFIG.max_loss_rate))
    pair.report(market.report_on(INTERVAL, verdict, accepted, decisions, loss_rate), decisions)


def meter(draw: Callable[..., Any], pair: MarketPair) -> None:
    """Attested or not, then overruled by any meters in any batch, some of them twice or forged."""
    market, state = pair.chain, pair.twin.interval(INTERVAL)
    pair.time = CONFIG.end(INTERVAL)
    if draw(st.booleans()):
        readings, delivered = draw_readings(draw, pair), draw(st.integers(0, state.volume))
        pair.attest(INTERVAL, readings, delivered, market.attestation(INTERVAL, readings, delivered))
    else:
        pair.time = CONFIG.attest_deadline(INTERVAL)
    for number, batch in enumerate(state.batches):
        for _ in range(draw(st.integers(0, 2))):
            signed = [
                market.signed_reading(
                    INTERVAL,
                    position,
                    record.participant if draw(st.integers(0, 3)) else 4,
                    draw(st.sampled_from([0, 150, 5000, 2**31])),
                    draw(st.integers(0, 300)),
                )
                for position, record in enumerate(batch.records)
                if draw(st.booleans())
            ]
            pair.overrule(INTERVAL, number, signed)
            pair.compare(INTERVAL)


def correct(draw: Callable[..., Any], pair: MarketPair) -> None:
    """One or two corrections of any of the batches; some are refused, by both."""
    state = pair.twin.interval(INTERVAL)
    for run in range(2, 2 + draw(st.integers(0, 2))):
        readings, delivered = draw_readings(draw, pair), draw(st.integers(0, 2 * state.volume))
        for number in draw(st.permutations(range(len(state.batches)))):
            try:
                pair.correct(INTERVAL, number, run, delivered, readings[number])
            except MarketError:
                continue
            finally:
                pair.compare_accounts()


def a_whole_interval(draw: Callable[..., Any], pair: MarketPair) -> None:
    if draw(st.booleans()):
        pair.suspend(BARRED)
    pair.time = CONFIG.start(INTERVAL) - 1000
    for _ in range(draw(st.integers(1, 3))):
        if "OperatingEnvelopes" in pair.chain.deployment.addresses and draw(st.booleans()):
            with contextlib.suppress(MarketError):
                pair.publish_envelope(draw_envelope(draw, pair.chain))
        pair.post(INTERVAL, draw_orders(draw, pair.chain))
    pair.compare(INTERVAL)
    pair.time = CONFIG.gate_closure(INTERVAL)
    volume = pair.clear(INTERVAL)
    gate(draw, pair, volume)
    pair.compare(INTERVAL)
    meter(draw, pair)
    pair.compare(INTERVAL)
    pair.time = CONFIG.readings_deadline(INTERVAL)
    for number in draw(st.permutations(range(len(pair.twin.interval(INTERVAL).batches)))):
        pair.settle(INTERVAL, number)
        pair.compare(INTERVAL)
    correct(draw, pair)
    for account in ACCOUNTS:
        energy = pair.twin.ledger[account].energy
        if energy > 0:
            try:
                pair.take_out_energy(account, energy)
            except MarketError:
                continue
    pair.compare_accounts()


@pytest.fixture(scope="module")
def charging() -> Iterator[MarketPair]:
    """A market whose committee may charge orders up to 25 base units a Wh for the network."""
    with open_network() as network:
        yield MarketPair(OnChainMarket(network, SIZE, config=replace(CONFIG, max_network_fee=25)))


@pytest.fixture(scope="module")
def enveloped() -> Iterator[MarketPair]:
    """A market that holds orders to operating envelopes."""
    with open_network() as network:
        yield MarketPair(OnChainMarket(network, SIZE, envelopes=True))


def examples(count: int) -> settings:
    """So many whole intervals, none shrunk: each is a few seconds of chain."""
    return settings(
        max_examples=count,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def played_and_taken_back(pair: MarketPair, data: st.DataObject) -> None:
    mark = pair.mark()
    try:
        a_whole_interval(data.draw, pair)
    finally:
        pair.back_to(mark)


@examples(8)
@given(data=st.data())
def test_any_interval_ends_as_in_the_twin(pair: MarketPair, data: st.DataObject) -> None:
    played_and_taken_back(pair, data)


@examples(8)
@given(data=st.data())
def test_any_interval_with_named_network_charges_ends_as_in_the_twin(
    charging: MarketPair, data: st.DataObject
) -> None:
    played_and_taken_back(charging, data)


@examples(8)
@given(data=st.data())
def test_any_interval_with_envelopes_ends_as_in_the_twin(enveloped: MarketPair, data: st.DataObject) -> None:
    played_and_taken_back(enveloped, data)
