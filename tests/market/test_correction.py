"""Corrections book differences: all runs together equal one settlement with the last readings."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.market import SystemAccount
from peerwatt.market.errors import (
    MeterSignedReading,
    NotCommitted,
    NotInCorrection,
    OldRun,
    SupplierShort,
    TooEarly,
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
        neighbourhood.corrected(run, *readings, delivered=claimed)
        for batch in (1, 0):
            neighbourhood.twin.correct(neighbourhood.interval, batch)
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
    settled.corrected(2, [(0, 0), (0, 0)], [(0, 0), (0, 0)], delivered=0)
    twin.correct(interval, 0)
    settled.corrected(5, *FIRST, delivered=500)
    twin.correct(interval, 0)
    twin.correct(interval, 1)
    assert [batch.settled.run for batch in twin.interval(interval).batches] == [5, 5]
    assert twin.ledger.delivered == 500


def test_a_run_is_corrected_once_and_only_by_a_higher_one(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    with pytest.raises(OldRun):
        twin.correct(interval, 0)
    with pytest.raises(OldRun):
        settled.corrected(1, *FIRST, delivered=500)
    settled.corrected(2, *FIRST, delivered=500)
    with pytest.raises(OldRun):
        settled.corrected(2, *FIRST, delivered=400)
    assert all(entries.participant_cash == 0 for entries in twin.correct(interval, 0))
    with pytest.raises(OldRun):
        twin.correct(interval, 0)


def test_unsettled_batch_cannot_be_corrected(neighbourhood: Any) -> None:
    neighbourhood.traded()
    neighbourhood.twin.settle(neighbourhood.interval, 0)
    neighbourhood.corrected(2, *FIRST, delivered=500)
    with pytest.raises(NotCommitted):
        neighbourhood.twin.correct(neighbourhood.interval, 1)


def test_correction_of_one_batch_leaves_the_others(settled: Any) -> None:
    settled.corrected(2, FIRST[0], delivered=500)
    settled.twin.correct(settled.interval, 0)
    with pytest.raises(NotInCorrection):
        settled.twin.correct(settled.interval, 1)


def test_what_a_meter_signed_cannot_be_corrected(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.overrule(interval, 0, [neighbourhood.signed_reading(0, 4, 0, 600)])
    for batch in (0, 1):
        twin.settle(interval, batch)
    before = neighbourhood.balances()
    neighbourhood.corrected(2, [(0, 599), (500, 0)], [(0, 400), (500, 0)], delivered=999)
    with pytest.raises(MeterSignedReading, match="Position 0"):
        twin.correct(interval, 0)
    assert neighbourhood.balances() == before
    # Nor by readings that cannot be read, which would count as missing.
    unreadable = [twin.interval(interval).batches[0].readings + b"\0", b""]
    twin.attest_correction(interval, 3, unreadable, 0, neighbourhood.attestation(3, unreadable, 0))
    with pytest.raises(MeterSignedReading):
        twin.correct(interval, 0)
    twin.correct(interval, 1)


def test_correction_that_the_supplier_cannot_bear_waits_for_its_deposit(settled: Any) -> None:
    """The buyers' import falls from 200 and 500 Wh to 0: the supplier pays feed-in for 700 Wh more."""
    twin, interval = settled.twin, settled.interval
    settled.corrected(2, [(0, 600), (0, 0)], [(0, 400), (0, 0)], delivered=1000)
    twin.ledger.deposit(SystemAccount.SUPPLIER, -twin.ledger.supplier_equity)
    before = settled.balances()
    with pytest.raises(SupplierShort):
        twin.correct(interval, 0)
    assert settled.balances() == before
    twin.deposit(SystemAccount.SUPPLIER, 10**9)
    twin.correct(interval, 0)
    assert settled.balances() != before


def test_correction_that_helps_a_supplier_in_debt_is_booked(settled: Any) -> None:
    """The buyers' import rises to 1000 Wh each, at retail: the supplier's equity stays negative and rises."""
    twin, interval = settled.twin, settled.interval
    settled.corrected(2, [(0, 100), (1000, 0)], [(0, 400), (1000, 50)], delivered=500)
    twin.ledger.deposit(SystemAccount.SUPPLIER, -twin.ledger.supplier_equity - 10**9)
    twin.correct(interval, 0)
    assert -(10**9) < twin.ledger.supplier_equity < 0


def test_correction_window_at_its_boundary_seconds(settled: Any) -> None:
    twin, interval = settled.twin, settled.interval
    end = (interval + 1) * 900
    opens, closes = end + 3600 + 1800, end + 30 * 86400
    signature = settled.attestation(2, [], 0)
    with pytest.raises(TooEarly):
        twin.attest_correction(interval, 2, [], 0, signature, now=opens - 1)
    with pytest.raises(TooLate):
        twin.attest_correction(interval, 2, [], 0, signature, now=closes)
    twin.attest_correction(interval, 2, [], 0, signature, now=closes - 1)
