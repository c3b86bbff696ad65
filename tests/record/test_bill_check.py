"""A bill that is not what the chain booked is found, whatever is wrong with it, and its place is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import Tariff
from peerwatt.record import bill_check, bills
from peerwatt.record.bill_check import check_bills
from peerwatt.record.bills import bill_lines, interval_terms, participant_result
from peerwatt.record.household_results import NO_LINES, BillLines
from peerwatt.record.results import BillCheck, BillDifference, ReplayResult

Mistake = Callable[[BillLines], BillLines]

FEE, IMBALANCE, LOSSES = "a wrong network fee", "a dropped imbalance line", "a doubled loss"
MISTAKES: dict[str, Mistake] = {
    FEE: lambda lines: replace(lines, network_fee=2 * lines.network_fee),
    "no network fee": lambda lines: replace(lines, network_fee=0),
    IMBALANCE: lambda lines: replace(lines, shortfall=0),
    "the other imbalance line dropped": lambda lines: replace(lines, unused=0),
    LOSSES: lambda lines: replace(lines, losses=2 * lines.losses),
    "a sale that is not paid": lambda lines: replace(lines, peer_sales=0),
    "a purchase for nothing": lambda lines: replace(lines, peer_purchases=0),
    "surplus paid twice": lambda lines: replace(lines, feed_in=2 * lines.feed_in),
    "one base unit too much": lambda lines: replace(lines, retail=lines.retail + bool(lines.retail)),
}


def tariff_of(result: ReplayResult) -> Tariff:
    return Tariff(result.summary.retail, result.summary.feed_in, result.summary.network_fee)


def check(result: ReplayResult) -> BillCheck:
    """The bills of a result, as they stand in it, against the chain."""
    return check_bills(
        tariff_of(result),
        intervals=result.intervals,
        participants=result.participants,
        settlements=result.settlements,
        orders=result.orders,
        accounts=result.accounts,
    )


def billed_again(result: ReplayResult) -> ReplayResult:
    """The same day with its bills summed again."""
    terms = interval_terms(result.intervals, result.orders)
    participants = tuple(
        participant_result(
            p.participant,
            p.kind,
            p.node,
            [s for s in result.settlements if s.participant == p.participant],
            terms,
            tariff_of(result),
        )
        for p in result.participants
    )
    return replace(result, participants=participants)


def test_every_bill_is_what_the_chain_booked(settled: ReplayResult) -> None:
    assert settled.bill_check == check(settled) == BillCheck(len(settled.settlements), 0, ())
    assert settled.agrees
    lines = sum((p.lines for p in settled.participants), NO_LINES)
    # No line is empty, so that none of the mistakes below is one of nothing.
    assert all(getattr(lines, line.name) for line in fields(BillLines) if line.name != "community")


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_a_mistake_in_how_bills_are_made_is_found_and_named(
    settled: ReplayResult, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mistaken(*arguments: object) -> BillLines:
        return MISTAKES[mistake](bill_lines(*arguments))  # type: ignore[arg-type]

    monkeypatch.setattr(bills, "bill_lines", mistaken)
    monkeypatch.setattr(bill_check, "bill_lines", mistaken)
    found = check(billed_again(settled)).differences

    terms = interval_terms(settled.intervals, settled.orders)
    expected = {
        (s.participant, s.interval): -mistaken(s, terms[s.interval], tariff_of(settled)).total - s.cash
        for s in settled.settlements
    }
    of_homes = {(d.account, d.interval): d.amount for d in found if d.interval is not None}
    assert of_homes == {place: amount for place, amount in expected.items() if amount}
    assert of_homes
    # What a home is billed too much, one of the three others would have received.
    assert len([d for d in found if d.interval is None]) == 1
    assert sum(d.amount for d in found) == 0


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "_"))
def test_a_mistake_in_one_households_printed_bill_alone_is_found(settled: ReplayResult, mistake: str) -> None:
    wrong = next(p for p in settled.participants if MISTAKES[mistake](p.lines) != p.lines)
    printed = replace(wrong, lines=MISTAKES[mistake](wrong.lines))
    people = tuple(printed if p is wrong else p for p in settled.participants)
    found = check(replace(settled, participants=people)).differences
    amount = wrong.lines.total - printed.lines.total
    [home] = [d for d in found if d.account == wrong.participant]
    assert (home.interval, home.amount) == (None, amount)


@pytest.mark.parametrize(
    ("field", "account"),
    [("network_charge", "grid operator"), ("loss_cost", "grid operator"), ("paid_surplus_wh", "supplier")],
)
def test_a_mistake_in_what_a_bill_is_made_from_is_found(
    settled: ReplayResult, field: str, account: str
) -> None:
    wrong = tuple(replace(s, **{field: 0}) for s in settled.settlements)  # type: ignore[arg-type]
    found = check(billed_again(replace(settled, settlements=wrong))).differences
    assert {(d.account, d.interval) for d in found if d.interval is not None} == {
        (s.participant, s.interval) for s in settled.settlements if s.on_market and getattr(s, field)
    }
    assert [d.account for d in found if d.interval is None] == [account]


def test_a_wrong_price_of_one_step_is_found(settled: ReplayResult) -> None:
    at = next(k for k, step in enumerate(settled.orders) if step.traded_at and step.side == "buy")
    step = settled.orders[at]
    assert step.traded_at is not None
    dearer = replace(step, traded_at=step.traded_at + 1)
    orders = (*settled.orders[:at], dearer, *settled.orders[at + 1 :])
    home, community = check(billed_again(replace(settled, orders=orders))).differences
    assert (home.account, home.interval, home.amount) == (step.participant, step.interval, -step.accepted_wh)
    assert (community.account, community.amount) == ("community", step.accepted_wh)


def test_a_fee_on_the_wrong_line_is_found_by_who_receives_it(settled: ReplayResult) -> None:
    payer = max(settled.participants, key=lambda p: p.lines.network_fee)
    moved = replace(payer.lines, network_fee=0, retail=payer.lines.retail + payer.lines.network_fee)
    people = tuple(replace(p, lines=moved) if p is payer else p for p in settled.participants)
    found = check(replace(settled, participants=people)).differences
    fee = payer.lines.network_fee
    assert {(d.account, d.amount) for d in found} == {("supplier", fee), ("grid operator", -fee)}


def test_cash_that_no_settlement_explains_is_found(settled: ReplayResult) -> None:
    for place in range(len(settled.accounts)):
        account = settled.accounts[place]
        accounts = list(settled.accounts)
        accounts[place] = replace(account, cash=account.cash - 1)
        [found] = check(replace(settled, accounts=tuple(accounts))).differences
        assert (found.account, found.interval, found.amount) == (account.account, None, 1)


def test_an_interval_without_an_order_is_billed_at_the_tariff_and_the_chain_books_nothing(
    settled: ReplayResult,
) -> None:
    at = max(
        (s for s in settled.settlements if not s.accepted_sell_wh and s.imported_wh),
        key=lambda s: s.imported_wh,
    )
    terms, tariff = interval_terms(settled.intervals, settled.orders), tariff_of(settled)
    lines = bill_lines(at, terms[at.interval], tariff)
    off = replace(at, accepted_buy_wh=0, loss_wh=0, network_charge=0, cash=0, on_market=False)
    changes = {
        SystemAccount.SUPPLIER: -lines.to_supplier,
        SystemAccount.GRID_OPERATOR: -lines.to_grid_operator,
        SystemAccount.COMMUNITY: -lines.to_peers,
    }
    accounts = [
        replace(a, cash=a.cash + changes.get(place, 0) - (at.cash if a.account == at.participant else 0))  # type: ignore[call-overload]
        for place, a in enumerate(settled.accounts)
    ]
    without = billed_again(
        replace(
            settled,
            settlements=tuple(off if s is at else s for s in settled.settlements),
            orders=tuple(
                step
                for step in settled.orders
                if (step.interval, step.participant) != (at.interval, at.participant)
            ),
            accounts=tuple(accounts),
        )
    )
    assert check(without) == BillCheck(len(settled.settlements) - 1, 1, ())
    alone = bill_lines(off, interval_terms(without.intervals, without.orders)[at.interval], tariff)
    assert alone.total == tariff.retail * at.imported_wh - tariff.feed_in * at.exported_wh

    booked = replace(off, cash=-3)
    found = check(
        replace(without, settlements=tuple(booked if s is off else s for s in without.settlements))
    ).differences
    assert BillDifference(at.participant, at.interval, 0, -3) in found
