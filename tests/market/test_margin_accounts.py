"""Money leaves above the margin only, energy as far as it was delivered, and everybody can exit."""

from typing import Any

import pytest

from peerwatt.market import Participant, Status, SystemAccount
from peerwatt.market.errors import (
    AboveEnergyCredit,
    AboveFreeBalance,
    AboveSupplierCover,
    AlreadyLeaving,
    BalanceOverflow,
    NotLeaving,
    NotWallet,
    OpenPosition,
    UnknownAccount,
)
from peerwatt.market.participant_registry import Party
from peerwatt.messages import FieldError, Side, SkipReason
from tests.market.conftest import LIMIT

MARGIN = 16 * (1000 + 1000) * 400  # ring size, Wh of both connection limits, margin price


def test_margin_covers_every_interval_that_may_be_unsettled(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    assert twin.margin(4) == MARGIN
    assert twin.margin(SystemAccount.SUPPLIER) == 4 * MARGIN
    assert twin.margin(SystemAccount.GRID_OPERATOR) == 0


def test_withdrawal_stops_at_the_margin(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    twin.deposit(4, 100)
    with pytest.raises(AboveFreeBalance, match="100 are above its margin"):
        twin.withdraw(4, 101)
    twin.withdraw(4, 100)
    assert twin.free_balance(4) == 0


def test_supplier_stands_for_the_debts_of_others(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    free = twin.free_balance(SystemAccount.SUPPLIER)
    twin.ledger.add(5, cash=-MARGIN - 70)
    twin.ledger.add(6, cash=-MARGIN - 30)
    assert twin.ledger.total_debt == 100
    assert twin.free_balance(SystemAccount.SUPPLIER) == free - 100


def test_energy_is_taken_out_as_far_as_it_was_delivered(neighbourhood: Any) -> None:
    """1000 Wh were attested and the readings sum to 500: together nobody takes out more than that."""
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    neighbourhood.attested([(0, 100), (500, 0)], [(0, 400), (500, 0)], delivered=1000)
    for batch in (0, 1):
        twin.settle(interval, batch)
    assert (twin.ledger[6].energy, twin.ledger[7].energy, twin.ledger.delivered) == (500, 500, 500)
    twin.take_out_energy(6, 300)
    with pytest.raises(AboveEnergyCredit):
        twin.take_out_energy(6, 201)
    with pytest.raises(AboveEnergyCredit):
        twin.take_out_energy(7, 201)
    twin.take_out_energy(7, 200)
    assert twin.ledger.energy_error == 0


def test_exit_stops_orders_at_once_and_frees_the_margin_when_all_is_settled(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    neighbourhood.traded()
    twin.request_exit(4, now=interval * 900)
    order = neighbourhood.order(4, (Side.BUY, 1, 1), interval=interval + 1)
    assert twin.post(interval + 1, [order]).skipped[0].reason == SkipReason.SUSPENDED
    for batch in (0, 1):
        with pytest.raises(OpenPosition, match=str(interval)):
            twin.finish_exit(4)
        twin.settle(interval, batch)
    twin.finish_exit(4)
    assert (twin.status(4), twin.margin(4)) == (Status.EXITED, 0)
    assert twin.margin(SystemAccount.SUPPLIER) == 3 * MARGIN
    twin.withdraw(4, twin.ledger[4].cash)


def test_exit_waits_for_no_interval_that_opened_after_it(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    twin.request_exit(4, now=(interval - 5) * 900)  # its last open interval is the one before
    twin.post(interval, [neighbourhood.order(5, (Side.BUY, 1, 1))])
    twin.finish_exit(4)


def test_standing_changes_only_as_allowed(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    with pytest.raises(NotLeaving):
        twin.finish_exit(4)
    twin.suspend(4)
    twin.request_exit(4)
    twin.readmit(4)
    assert twin.status(4) == Status.EXITING
    with pytest.raises(AlreadyLeaving):
        twin.request_exit(4)


def test_whoever_suspends_must_agree_to_readmit(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    twin.suspend(4, Party.OPERATOR)
    twin.suspend(4, Party.SUPPLIER)
    for party, status in ((Party.OPERATOR, Status.SUSPENDED), (Party.SUPPLIER, Status.ACTIVE)):
        twin.readmit(4, party)
        assert twin.status(4) == status


def test_who_is_suspended_for_a_lap_may_be_made_to_leave_and_nobody_sooner(neighbourhood: Any) -> None:
    twin, start = neighbourhood.twin, neighbourhood.interval * 900
    with pytest.raises(NotWallet):
        twin.request_exit(4, now=start, by_wallet=False)
    twin.suspend(4, now=start)
    twin.suspend(4, Party.SUPPLIER, now=start + 100)
    twin.readmit(4)
    with pytest.raises(NotWallet):
        twin.request_exit(4, now=start + twin.config.lap - 1, by_wallet=False)
    twin.request_exit(4, now=start + twin.config.lap, by_wallet=False)
    assert twin.status(4) == Status.EXITING


def test_supplier_stands_for_its_cover_and_nobody_is_registered_beyond_it(neighbourhood: Any) -> None:
    twin, margin = neighbourhood.twin, MARGIN
    newcomer = Participant("", "", LIMIT, LIMIT)
    with pytest.raises(AboveSupplierCover):
        twin.cover(4 * 2000 - 1)
    twin.cover(5 * 2000)
    assert twin.margin(SystemAccount.SUPPLIER) == 5 * margin
    twin.register([newcomer])
    assert twin.margin(SystemAccount.SUPPLIER) == 5 * margin
    with pytest.raises(AboveSupplierCover, match="12000"):
        twin.register([newcomer])
    assert len(twin.ledger) == 9


def test_unknown_accounts_are_named(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    for call in (twin.margin, twin.free_balance, twin.suspend, lambda account: twin.deposit(account, 1)):
        with pytest.raises(UnknownAccount, match="8"):
            call(8)
    with pytest.raises(UnknownAccount, match="0"):
        twin.suspend(0)


def test_cash_of_system_accounts_stays_in_its_bits_and_participants_have_no_bound(neighbourhood: Any) -> None:
    ledger = neighbourhood.twin.ledger
    for account in (0, 3):
        room = (1 << 63) - 1 - ledger[account].cash
        with pytest.raises(BalanceOverflow, match=f"Account {account}"):
            ledger.add(account, cash=room + 1)
        ledger.add(account, cash=room)
        with pytest.raises(BalanceOverflow, match=f"Account {account}"):
            ledger.add(account, cash=-(1 << 64))
    for account in (4, 6):
        ledger.add(account, cash=1 << 64, energy=-(1 << 64))


@pytest.mark.parametrize("amount", [-1, 1 << 61, 1.5])
def test_amounts_that_nobody_can_mean_are_refused(neighbourhood: Any, amount: Any) -> None:
    twin = neighbourhood.twin
    before = neighbourhood.balances()
    for call in (twin.deposit, twin.withdraw, twin.take_out_energy):
        with pytest.raises(FieldError, match="amount"):
            call(4, amount)
    assert neighbourhood.balances() == before
