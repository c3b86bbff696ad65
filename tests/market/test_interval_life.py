"""An interval goes from posting to correction, each step under its own conditions."""

from typing import Any

import pytest

from peerwatt.market import Phase, SystemAccount
from peerwatt.market.errors import (
    AlreadyAttested,
    AlreadySettled,
    BadVerdict,
    BatchCountMismatch,
    DecisionsMismatch,
    LossRateTooHigh,
    NotAttestedByOperator,
    OtherClearing,
    TooEarly,
    TooLate,
    UnknownBatch,
    VolumeTooLarge,
    WrongPhase,
)
from peerwatt.messages import (
    CodecError,
    Decision,
    Reading,
    ReadingStatus,
    Side,
    SignedReading,
    Verdict,
    clearing_hash,
    encode_decisions,
    encode_readings,
    encode_records,
    gated_commitment,
    metered_commitment,
    posted_commitments,
)

BUY, SELL = Side.BUY, Side.SELL
DELIVERED = ([(0, 600), (500, 0)], [(0, 400), (500, 0)])
SPLIT = [
    encode_decisions([Decision(300, 0, 0), Decision(0, 300, 0)]),
    encode_decisions([Decision(200, 0, 0), Decision(0, 200, 0)]),
]


def cleared(neighbourhood: Any) -> Any:
    """The same trades as ``traded``, before the report."""
    twin, interval = neighbourhood.twin, neighbourhood.interval
    for seller, buyer, sold in ((4, 6, 600), (5, 7, 400)):
        orders = [neighbourhood.order(seller, (SELL, 20, sold)), neighbourhood.order(buyer, (BUY, 40, 500))]
        twin.post(interval, orders)
    twin.clear(interval)
    return twin


def test_everybody_is_paid_and_the_pool_is_empty_again(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    before = neighbourhood.balances()
    neighbourhood.traded()
    neighbourhood.attested(*DELIVERED, delivered=1000)
    twin.settle(interval, 0)
    twin.settle(interval, 1)
    change = [
        (now - then, energy)
        for (now, energy), (then, _) in zip(neighbourhood.balances(), before, strict=True)
    ]
    price = 130  # tick 30, the midpoint of 20 and 40
    assert change == [
        (0, 0),
        (20 * 1000, 0),
        (0, 0),
        (0, 0),
        (price * 600, 0),
        (price * 400, 0),
        (-(price + 20) * 500, 500),
        (-(price + 20) * 500, 500),
    ]
    assert twin.interval(interval).is_settled


def test_commitments_follow_the_phases(neighbourhood: Any) -> None:
    twin, interval = cleared(neighbourhood), neighbourhood.interval
    state = twin.interval(interval)
    posted = posted_commitments(interval, [encode_records(batch.records) for batch in state.batches])
    assert tuple(batch.commitment for batch in state.batches) == posted
    assert state.clearing_hash == clearing_hash(interval, state.cleared.pack(), posted)
    twin.report(neighbourhood.network_report(Verdict.CURTAIL, 500, SPLIT), SPLIT)
    gated = [gated_commitment(word, packed) for word, packed in zip(posted, SPLIT, strict=True)]
    assert [batch.commitment for batch in state.batches] == gated
    twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 300)])
    readings = [Reading(ReadingStatus.METER_SIGNED, 0, 300), Reading(ReadingStatus.MISSING, 0, 0)]
    assert state.batches[0].commitment == metered_commitment(gated[0], encode_readings(readings))


@pytest.mark.parametrize(
    ("verdict", "volume", "error"),
    [
        (Verdict.ACCEPT, 999, BadVerdict),
        (Verdict.ACCEPT, 1001, VolumeTooLarge),
        (Verdict.CAP, 1001, VolumeTooLarge),
        (Verdict.CURTAIL, 1001, VolumeTooLarge),
        (Verdict.CURTAIL, 500, DecisionsMismatch),
        (Verdict.VOID, 1, VolumeTooLarge),
        (Verdict.NONE, 0, BadVerdict),
        (Verdict.EXPIRED, 0, BadVerdict),
    ],
)
def test_report_that_contradicts_itself_is_refused(
    neighbourhood: Any, verdict: Verdict, volume: int, error: type[Exception]
) -> None:
    twin = cleared(neighbourhood)
    with pytest.raises(error):
        twin.report(neighbourhood.network_report(verdict, volume))
    assert twin.interval(neighbourhood.interval).phase == Phase.CLEARED


