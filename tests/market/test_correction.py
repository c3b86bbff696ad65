"""Corrections book differences: all runs together equal one settlement with the last readings."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.market import SystemAccount
from peerwatt.market.errors import (
    AboveCorrectionCap,
    AlreadyContested,
    AlreadyProposed,
    ContestedReading,
    IsCancelled,
    MeterSignedReading,
    NotAttestedByOperator,
    NotCommitted,
    NotInCorrection,
    NotProposed,
    NotSignedByMeter,
    OldRun,
    SupplierShort,
    TooEarly,
    TooLate,
)
from peerwatt.messages import MeterReading
from tests.market.conftest import packed

FIRST = ([(0, 100), (200, 0)], [(0, 400), (500, 50)])

reading = st.tuples(st.integers(0, 1200), st.integers(0, 1200))
batches = st.tuples(*(st.tuples(reading, reading),) * 2)
delivered = st.integers(0, 1000)


@pytest.fixture
def settled(neighbourhood: Any) -> Any:
    neighbourhood.traded()
    neighbourhood.attested(*FIRST, delivered=500)
    for batch in (0, 1):
        neighbourhood.twin.settle(neighbourhood.interval, batch)
    return neighbourhood


def runs_of(neighbourhood: Any, runs: list[Any]) -> list[tuple[int, int]]:
    """Balances after a settlement by the first run and corrections by the others."""
    (first, first_delivered), *corrections = runs
    neighbourhood.twin.check_signatures = False
    neighbourhood.traded()
    neighbourhood.attested(*first, delivered=first_delivered)
    for batch in (0, 1):
        neighbourhood.twin.settle(neighbourhood.interval, batch)
    for run, (readings, claimed) in enumerate(corrections, start=2):
        for batch in (1, 0):
            neighbourhood.twin.correct(*neighbourhood.correction(batch, run, readings[batch], claimed))
    balances = neighbourhood.balances()
    assert isinstance(balances, list)
    return balances


@settings(max_examples=25, deadline=None)
@given(runs=st.lists(st.tuples(batches, delivered), min_size=2, max_size=4))
def test_settling_and_correcting_equals_settling_with_the_last_readings(
    neighbourhood_type: Any, runs: list[Any]
) -> None:
    corrected = neighbourhood_type()
    assert runs_of(corrected, runs) == runs_of(neighbourhood_type(), runs[-1:])
    ledger = corrected.twin.ledger
    assert (ledger.cash_error, ledger.energy_error) == (0, 0)


def test_a_batch_may_skip_a_run(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    twin.correct(*settled.correction(0, 2, [(0, 0), (0, 0)], 0))
    for batch in (0, 1):
        twin.correct(*settled.correction(batch, 5, FIRST[batch], 500))
    assert [batch.settled.run for batch in twin.interval(interval).batches] == [5, 5]
    assert twin.ledger.delivered == 500


def test_a_batch_is_corrected_once_by_a_run_and_only_by_a_higher_one(settled: Any) -> None:
    twin = settled.twin
    with pytest.raises(OldRun):
        twin.correct(*settled.correction(0, 1, FIRST[0], 500))
    second = settled.correction(0, 2, FIRST[0], 500)
    assert all(entries.participant_cash == 0 for entries in twin.correct(*second))
    with pytest.raises(AlreadyProposed):
        settled.correction(0, 2, FIRST[0], 500)
    for again in (second, settled.correction(0, 2, FIRST[0], 400)):
        with pytest.raises(OldRun):
            twin.correct(*again)


def test_correction_needs_the_metering_operators_signature(settled: Any) -> None:
    corrections, place = settled.twin.corrections, (settled.interval, 0, 2, 500)
    unread = settled.twin.interval(settled.interval).batches[0].unread
    signature = settled.signature(0, 2, packed(FIRST[0]), 500)
    of_other_batch, of_other_run = (settled.signature(*of, packed(FIRST[0]), 500) for of in ((1, 2), (0, 3)))
    for foreign in (b"", signature[:-1] + b"\0", of_other_batch, of_other_run):
        with pytest.raises(NotAttestedByOperator):
            corrections.propose(*place, unread, packed(FIRST[0]), foreign)
    for readings, batch in ((packed(FIRST[1]), unread), (packed(FIRST[0]), bytes(32))):
        with pytest.raises(NotAttestedByOperator):
            corrections.propose(*place, batch, readings, signature)
    corrections.propose(*place, unread, packed(FIRST[0]), signature)


def test_unsettled_or_unknown_batch_cannot_be_corrected(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.settle(interval, 0)
    _, _, *correction = neighbourhood.correction(0, 2, FIRST[0], 500)
    for place in ((interval, 1), (interval, 2), (interval + 1, 0)):
        with pytest.raises(NotCommitted):
            twin.correct(*place, *correction)


def test_correction_needs_a_reading_for_every_order_of_the_batch(settled: Any) -> None:
    for lacking, error in ((FIRST[1][:1], NotInCorrection), ([], NotProposed)):
        correction = settled.correction(1, 2, lacking, 500)
        with pytest.raises(error):
            settled.twin.correct(*correction)


def test_what_a_meter_signed_cannot_be_corrected(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 600)])
    for batch in (0, 1):
        twin.settle(interval, batch)
    before = neighbourhood.balances()
    with pytest.raises(MeterSignedReading, match="Position 0"):
        twin.correct(*neighbourhood.correction(0, 2, [(0, 599), (500, 0)], 999))
    assert neighbourhood.balances() == before
    twin.correct(*neighbourhood.correction(1, 2, [(0, 400), (500, 0)], 999))


def test_correction_that_the_supplier_cannot_bear_waits_for_its_deposit(settled: Any) -> None:
    """The seller exports 500 Wh more and the buyer draws 200 Wh less: the supplier pays for both."""
    twin = settled.twin
    correction = settled.correction(0, 2, [(0, 600), (0, 0)], 1000)
    twin.withdraw(SystemAccount.SUPPLIER, twin.free_balance(SystemAccount.SUPPLIER))
    before = settled.balances()
    with pytest.raises(SupplierShort):
        twin.correct(*correction)
    assert settled.balances() == before
    twin.deposit(SystemAccount.SUPPLIER, 500 * 300 + 200 * 80 - 1)
    with pytest.raises(SupplierShort, match="1 base unit"):
        twin.correct(*correction)
    twin.deposit(SystemAccount.SUPPLIER, 1)
    twin.correct(*correction)
    assert twin.free_balance(SystemAccount.SUPPLIER) == 0
    assert settled.balances() != before


def test_correction_that_helps_a_supplier_in_debt_is_booked(settled: Any) -> None:
    """The buyer's import rises to 1000 Wh, at retail: the supplier's equity stays negative and rises."""
    twin = settled.twin
    correction = settled.correction(0, 2, [(0, 100), (1000, 0)], 500)
    twin.ledger.deposit(SystemAccount.SUPPLIER, -twin.ledger.supplier_equity - 10**9)
    twin.correct(*correction)
    assert -(10**9) < twin.ledger.supplier_equity < 0


def test_correction_windows_at_their_boundary_seconds(settled: Any) -> None:
    twin, interval, config = settled.twin, settled.interval, settled.twin.config
    closes = (interval + 1) * 900 + 30 * 86400
    for now, error in ((config.readings_deadline(interval) - 1, TooEarly), (closes, TooLate)):
        with pytest.raises(error):
            settled.correction(0, 2, FIRST[0], 500, now=now)
    correction = settled.correction(0, 2, FIRST[0], 500, now=closes - 1)
    since, last = closes - 1 + 86400, closes + 2 * 86400
    for now, error in ((since - 1, TooEarly), (last, TooLate)):
        with pytest.raises(error):
            twin.correct(*correction, now=now)
    twin.correct(*correction, now=last - 1)


def test_readings_that_nobody_proposed_correct_nothing(settled: Any) -> None:
    *place, readings = settled.correction(0, 2, [(0, 0), (0, 0)], 0)
    for other in (readings[:-1] + b"\x01", b"", readings[:8]):
        with pytest.raises(NotProposed):
            settled.twin.correct(*place, other)
    settled.twin.correct(*place, readings)


def test_corrections_of_a_day_move_no_more_than_the_cap(settled: Any) -> None:
    """What one account loses does not pay for what another gains, nor one correction for another."""
    twin = settled.twin
    # The seller exports 100 Wh more of what it sold, the buyer draws 300 Wh more of what it bought.
    twin.config = replace(twin.config, correction_cap=100 * 300 + 300 * 80)
    up = settled.correction(0, 2, [(0, 200), (500, 0)], 600)
    with pytest.raises(AboveCorrectionCap):
        twin.correct(*settled.correction(0, 3, [(0, 201), (500, 0)], 601), now=10 * 86400)
    twin.correct(*up, now=10 * 86400)
    assert twin.corrections.left(10 * 86400) == 0
    back = settled.correction(0, 4, FIRST[0], 500)
    with pytest.raises(AboveCorrectionCap):
        twin.correct(*back, now=11 * 86400 - 1)
    twin.correct(*back, now=11 * 86400)


def test_what_a_meter_said_binds_every_later_correction(settled: Any) -> None:
    twin, corrections = settled.twin, settled.twin.corrections
    reading = MeterReading(settled.interval, 4, 0, 100, 10**9, 10**9)
    other = replace(reading, exported=99)
    for forged in (settled.meters_signature(other, 4), settled.meters_signature(reading, 5)):
        with pytest.raises(NotSignedByMeter):
            corrections.contest(reading, forged)
    corrections.contest(reading, settled.meters_signature(reading, 4))
    with pytest.raises(AlreadyContested):
        corrections.contest(reading, settled.meters_signature(reading, 4))
    for lie in ((0, 101), (1, 99)):
        with pytest.raises(ContestedReading, match="account 4"):
            twin.correct(*settled.correction(0, 2, [lie, (200, 0)], 500))
    twin.correct(*settled.correction(0, 2, [(0, 100), (300, 0)], 500))


def test_a_cancelled_correction_is_not_booked(settled: Any) -> None:
    twin = settled.twin
    correction = settled.correction(0, 2, FIRST[0], 500)
    twin.corrections.cancel(settled.said(*correction))
    with pytest.raises(IsCancelled):
        twin.correct(*correction)
    with pytest.raises(AlreadyProposed):
        settled.correction(0, 2, FIRST[0], 500)
    twin.correct(*settled.correction(0, 3, FIRST[0], 500))
