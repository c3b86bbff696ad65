"""The merit orders in the page: the busiest interval and the hardest cut at a click, any other by choice."""

from __future__ import annotations

from html import escape

from peerwatt.record.results import IntervalResult, OrderStepResult, ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.day import Day
from peerwatt.report.charts.merit_order import busiest, chosen_intervals, hardest_cut, merit_order
from peerwatt.report.figures import Card, card, figure
from peerwatt.verdict import Verdict


def merit_order_card(result: ReplayResult) -> Card | None:
    """One chart per interval, one of them in sight: at first the hardest cut, or else the busiest."""
    chosen = chosen_intervals(result)
    if not chosen:
        return None
    day = Day(result.intervals, result.summary.interval_length_s)
    largest, cut = busiest(result), hardest_cut(result)
    shown = cut or largest or chosen[0]
    steps: dict[int, list[OrderStepResult]] = {}
    for step in result.orders:
        if not step.skipped:
            steps.setdefault(step.interval, []).append(step)
    options = "".join(
        f'<option value="{i.interval}"{" selected" if i is shown else ""}>{_option(i, day)}</option>'
        for i in chosen
    )
    picker = (
        '<div class="picker with-script" hidden>'
        f'<label>Interval <select id="slot-picker">{options}</select></label>'
        f"{_button('busiest', largest)}{_button('hardest cut', cut)}</div>"
    )
    charts = "".join(
        f'<div data-merit-order="{i.interval}"{"" if i is shown else " hidden"}>{_facts(i, day)}'
        f"{figure(merit_order(i, steps.get(i.interval, [])), wide=True)}</div>"
        for i in chosen
    )
    return card(
        "Merit order",
        "Who asked and bid what. A click on a chart above picks its interval here.",
        picker + charts + _rest(result, chosen),
        anchor="merit-order",
    )


def _rest(result: ReplayResult, chosen: list[IntervalResult]) -> str:
    """What is said of the intervals that are not shown."""
    others = "The other intervals' orders are in <code>orders.csv</code>."
    without = f'<p class="without-script">{others}</p>'
    left = sum(1 for i in result.intervals if i.bid_wh and i.offered_wh) - len(chosen)
    if not left:
        return without
    more = f"{words.count(left)} intervals more are in <code>orders.csv</code>."
    return f"<p>{more}</p>{without}"


def _option(interval: IntervalResult, day: Day) -> str:
    cut = f", {interval.verdict}" if interval.verdict != Verdict.ACCEPT else ""
    return f"{escape(day.moment(interval))}{cut}"


def _button(name: str, interval: IntervalResult | None) -> str:
    if interval is None:
        return ""
    return f'<button type="button" data-show="{interval.interval}">{escape(name)}</button>'


def _facts(interval: IntervalResult, day: Day) -> str:
    time = f'<p class="slot-facts"><b>{day.stamp(interval)}</b>: '
    if interval.price is None:
        return f"{time}bids and asks do not meet, nothing traded.</p>"
    cut = interval.traded_wh - interval.accepted_wh
    gate = f"; the gate cut <b>{words.kwh(cut)} kWh</b> of it" if cut else ""
    return (
        f"{time}<b>{words.kwh(interval.traded_wh)} kWh</b> traded at "
        f"<b>{words.prices(interval.price, interval.sell_price)} ct/kWh</b>{gate}. "
        f"Verdict: {interval.verdict}.</p>"
    )
