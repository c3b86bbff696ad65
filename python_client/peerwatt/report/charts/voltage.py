"""The feeder's voltage band over the day, before and after the gate, with the limits."""

from __future__ import annotations

from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.day import RIGHT, WIDTH, Day
from peerwatt.report.svg import Scale, label, line, path, picture, plain, rect

NAME = "Voltage band before and after the gate"


def voltage_band(result: ReplayResult) -> Chart:
    """Highest and lowest node voltage: what would have been, and what the verdict made of it."""
    day = Day(result.intervals, result.summary.interval_length_s)
    intervals, limits = result.intervals, result.summary.limits
    frame = day.frame(30, 300)
    high = max([limits.voltage_max_pu, *(i.voltage_max_pu_before for i in intervals)])
    low = min(i.voltage_min_pu_after for i in intervals) if intervals else 1.0
    # the lower limit is drawn where the band comes near it; elsewhere it would flatten the picture
    near = low - limits.voltage_min_pu < (high - low) / 2
    low = min(low, limits.voltage_min_pu) if near else low
    y = Scale(low - 0.003, high + 0.004, frame.bottom, frame.top)
    parts = [frame.y_axis(y, plain(2 if high - low > 0.05 else 3), "pu of nominal voltage", 5)]
    limit = y(limits.voltage_max_pu)
    parts.append(rect(frame.left, frame.top, frame.right - frame.left, limit - frame.top, "forbidden"))
    after_max = day.steps([i.voltage_max_pu_after for i in intervals], y)
    after_min = day.steps([i.voltage_min_pu_after for i in intervals], y)
    before_max = day.steps([i.voltage_max_pu_before for i in intervals], y)
    parts.append(path(after_max + after_min[::-1], "fill voltage-band", closed=True))
    parts.append(path(before_max, "line before"))
    parts.append(path(after_max, "line after"))
    parts.append(path(after_min, "line after"))
    parts.append(line(frame.left, limit, frame.right, limit, "limit"))
    parts.append(
        label(f"upper limit {limits.voltage_max_pu:g} pu", RIGHT - 4, limit - 7, "note strong", "end")
    )
    if near:
        floor = y(limits.voltage_min_pu)
        parts.append(line(frame.left, floor, frame.right, floor, "limit"))
        parts.append(
            label(f"lower limit {limits.voltage_min_pu:g} pu", RIGHT - 4, floor - 7, "note strong", "end")
        )
    parts += [day.axis(frame.bottom), day.sensor(frame.top, frame.bottom)]
    return Chart(
        name=NAME,
        drawing=picture(
            WIDTH,
            335,
            "".join(parts),
            NAME,
            "Highest and lowest node voltage of the feeder in each interval, as cleared and as the gate left "
            "it, against the upper limit.",
        ),
        keys=(
            Key("before", "highest voltage of what was cleared"),
            Key("after", "highest and lowest voltage of what the gate let stand"),
        ),
        table=Table(
            (
                f"start ({day.zone})",
                "highest before (pu)",
                "highest after (pu)",
                "lowest before (pu)",
                "lowest after (pu)",
                "loading before (%)",
                "loading after (%)",
                "highest metered (pu)",
                "limits broken as metered",
                "verdict",
            ),
            tuple(
                (
                    day.moment(i),
                    words.pu(i.voltage_max_pu_before),
                    words.pu(i.voltage_max_pu_after),
                    words.pu(i.voltage_min_pu_before),
                    words.pu(i.voltage_min_pu_after),
                    words.percent(i.loading_max_percent_before),
                    words.percent(i.loading_max_percent_after),
                    words.pu_if_any(i.voltage_max_pu_metered),
                    words.count(i.beyond_limits_metered),
                    str(i.verdict),
                )
                for i in intervals
            ),
        ),
    )