def test_report_on_another_outcome_is_refused(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    twin.post(interval, [neighbourhood.order(4, (SELL, 20, 600))])
    stale = neighbourhood.network_report(Verdict.VOID, 0)
    twin.post(interval, [neighbourhood.order(6, (BUY, 40, 600))])
    with pytest.raises(WrongPhase):
        twin.report(stale)
    twin.clear(interval)
    with pytest.raises(OtherClearing):
        twin.report(stale)


def test_decisions_must_be_the_signed_ones_and_one_string_per_batch(neighbourhood: Any) -> None:
    twin = cleared(neighbourhood)
    report = neighbourhood.network_report(Verdict.CURTAIL, 500, SPLIT)
    with pytest.raises(DecisionsMismatch):
        twin.report(report, SPLIT[::-1])
    with pytest.raises(DecisionsMismatch):
        twin.report(report)
    with pytest.raises(BatchCountMismatch):
        twin.report(neighbourhood.network_report(Verdict.CURTAIL, 500, SPLIT[:1]), SPLIT[:1])
    with pytest.raises(LossRateTooHigh):
        twin.report(neighbourhood.network_report(Verdict.CURTAIL, 500, SPLIT, loss_rate=50_001), SPLIT)
    twin.report(report, SPLIT)


def test_silence_expires_after_the_deadline_only(neighbourhood: Any) -> None:
    twin, interval = cleared(neighbourhood), neighbourhood.interval
    deadline = interval * 900 - 300 + 240
    with pytest.raises(TooEarly):
        twin.expire(interval, now=deadline - 1)
    with pytest.raises(TooLate):
        twin.report(neighbourhood.network_report(Verdict.ACCEPT, 1000), now=deadline)
    twin.expire(interval, now=deadline)
    assert (twin.interval(interval).verdict, twin.interval(interval).volume) == (Verdict.EXPIRED, 0)
    with pytest.raises(WrongPhase):
        twin.expire(interval, now=deadline)


def test_readings_windows_at_their_boundary_seconds(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    end = (interval + 1) * 900
    attest_deadline, readings_deadline = end + 3600, end + 3600 + 1800
    readings = [encode_readings(Reading(ReadingStatus.ATTESTED, *r) for r in batch) for batch in DELIVERED]
    signature = neighbourhood.attestation(readings, 1000)
    for now, error in ((end - 1, TooEarly), (attest_deadline, TooLate)):
        with pytest.raises(error):
            twin.attest(interval, readings, 1000, signature, now=now)
    with pytest.raises(TooEarly):
        twin.overrule(interval, 0, [], now=attest_deadline - 1)
    twin.attest(interval, readings, 1000, signature, now=end)
    twin.overrule(interval, 0, [], now=end)
    with pytest.raises(TooLate):
        twin.overrule(interval, 0, [], now=readings_deadline)
    with pytest.raises(TooEarly):
        twin.settle(interval, 0, now=readings_deadline - 1)
    twin.settle(interval, 0, now=readings_deadline)


def test_attestation_is_the_operators_for_all_batches_and_once(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    readings = [encode_readings(Reading(ReadingStatus.ATTESTED, *r) for r in batch) for batch in DELIVERED]
    with pytest.raises(VolumeTooLarge):
        twin.attest(interval, readings, 1001, neighbourhood.attestation(readings, 1001))
    with pytest.raises(BatchCountMismatch):
        twin.attest(interval, readings[:1], 600, neighbourhood.attestation(readings[:1], 600))
    for forged in (neighbourhood.attestation(readings, 999), bytes(64), b""):
        with pytest.raises(NotAttestedByOperator):
            twin.attest(interval, readings, 1000, forged)
    neighbourhood.attested(*DELIVERED, delivered=1000)
    with pytest.raises(AlreadyAttested):
        neighbourhood.attested(*DELIVERED, delivered=1000)


def test_a_meter_overrules_the_attested_reading_once(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    neighbourhood.attested([(0, 100), (500, 0)], [(0, 400), (500, 0)], delivered=500)
    assert twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 550)]) == ()
    assert twin.interval(interval).delivered == 950
    assert twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 600)]) == (0,)
    assert twin.interval(interval).delivered == 950


def test_readings_that_no_meter_signed_are_skipped(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    good = neighbourhood.signed_reading(0, 4, 0, 600)
    forged = SignedReading(1, 400, 0, 0, 0, good.signature)
    too_large = neighbourhood.signed_reading(1, 6, 1 << 31, 0)
    beyond = neighbourhood.signed_reading(2, 4, 0, 600)
    assert twin.overrule(interval, 0, [good, forged, beyond]) == (1, 2)
    assert twin.overrule(interval, 0, [too_large]) == (1,)
    assert twin.interval(interval).delivered == 600
    with pytest.raises(CodecError):
        twin.overrule(interval, 0, [good, good])
    with pytest.raises(UnknownBatch):
        twin.overrule(interval, 2, [])


def test_delivered_stays_within_the_accepted_volume(neighbourhood: Any) -> None:
    """1000 Wh are attested: what a meter adds finds no room, what a meter denies is taken off."""
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    neighbourhood.attested([(0, 0), (500, 0)], [(0, 400), (500, 0)], delivered=1000)
    twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 600)])
    assert twin.interval(interval).delivered == 1000
    twin.overrule(interval, 1, [neighbourhood.signed_reading(0, 5, 0, 0)])
    assert twin.interval(interval).delivered == 600


def test_batch_settles_once(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.settle(interval, 0)
    with pytest.raises(AlreadySettled):
        twin.settle(interval, 0)
    with pytest.raises(UnknownBatch):
        twin.settle(interval, 2)
    with pytest.raises(WrongPhase):
        twin.settle(interval + 1, 0)


def test_curtailed_interval_pays_only_what_was_accepted(neighbourhood: Any) -> None:
    twin, interval = cleared(neighbourhood), neighbourhood.interval
    before = neighbourhood.balances()
    twin.report(neighbourhood.network_report(Verdict.CURTAIL, 500, SPLIT), SPLIT)
    neighbourhood.attested([(0, 600), (300, 0)], [(0, 400), (200, 0)], delivered=500)
    for batch in (0, 1):
        twin.settle(interval, batch)
    change = [now[0] - then[0] for now, then in zip(neighbourhood.balances(), before, strict=True)]
    assert change[4:] == [130 * 300, 130 * 200, -150 * 300, -150 * 200]
    assert change[SystemAccount.COMMUNITY] == 0
    assert [energy for _, energy in neighbourhood.balances()][6:] == [300, 200]
