"""Why trades were cut, in words and numbers, and the feeder as a picture."""

from __future__ import annotations

from html import escape

from peerwatt.record.results import CurtailmentReason, ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.day import Day
from peerwatt.report.charts.feeder import feeder_picture
from peerwatt.report.figures import card, details, legend

SHOWN = 8
"""Reasons in sight; the rest is folded away."""


def cuts_card(result: ReplayResult) -> str:
    """The largest cuts first, then all of them; nothing where nothing was cut."""
    if not result.curtailments:
        return ""
    ordered = sorted(result.curtailments, key=_largest_first)
    content = _reasons(result, ordered[:SHOWN])
    if len(ordered) > SHOWN:
        everything = sorted(ordered, key=lambda r: (r.interval, r.participant))
        content += (
            f"<details><summary>All {len(ordered)} cuts in order of time</summary>"
            f'<div class="scroll">{_reasons(result, everything)}</div></details>'
        )
    heading = (
        "Why a trade was cut" if len(ordered) <= SHOWN else f"Why a trade was cut: the {SHOWN} largest cuts"
    )
    return card(
        heading,
        "A report can only reduce. What was cut was not paid, and its buyer fell back to the tariff.",
        content,
    )


def _largest_first(reason: CurtailmentReason) -> tuple[int, int, int, str]:
    return reason.accepted_wh - reason.filled_wh, -reason.surplus_wh, reason.interval, reason.participant


def _reasons(result: ReplayResult, reasons: list[CurtailmentReason]) -> str:
    day = Day(result.intervals, result.summary.interval_length_s)
    starts = {i.interval: words.moment(i.start, day.many_days) for i in result.intervals}
    rows = "".join(
        f"<tr><td>{escape(starts.get(r.interval, str(r.interval)))}</td><td>{escape(r.participant)}</td>"
        f'<td>{escape(r.side)}</td><td class="figure">{words.kwh(r.filled_wh)}</td>'
        f'<td class="figure">{words.kwh(r.accepted_wh)}</td><td class="figure">{words.kwh(r.surplus_wh)}</td>'
        f'<td class="figure">{_number(r.value, r.unit)} / {r.limit:g} {escape(r.unit)}</td>'
        f"<td>{_words(r)}</td></tr>"
        for r in reasons
    )
    heads = (
        "time",
        "household",
        "side",
        "cleared (kWh)",
        "accepted (kWh)",
        "surplus cut (kWh)",
        "would be / limit",
        "reason",
    )
    head = "".join(f"<th scope=col>{name}</th>" for name in heads)
    table = f'<table class="words"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="scroll">{table}</div>'


def _words(reason: CurtailmentReason) -> str:
    place = "" if reason.element in reason.sentence else f" at {reason.element}"
    return f"<b>{escape(reason.code.replace('_', ' ') + place)}.</b> {escape(reason.sentence)}"


def _number(value: float, unit: str) -> str:
    return words.pu(value) if unit == "pu" else words.percent(value)


def feeder_card(result: ReplayResult) -> str:
    """The feeder before and after, side by side; nothing where the replay kept no picture."""
    feeder = result.feeder
    if feeder is None:
        return ""
    day = Day(result.intervals, result.summary.interval_length_s)
    at = next((i.start for i in result.intervals if i.interval == feeder.interval), None)
    time = "" if at is None else f" at {words.moment(at, day.many_days)} UTC"
    before, after = (feeder_picture(feeder, result.summary.limits, state) for state in (False, True))
    content = (
        f'<div class="pair"><figure><h3>As cleared</h3>{before.drawing}</figure>'
        f"<figure><h3>As the gate left it</h3>{after.drawing}</figure></div>"
        f"{legend(before.keys)}{details(before.table)}"
    )
    return card(
        f"The feeder{time}", "Darker nodes have a higher voltage, thicker lines a higher loading.", content
    )
