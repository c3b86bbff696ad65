"""Every bill against the chain: what its lines sum to is what the household's account changed by.

Three comparisons, to the base unit, made from the results alone, so that an export can be checked as well:

1. each household's bill of each interval with what the chain booked for it when the interval was settled;
2. each household's whole bill with the change of its account;
3. what all bills together say that the supplier, the grid operator and the community receive, with the
   changes of their accounts.

In an interval without an order of a household the contract knows nothing of it: the supplier bills both
registers at the tariff, outside the chain. Such bills are counted apart, and nothing may be booked for them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from peerwatt.market.ledger import SystemAccount
from peerwatt.market.market_rules import Tariff
from peerwatt.record.bills import bill_lines, interval_terms
from peerwatt.record.household_results import NO_LINES, BillLines, ParticipantResult, SettlementResult
from peerwatt.record.results import (
    AccountResult,
    BillCheck,
    BillDifference,
    IntervalResult,
    OrderStepResult,
)


def check_bills(
    tariff: Tariff,
    *,
    intervals: Sequence[IntervalResult],
    participants: Sequence[ParticipantResult],
    settlements: Sequence[SettlementResult],
    orders: Sequence[OrderStepResult],
    accounts: Sequence[AccountResult],
) -> BillCheck:
    """Compare every bill with the chain.

    Args:
        tariff: the prices around the peer trade.
        intervals: all that were replayed.
        participants: whose bills are checked.
        settlements: of every participant and interval; their `cash` is what the chain booked.
        orders: with what each accepted step was traded at.
        accounts: the changes on chain; the system accounts first, then the participants in their order.
    """
    terms = interval_terms(intervals, orders)
    found: list[BillDifference] = []
    outside: dict[str, BillLines] = defaultdict(lambda: NO_LINES)
    explained: Counter[str] = Counter()
    compared = 0
    for settlement in settlements:
        name, lines = settlement.participant, bill_lines(settlement, terms[settlement.interval], tariff)
        if settlement.on_market:
            compared += 1
            by_the_bill = -lines.total
        else:
            outside[name] += lines
            by_the_bill = 0
        if by_the_bill != settlement.cash:
            found.append(BillDifference(name, settlement.interval, by_the_bill, settlement.cash))
            explained[name] += by_the_bill - settlement.cash

    on_chain = [each.lines + -outside[each.participant] for each in participants]
    for name, by_the_bills, booked in _sums(participants, on_chain, accounts):
        if by_the_bills - booked != explained[name]:
            found.append(BillDifference(name, None, by_the_bills, booked))
    return BillCheck(compared, len(settlements) - compared, tuple(found))


def _sums(
    participants: Sequence[ParticipantResult], bills: Sequence[BillLines], accounts: Sequence[AccountResult]
) -> Iterator[tuple[str, int, int]]:
    """Each account: its name, what the bills say that it received, and what the chain booked."""
    all_bills = sum(bills, NO_LINES)
    received = {
        SystemAccount.SUPPLIER: all_bills.to_supplier,
        SystemAccount.GRID_OPERATOR: all_bills.to_grid_operator,
        SystemAccount.METERING_OPERATOR: 0,
        SystemAccount.COMMUNITY: all_bills.to_peers,
    }
    for place, amount in received.items():
        yield accounts[place].account, amount, accounts[place].cash
    of_households = accounts[len(SystemAccount) :]
    for participant, lines, account in zip(participants, bills, of_households, strict=True):
        yield participant.participant, -lines.total, account.cash
