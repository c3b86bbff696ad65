"""Each household's bill with the market against the bill that the tariff alone would have made."""

from __future__ import annotations

from peerwatt.record.household_results import ParticipantResult
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.mark_rows import Dot, MarkRow, MarkScale, Span, mark_rows
from peerwatt.report.svg import plain, widened
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def bills(result: ReplayResult) -> Chart:
    """A pair of dots per household: tariff only, and with the market."""
    currency = result.summary.currency
    people = result.participants
    name = "Bills with and without the market"
    amounts = [_amount(a) for p in people for a in (p.bill_market, p.bill_without_market)]
    low, high = widened(min([0.0, *amounts]), max([0.0, *amounts]), 0.04)
    return Chart(
        name=name,
        drawing=mark_rows(
            [_row(p) for p in people],
            MarkScale(low, high, plain(), f"{currency}; left of zero the household is paid"),
            name,
            "For each household the bill without a market, the bill with it, and the saving.",
            "saving",
        ),
        keys=(Key("market", "with the market"), Key("tariff-only", "without a market, on the same feeder")),
        table=_table(people, currency),
    )


def _row(p: ParticipantResult) -> MarkRow:
    before, after = _amount(p.bill_without_market), _amount(p.bill_market)
    tone = "gain" if p.saving >= 0 else "loss"
    return MarkRow(
        p.participant,
        (Span(f"saving {tone}", before, after), Dot("tariff-only", before), Dot("market", after)),
        words.money(p.saving, plus=True),
        tone,
    )


def _table(people: tuple[ParticipantResult, ...], currency: str) -> Table:
    heads = (
        "household",
        "peer sales",
        "peer purchases",
        "network fee",
        "shortfall",
        "unused",
        "feed-in",
        "retail",
        "losses",
        "paid back",
        f"bill ({currency})",
        f"without market ({currency})",
        f"saving ({currency})",
        f"forecasts missed ({currency})",
    )
    rows = []
    for p in people:
        each = p.lines
        lines = (
            each.peer_sales,
            each.peer_purchases,
            each.network_fee,
            each.shortfall,
            each.unused,
            each.feed_in,
            each.retail,
            each.losses,
            each.community,
        )
        ends = (p.bill_market, p.bill_without_market, p.saving, p.forecast_error_cost)
        rows.append((p.participant, *(words.money(amount) for amount in (*lines, *ends))))
    return Table(heads, tuple(rows))


def _amount(base_units: int) -> float:
    return base_units / BASE_UNITS_PER_CURRENCY
