"""Why trades were cut, in words and numbers, and the feeder as a picture."""

from __future__ import annotations

from html import escape

from peerwatt.record.results import CurtailmentReason, ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.day import Day
from peerwatt.report.charts.feeder import feeder_picture
from peerwatt.report.figures import Card, bdi, card, details, legend, scroll, stacked_table

SHOWN = 8
"""Reasons in sight; the rest is folded away."""
MOST = 1000
"""Reasons on the page; the file beside it has all."""
_COLUMNS = (
    "time",
    "household",
    "side",
    "cleared (kWh)",
    "accepted (kWh)",
    "surplus cut (kWh)",
    "would be / limit",
)


def cuts_card(result: ReplayResult) -> Card | None:
    """The largest cuts first, then all of them; nothing where nothing was cut."""
    if not result.curtailments:
        return None
    ordered = sorted(result.curtailments, key=_largest_first)
    content = scroll(_reasons(result, ordered[:SHOWN]), "The largest cuts")
    if len(ordered) > SHOWN:
        everything = sorted(ordered[:MOST], key=lambda r: (r.interval, r.participant))
        content += (
            f"<details><summary>{_how_many(len(ordered))} in order of time</summary>"
            f"{scroll(_reasons(result, everything), 'Cuts in order of time')}</details>"
        )
    heading = (
        "Why a trade was cut" if len(ordered) <= SHOWN else f"Why a trade was cut: the {SHOWN} largest cuts"
    )
    return card(
        heading,
        "A report can only reduce. Of a sale that was cut the buyer fell back to the tariff. Surplus that "
        "was cut was held back, as without a market where everybody may feed in the same share.",
        content,
        anchor="cuts",
        short="Cuts",
    )


def _how_many(cuts: int) -> str:
    if cuts <= MOST:
        return f"All {cuts} cuts"
    return f"The {words.count(MOST)} largest of {words.count(cuts)} cuts (all are in curtailments.csv)"


def _largest_first(reason: CurtailmentReason) -> tuple[int, int, int, str]:
    return reason.accepted_wh - reason.filled_wh, -reason.surplus_wh, reason.interval, reason.participant


def _reasons(result: ReplayResult, reasons: list[CurtailmentReason]) -> str:
    day = Day(result.intervals, result.summary.interval_length_s)
    starts = {i.interval: day.moment(i) for i in result.intervals}
    return stacked_table(
        (*_COLUMNS, "reason"),
        [
            (
                escape(starts.get(r.interval, str(r.interval))),
                bdi(r.participant),
                escape(r.side),
                words.kwh(r.filled_wh),
                words.kwh(r.accepted_wh),
                words.kwh(r.surplus_wh),
                f"{_number(r.value, r.unit)} / {r.limit:g} {escape(r.unit)}",
                _words(r),
            )
            for r in reasons
        ],
        class_="cuts",
        names=[r.participant for r in reasons],
        widths=("title", "title", "title", "number", "number", "number", "number", "sentence"),
    )


def _words(reason: CurtailmentReason) -> str:
    place = "" if reason.element in reason.sentence else f" at {reason.element}"
    return f"<b>{escape(reason.code.replace('_', ' ') + place)}.</b> {escape(reason.sentence)}"


def _number(value: float, unit: str) -> str:
    if unit == "kW":
        return f"{value:.1f}"
    return words.pu(value) if unit == "pu" else words.percent(value)


def feeder_card(result: ReplayResult) -> Card | None:
    """The feeder before and after, side by side; nothing where the replay kept no picture."""
    feeder = result.feeder
    if feeder is None:
        return None
    day = Day(result.intervals, result.summary.interval_length_s)
    at = next((i for i in result.intervals if i.interval == feeder.interval), None)
    time = "" if at is None else f" at {day.stamp(at)}"
    before, after = (feeder_picture(feeder, result.summary.limits, state) for state in (False, True))
    content = (
        f'<div class="pair"><figure><h3>As cleared</h3>{before.drawing}</figure>'
        f"<figure><h3>As the gate left it</h3>{after.drawing}</figure></div>"
        f"{legend(before.keys)}{details(before.table, before.name)}"
    )
    return card(
        f"The feeder{time}",
        "Darker nodes have a higher voltage, thicker lines a higher loading. What is above a limit is ringed "
        "or dashed.",
        content,
        anchor="feeder",
        short="Feeder",
    )
