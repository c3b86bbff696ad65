"""The gate's verdict on each interval, as a strip: a cut stands out by height as well as by colour."""

from __future__ import annotations

from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.day import WIDTH, Day
from peerwatt.report.svg import picture, rect
from peerwatt.verdict import DECIDED, Verdict

NAME = "Verdicts over the day"

WORDS = {
    Verdict.ACCEPT: "everything may execute",
    Verdict.CAP: "the volume is capped",
    Verdict.CURTAIL: "surplus is held back, and trades where that is not enough",
    Verdict.VOID: "nothing may execute",
    Verdict.EXPIRED: "no report in time",
}
TALLEST = 34.0
HEIGHTS = {Verdict.ACCEPT: 12.0, Verdict.CAP: 20.0, Verdict.CURTAIL: 28.0}
"""The less may execute, the taller; an interval without a report is an outline."""


def verdict_strip(result: ReplayResult) -> Chart:
    """One cell per interval."""
    day = Day(result.intervals, result.summary.interval_length_s)
    width = day.x(1) - day.x(0)
    gap = min(1.5, width / 5)
    parts = []
    for k, i in enumerate(result.intervals):
        height = HEIGHTS.get(i.verdict, TALLEST)
        parts.append(rect(day.x(k) + gap / 2, 40 - height, width - gap, height, f"fill verdict-{i.verdict}"))
    parts += [day.axis(42), day.sensor(4, 42)]
    seen = [v for v in DECIDED if any(i.verdict == v for i in result.intervals)]
    return Chart(
        name=NAME,
        drawing=picture(
            WIDTH,
            70,
            "".join(parts),
            NAME,
            "The grid gate's verdict on each interval; the less may execute, the taller it is drawn.",
        ),
        keys=tuple(Key(f"verdict-{v}", f"{v}: {WORDS[v]}") for v in seen),
        table=Table(
            (
                f"start ({day.zone})",
                "verdict",
                "orders",
                "skipped",
                "traded (kWh)",
                "accepted (kWh)",
                "losses (kWh)",
                "gas",
            ),
            tuple(
                (
                    day.moment(i),
                    str(i.verdict),
                    str(i.orders),
                    str(i.skipped),
                    words.kwh(i.traded_wh),
                    words.kwh(i.accepted_wh),
                    words.kwh(i.losses_wh),
                    words.count(i.gas),
                )
                for i in result.intervals
            ),
        ),
    )
