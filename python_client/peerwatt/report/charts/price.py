"""Clearing price between the two tariffs, and traded energy beneath it, over the day."""

from __future__ import annotations

from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table, runs
from peerwatt.report.charts.day import RIGHT, WIDTH, Day
from peerwatt.report.svg import Scale, label, line, path, picture, plain, rect
from peerwatt.units import WH_PER_KWH

NAME = "Price and volume over the day"

CT = 10


def price_and_volume(result: ReplayResult) -> Chart:
    """Price band and volume. Where nothing traded there is no price, and no line."""
    day = Day(result.intervals, result.summary.interval_length_s)
    drawing = _price(result, day) + _volume(result, day)
    return Chart(
        name=NAME,
        drawing=picture(
            WIDTH,
            440,
            drawing,
            NAME,
            "Above, the clearing price of each interval between feed-in and retail tariff; below, the energy "
            "that was traded and what of it the grid gate accepted.",
        ),
        keys=(
            Key("price", "clearing price"),
            Key("neighbours", "accepted by the grid gate"),
            Key("curtailed", "traded, but cut"),
        ),
        table=Table(
            (
                f"start ({day.zone})",
                "price (ct/kWh)",
                "bid (kWh)",
                "offered (kWh)",
                "traded (kWh)",
                "accepted (kWh)",
            ),
            tuple(
                (
                    day.moment(i),
                    words.prices(i.price, i.sell_price),
                    words.kwh(i.bid_wh),
                    words.kwh(i.offered_wh),
                    words.kwh(i.traded_wh),
                    words.kwh(i.accepted_wh),
                )
                for i in result.intervals
            ),
        ),
    )


def _price(result: ReplayResult, day: Day) -> str:
    summary, frame = result.summary, day.frame(30, 230)
    top = max([summary.retail, *(i.price or 0 for i in result.intervals)])
    y = Scale(0, top / CT * 1.08, frame.bottom, frame.top)
    parts = [frame.y_axis(y, plain(), "ct/kWh"), day.axis(frame.bottom, labels=False)]
    retail, feed_in = y(summary.retail / CT), y(summary.feed_in / CT)
    parts.append(rect(frame.left, retail, frame.right - frame.left, feed_in - retail, "band"))
    for name, price, at in (
        ("retail tariff", summary.retail, retail),
        ("feed-in tariff", summary.feed_in, feed_in),
    ):
        parts.append(line(frame.left, at, frame.right, at, "reference"))
        parts.append(label(f"{name} {words.ct(price)}", RIGHT - 4, at - 6, "note", "end"))
    for start, end in runs([i.price is not None for i in result.intervals]):
        values = [(i.price or 0) / CT for i in result.intervals[start:end]]
        parts.append(path(day.steps(values, y, start), "line price"))
    for start, end in runs([i.sell_price != i.price for i in result.intervals]):
        values = [(i.sell_price or 0) / CT for i in result.intervals[start:end]]
        parts.append(path(day.steps(values, y, start), "line price before"))
    parts.append(day.sensor(frame.top, frame.bottom))
    return "".join(parts)


def _volume(result: ReplayResult, day: Day) -> str:
    frame = day.frame(282, 400)
    top = max([1, *(i.traded_wh for i in result.intervals)])
    y = Scale(0, top / WH_PER_KWH * 1.05, frame.bottom, frame.top)
    parts = [frame.y_axis(y, plain(1 if top < 4 * WH_PER_KWH else 0), "kWh per interval", 3)]
    width = day.x(1) - day.x(0)
    gap = min(1.0, width / 6)
    for k, i in enumerate(result.intervals):
        at = day.x(k) + gap / 2
        if i.accepted_wh:
            parts.append(rect(at, y(0), width - gap, y(i.accepted_wh / WH_PER_KWH) - y(0), "fill neighbours"))
        if i.traded_wh > i.accepted_wh:
            cut = y(i.traded_wh / WH_PER_KWH) - y(i.accepted_wh / WH_PER_KWH)
            parts.append(rect(at, y(i.accepted_wh / WH_PER_KWH), width - gap, cut, "fill curtailed"))
    parts += [day.axis(frame.bottom), day.sensor(frame.top, frame.bottom)]
    return "".join(parts)
