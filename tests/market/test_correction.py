"""Corrections book differences: all runs together equal one settlement with the last readings."""

from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.market import SystemAccount
from peerwatt.market.errors import (
    MeterSignedReading,
    NotAttestedByOperator,
    NotCommitted,
    NotInCorrection,
    OldRun,
    SupplierShort,
    TooLate,
)

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
        correction = neighbourhood.correction(run, *readings, delivered=claimed)
        for batch in (1, 0):
            neighbourhood.twin.correct(neighbourhood.interval, batch, *correction)
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
    twin.correct(interval, 0, *settled.correction(2, [(0, 0), (0, 0)], [(0, 0), (0, 0)], delivered=0))
    fifth = settled.correction(5, *FIRST, delivered=500)
    twin.correct(interval, 0, *fifth)
    twin.correct(interval, 1, *fifth)
    assert [batch.settled.run for batch in twin.interval(interval).batches] == [5, 5]
    assert twin.ledger.delivered == 500


def test_a_batch_is_corrected_once_by_a_run_and_only_by_a_higher_one(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    with pytest.raises(OldRun):
        twin.correct(interval, 0, *settled.correction(1, *FIRST, delivered=500))
    second = settled.correction(2, *FIRST, delivered=500)
    assert all(entries.participant_cash == 0 for entries in twin.correct(interval, 0, *second))
    for again in (second, settled.correction(2, *FIRST, delivered=400)):
        with pytest.raises(OldRun):
            twin.correct(interval, 0, *again)


def test_correction_needs_the_metering_operators_signature(settled: Any) -> None:
    *correction, signature = settled.correction(2, *FIRST, delivered=500)
    for foreign in (b"", signature[:-1] + b"\0", settled.attestation(1, correction[2], 500)):
        with pytest.raises(NotAttestedByOperator):
            settled.twin.correct(settled.interval, 0, *correction, foreign)


def test_unsettled_or_unknown_batch_cannot_be_corrected(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.settle(interval, 0)
    correction = neighbourhood.correction(2, *FIRST, delivered=500)
    for place in ((interval, 1), (interval, 2), (interval + 1, 0)):
        with pytest.raises(NotCommitted):
            twin.correct(*place, *correction)


def test_correction_needs_a_reading_for_every_order_of_the_batch(settled: Any) -> None:
    short = settled.correction(2, FIRST[0], FIRST[1][:1], delivered=500)
    settled.twin.correct(settled.interval, 0, *short)
    for lacking in (short, settled.correction(2, FIRST[0], delivered=500)):
        with pytest.raises(NotInCorrection):
            settled.twin.correct(settled.interval, 1, *lacking)


def test_what_a_meter_signed_cannot_be_corrected(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 600)])
    for batch in (0, 1):
        twin.settle(interval, batch)
    before = neighbourhood.balances()
    correction = neighbourhood.correction(2, [(0, 599), (500, 0)], [(0, 400), (500, 0)], delivered=999)
    with pytest.raises(MeterSignedReading, match="Position 0"):
        twin.correct(interval, 0, *correction)
    assert neighbourhood.balances() == before
    twin.correct(interval, 1, *correction)


def test_correction_that_the_supplier_cannot_bear_waits_for_its_deposit(settled: Any) -> None:
    """The buyers' import falls from 200 and 500 Wh to 0: the supplier pays feed-in for 700 Wh more."""
    twin, interval = settled.twin, settled.interval
    correction = settled.correction(2, [(0, 600), (0, 0)], [(0, 400), (0, 0)], delivered=1000)
    twin.ledger.deposit(SystemAccount.SUPPLIER, -twin.ledger.supplier_equity)
    before = settled.balances()
    with pytest.raises(SupplierShort):
        twin.correct(interval, 0, *correction)
    assert settled.balances() == before
    twin.deposit(SystemAccount.SUPPLIER, 10**9)
    twin.correct(interval, 0, *correction)
    assert settled.balances() != before


def test_correction_that_helps_a_supplier_in_debt_is_booked(settled: Any) -> None:
    """The buyers' import rises to 1000 Wh each, at retail: the supplier's equity stays negative and rises."""
    twin, interval = settled.twin, settled.interval
    correction = settled.correction(2, [(0, 100), (1000, 0)], [(0, 400), (1000, 50)], delivered=500)
    twin.ledger.deposit(SystemAccount.SUPPLIER, -twin.ledger.supplier_equity - 10**9)
    twin.correct(interval, 0, *correction)
    assert -(10**9) < twin.ledger.supplier_equity < 0


def test_correction_window_at_its_boundary_second(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    closes = (interval + 1) * 900 + 30 * 86400
    correction = settled.correction(2, *FIRST, delivered=500)
    with pytest.raises(TooLate):
        twin.correct(interval, 0, *correction, now=closes)
    twin.correct(interval, 0, *correction, now=closes - 1)


def test_readings_that_the_operator_did_not_sign_correct_nothing(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    run, delivered, readings, signature = settled.correction(
        2, [(0, 0), (0, 0)], [(0, 0), (0, 0)], delivered=0
    )
    hashes = [keccak(packed) for packed in readings]
    other = readings[0][:-1] + b"\x01"
    with pytest.raises(NotInCorrection):
        twin.correct_batch(interval, 0, run, delivered, hashes, other, signature)
    twin.correct_batch(interval, 0, run, delivered, hashes, readings[0], signature)
