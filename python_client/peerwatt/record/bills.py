"""From settlements to a household's bill: its lines, the bill without a market, and what forecasts missed.

This is the design's settlement table read from the household's side, kept apart from the settlement twin on
purpose: the lines are summed here a second time, and `peerwatt.record.bill_check` compares every sum with the
account on chain. Positive is what the household pays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from peerwatt.market.market_rules import Tariff
from peerwatt.record.household_results import NO_LINES, BillLines, ParticipantResult, SettlementResult
from peerwatt.record.results import IntervalResult, OrderStepResult
from peerwatt.verdict import Verdict


@dataclass(frozen=True)
class IntervalTerms:
    """What an interval was settled on.

    Attributes:
        price: what buyers paid, base units per Wh; irrelevant, and None, where nothing traded.
        verdict: of the grid gate.
        sell_price: what sellers got, where that is not the same.
        peer_cash_of: base units that each participant's sales earned and its purchases cost, step by step:
            the one way to know them where every Wh was traded at its own limit. Without it the prices count.
    """

    price: int | None
    verdict: Verdict
    sell_price: int | None = None
    peer_cash_of: Mapping[str, tuple[int, int]] | None = None

    def peer_cash(self, settlement: SettlementResult) -> tuple[int, int]:
        """What a participant's accepted sales earned and its accepted purchases cost, base units."""
        if self.peer_cash_of is not None:
            return self.peer_cash_of.get(settlement.participant, (0, 0))
        price = self.price or 0
        sell_price = price if self.sell_price is None else self.sell_price
        return sell_price * settlement.accepted_sell_wh, price * settlement.accepted_buy_wh


def interval_terms(
    intervals: Iterable[IntervalResult], orders: Iterable[OrderStepResult]
) -> dict[int, IntervalTerms]:
    """What every interval was settled on, by its number; peers' cash is summed over the accepted steps."""
    cash: dict[int, dict[str, tuple[int, int]]] = {}
    for step in orders:
        if step.traded_at is None:
            continue
        own = cash.setdefault(step.interval, {})
        income, cost = own.get(step.participant, (0, 0))
        amount = step.traded_at * step.accepted_wh
        own[step.participant] = (income + amount, cost) if step.side == "sell" else (income, cost + amount)
    return {
        each.interval: IntervalTerms(
            each.price, each.verdict, each.sell_price, peer_cash_of=cash.get(each.interval, {})
        )
        for each in intervals
    }


def bill_lines(settlement: SettlementResult, terms: IntervalTerms, tariff: Tariff) -> BillLines:
    """The lines of one participant's interval (design, section 2, step 5).

    An interval without an order of the participant's is the tariff alone: nothing was accepted, nothing is
    lost or charged, and both registers are settled by the supplier.
    """
    sold, bought = settlement.accepted_sell_wh, settlement.accepted_buy_wh
    delivered = min(sold, settlement.exported_wh)
    used = min(bought, settlement.imported_wh)
    income, cost = terms.peer_cash(settlement)
    return BillLines(
        peer_sales=-income,
        peer_purchases=cost,
        network_fee=settlement.network_charge,
        shortfall=tariff.retail * (sold - delivered),
        unused=-tariff.feed_in * (bought - used) if terms.verdict.is_unconstrained else 0,
        feed_in=-tariff.feed_in * settlement.paid_surplus_wh,
        retail=tariff.retail * (settlement.imported_wh - used),
        losses=settlement.loss_cost,
    )


def forecast_error_cost(settlement: SettlementResult, terms: IntervalTerms, tariff: Tariff) -> int:
    """What it cost a participant in one interval that its meter differed from its trade, base units.

    What was sold and not delivered: bought back at the retail tariff, less what its sale earned. What was
    bought and not drawn: what its purchase cost, less what it earned. Earned and cost are net of losses and
    network charges, each Wh's part of the trade's, rounded against the error: so a trade within its limits
    saves at least nothing once the error's cost is added, to the base unit.

    Args:
        settlement: of one interval.
        terms: what it was settled on.
        tariff: the prices around the peer trade.
    """
    sold, bought = settlement.accepted_sell_wh, settlement.accepted_buy_wh
    short = sold - min(sold, settlement.exported_wh)
    undrawn = bought - min(bought, settlement.imported_wh)
    income, cost = terms.peer_cash(settlement)
    extra = settlement.network_charge + settlement.loss_cost
    of_sale = extra * sold // (sold + bought) if sold else 0  # one side alone has all of it
    missed = 0
    if short:
        missed += tariff.retail * short - (income - of_sale) * short // sold
    if undrawn:
        paid = tariff.feed_in * undrawn if terms.verdict.is_unconstrained else 0
        missed += -(-(cost + extra - of_sale) * undrawn // bought) - paid
    return missed


def participant_result(
    participant: str,
    kind: str,
    node: str,
    settlements: Iterable[SettlementResult],
    terms: Mapping[int, IntervalTerms],
    tariff: Tariff,
    paid_back: int = 0,
) -> ParticipantResult:
    """Sum one participant's settlements into its result.

    Args:
        participant: the id as in the scenario.
        kind: `consumer` or `prosumer`.
        node: where it is connected.
        settlements: this participant's, any order, one per interval.
        terms: by interval number; must hold every interval of `settlements`.
        tariff: the prices around the peer trade.
        paid_back: what the community's account paid it back, base units.
    """
    own = list(settlements)
    imported = sum(s.imported_wh for s in own)
    exported = sum(s.exported_wh for s in own)
    return ParticipantResult(
        participant=participant,
        kind=kind,
        node=node,
        imported_wh=imported,
        exported_wh=exported,
        own_wh=sum(s.own_wh for s in own),
        bought_from_neighbours_wh=sum(min(s.accepted_buy_wh, s.imported_wh) for s in own),
        sold_to_neighbours_wh=sum(min(s.accepted_sell_wh, s.exported_wh) for s in own),
        unpaid_surplus_wh=sum(s.unpaid_surplus_wh for s in own),
        curtailed_wh=sum(s.curtailed_wh for s in own),
        loss_share_wh=sum(s.loss_wh for s in own),
        without_market_wh=sum(s.without_market_wh for s in own),
        lines=sum(
            (bill_lines(s, terms[s.interval], tariff) for s in own), replace(NO_LINES, community=-paid_back)
        ),
        without_market_retail=tariff.retail * imported,
        without_market_feed_in=-tariff.feed_in * sum(s.without_market_wh for s in own),
        forecast_error_cost=sum(forecast_error_cost(s, terms[s.interval], tariff) for s in own),
    )
