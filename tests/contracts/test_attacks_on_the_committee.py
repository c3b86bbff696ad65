"""Reports that no quorum of the interval's committee gave, or that say what no report may."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    OnChainMarket,
    committee_key,
    wallet,
)
from refusals import refused

from peerwatt.messages import (
    Verdict,
)
from peerwatt.messages.signature import CURVE_ORDER

INTERVAL = FIRST_INTERVAL


def quorum_attempt(market: OnChainMarket, members: list[int], bits: int) -> Callable[[], Any]:
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signatures = b"".join(report.sign(market.domain, committee_key(member)) for member in members)
    return lambda: market.client.report(report, [], bits, signatures)


@pytest.mark.parametrize(
    ("members", "bits"),
    [
        ([0, 1], 0b0011),
        ([0, 1, 1], 0b0111),
        ([0, 1, 1], 0b0011),
        ([1, 0, 2], 0b0111),
        ([0, 1, 2, 3], 0b1111),
        ([0, 1, 9], 0b1011),
        ([0, 1, 2], 0b10011),
        ([0, 1, 2], 0b111 | 1 << 255),
        ([], 0),
    ],
    ids=[
        "below the quorum",
        "one signer under two bits",
        "one signer twice",
        "out of order",
        "above the quorum",
        "a stranger",
        "a bit beyond the committee",
        "a further bit",
        "nobody",
    ],
)
def test_report_needs_exactly_a_quorum_in_order(market: OnChainMarket, members: list[int], bits: int) -> None:
    market.traded()
    refused("NoQuorum", quorum_attempt(market, members, bits))
    quorum_attempt(market, [0, 2, 3], 0b1101)()


def test_rotated_out_keys_judge_the_intervals_that_were_open_and_no_others(market: OnChainMarket) -> None:
    market.at(CONFIG.start(INTERVAL) - 1100)
    gate = market.deployment.contract(market.network, "GridGate").functions
    newcomers = [wallet(500 + member).address for member in range(4)]
    now = CONFIG.start(INTERVAL) - 1100
    first_untouched = CONFIG.last_open(now) + 1
    refused("TooSoon", lambda: market.sender.send(gate.scheduleCommittee(first_untouched - 1, newcomers, 3)))
    market.sender.send(gate.scheduleCommittee(first_untouched, newcomers, 3))
    market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)

    later = first_untouched
    market.traded(later)
    report = market.report_on(later, Verdict.ACCEPT, 1000)
    refused("NoQuorum", lambda: market.client.report(report, [], *market.quorum_of(report)))
    signatures = b"".join(report.sign(market.domain, wallet(500 + member).key) for member in range(3))
    market.client.report(report, [], 0b111, signatures)


def test_second_conflicting_report_is_refused(market: OnChainMarket) -> None:
    market.traded()
    void = market.report_on(INTERVAL, Verdict.VOID, 0)
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    refused("WrongPhase", lambda: market.client.report(void, [], *market.quorum_of(void)))
    refused("WrongPhase", lambda: market.client.expire(INTERVAL))


def test_report_about_another_clearing_is_refused(market: OnChainMarket) -> None:
    market.traded()
    right = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    wrong = replace(right, clearing_hash=bytes(32))
    refused("OtherClearing", lambda: market.client.report(wrong, [], *market.quorum_of(wrong)))


def test_report_cannot_add_trade_or_charge_more_than_the_maximum(market: OnChainMarket) -> None:
    market.traded()
    for error, report in (
        ("VolumeTooLarge", market.report_on(INTERVAL, Verdict.CAP, 1001)),
        ("VolumeTooLarge", market.report_on(INTERVAL, Verdict.VOID, 1)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.ACCEPT, 999)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.EXPIRED, 0)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.NONE, 0)),
        ("LossRateTooHigh", market.report_on(INTERVAL, Verdict.ACCEPT, 1000, loss_rate=50_001)),
        ("DecisionsMismatch", market.report_on(INTERVAL, Verdict.CURTAIL, 1000)),
    ):
        refused(error, lambda report=report: market.client.report(report, [], *market.quorum_of(report)))


def test_report_about_the_clearing_of_another_interval_is_refused(market: OnChainMarket) -> None:
    """Two intervals with the same trade: a verdict on the one is none on the other."""
    market.traded()
    earlier = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signers, signatures = market.quorum_of(earlier)
    market.traded(INTERVAL + 1)
    other = replace(earlier, interval=INTERVAL + 1)
    refused("OtherClearing", lambda: market.client.report(other, [], *market.quorum_of(other)))
    right = market.report_on(INTERVAL + 1, Verdict.ACCEPT, 1000)
    refused("NoQuorum", lambda: market.client.report(right, [], signers, signatures))
    market.client.report(right, [], *market.quorum_of(right))


def test_committee_signatures_of_another_form_are_refused(market: OnChainMarket) -> None:
    market.traded()
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signers, good = market.quorum_of(report)
    r, vs = int.from_bytes(good[:32], "big"), int.from_bytes(good[32:64], "big")
    s, parity = vs & ((1 << 255) - 1), vs >> 255
    for words in ((r, CURVE_ORDER - s), (r, 0), (0, vs), (r, vs ^ 1 << 255), (r ^ 1, vs), (0, 0)):
        first = b"".join(word.to_bytes(32, "big") for word in words)
        refused("NoQuorum", lambda first=first: market.client.report(report, [], signers, first + good[64:]))
    long_form = good[:32] + s.to_bytes(32, "big") + bytes([27 + parity]) + good[64:]
    for signatures in (long_form, good[:-1], good + b"\0", b""):
        refused(
            "NoQuorum",
            lambda signatures=signatures: market.client.report(report, [], signers, signatures),
        )
    market.client.report(report, [], signers, good)
