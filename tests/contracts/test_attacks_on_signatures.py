"""Signatures used where they were not given for, forged, or bent."""

from dataclasses import replace

import pytest
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    METERING_OPERATOR,
    OnChainMarket,
    committee_key,
    meter_key,
    signed_order,
    wallet,
)
from refusals import missing, only_skip, opened, refused

from peerwatt.messages import (
    Domain,
    MeterAttestation,
    MeterCorrection,
    MeterReading,
    Side,
    SkipReason,
    Verdict,
    metered_hash,
)
from peerwatt.messages.signature import CURVE_ORDER

INTERVAL = FIRST_INTERVAL


def test_order_replayed_in_another_interval_is_skipped(market: OnChainMarket) -> None:
    market.at(CONFIG.start(INTERVAL) - 1300)
    order = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    assert market.client.post(INTERVAL, [order]).batch == 0
    assert only_skip(market, order) == SkipReason.DUPLICATE_ORDER
    assert only_skip(market, order, INTERVAL - 1) == SkipReason.BAD_SIGNATURE


@pytest.mark.parametrize("other", ["market", "chain"])
def test_order_signed_for_another_market_or_chain_is_skipped(market: OnChainMarket, other: str) -> None:
    opened(market)
    here = market.domain
    foreign = Domain(here.chain_id, wallet(9).address) if other == "market" else Domain(1, here.market)
    order = signed_order(foreign, INTERVAL, 4, [(Side.SELL, 20, 600)])
    assert only_skip(market, order) == SkipReason.BAD_SIGNATURE


def test_report_and_attestation_of_another_market_are_refused(market: OnChainMarket) -> None:
    batches = market.traded()
    foreign = Domain(market.domain.chain_id, wallet(9).address)
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signatures = b"".join(report.sign(foreign, committee_key(member)) for member in range(3))
    refused("NoQuorum", lambda: market.client.report(report, [], 0b111, signatures))
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.end(INTERVAL))
    readings = missing(*batches)
    words = [market.client.batch_commitment(INTERVAL, batch) for batch in (0, 1)]
    for signature in (
        market.attestation(INTERVAL, readings, 0, foreign),
        market.attestation(INTERVAL, readings, 1),
        MeterAttestation(INTERVAL + 1, metered_hash(words, readings), 0).sign(
            market.domain, METERING_OPERATOR
        ),
        # A report and a correction name words of batches, too.
        MeterCorrection(INTERVAL, 0, 1, metered_hash(words, readings), 0).sign(
            market.domain, METERING_OPERATOR
        ),
        bytes(64),
        b"",
    ):
        refused(
            "NotAttestedByOperator",
            lambda signature=signature: market.client.attest(INTERVAL, readings, 0, signature),
        )


def test_high_s_and_malformed_signatures_are_skipped(market: OnChainMarket) -> None:
    opened(market)
    good = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    r, vs = int.from_bytes(good.signature[:32], "big"), int.from_bytes(good.signature[32:], "big")
    s, parity = vs & ((1 << 255) - 1), vs >> 255
    high = (CURVE_ORDER - s) | ((1 - parity) << 255)
    for words in (
        (r, high % (1 << 256)),
        (r, CURVE_ORDER - s),
        (r, 0),
        (0, vs),
        (CURVE_ORDER, vs),
        (r ^ 1, vs),
        (r, vs ^ (1 << 255)),
        (0, 0),
    ):
        forged = replace(good, signature=b"".join(word.to_bytes(32, "big") for word in words))
        assert only_skip(market, forged) == SkipReason.BAD_SIGNATURE
    assert market.client.post(INTERVAL, [good]).batch == 0


def test_participant_index_cannot_be_forged(market: OnChainMarket) -> None:
    opened(market)
    mine = market.order(INTERVAL, 4, (Side.BUY, 40, 600))
    theirs = replace(mine, order=replace(mine.order, participant=5))
    assert only_skip(market, theirs) == SkipReason.BAD_SIGNATURE
    for stranger in (0, 1, 2, 3, 10, 95, 96, 65535):
        order = replace(mine, order=replace(mine.order, participant=stranger))
        assert only_skip(market, order) == SkipReason.UNKNOWN_PARTICIPANT


def test_meter_cannot_sign_for_its_neighbour(market: OnChainMarket) -> None:
    [batch, _] = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.attest_deadline(INTERVAL))
    neighbours = replace(market.signed_reading(INTERVAL, 0, 5, 0, 600), position=0)
    _, readings = market.client.overrule(INTERVAL, 0, batch, [neighbours])
    assert readings == bytes(16)


def test_reading_signed_for_another_interval_or_market_does_not_count(market: OnChainMarket) -> None:
    [batch, _] = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.attest_deadline(INTERVAL))
    earlier = market.signed_reading(INTERVAL - 1, 0, 4, 0, 600)
    message = MeterReading(INTERVAL, 4, 0, 600, 10**9, 10**9)
    foreign = message.signed(0, Domain(market.domain.chain_id, wallet(9).address), meter_key(4))
    for replayed in (earlier, foreign):
        _, readings = market.client.overrule(INTERVAL, 0, batch, [replayed])
        assert readings == bytes(16)
        batch = replace(batch, readings=readings)
    right = message.signed(0, market.domain, meter_key(4))
    _, readings = market.client.overrule(INTERVAL, 0, batch, [right])
    assert readings != bytes(16)
