"""The price duration curve: for how many hours the price was at least so high."""

from __future__ import annotations

from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.svg import Frame, Scale, label, line, path, picture, plain
from peerwatt.units import HOUR_S

NAME = "Price duration curve"

CT = 10


def price_duration(result: ReplayResult) -> Chart:
    """Prices of the intervals that traded, highest first."""
    summary = result.summary
    hours = summary.interval_length_s / HOUR_S
    prices = sorted((i.price for i in result.intervals if i.price is not None), reverse=True)
    frame = Frame(44, 28, 464, 230)
    x = Scale(0, max(1.0, len(result.intervals) * hours), frame.left, frame.right)
    y = Scale(0, max([summary.retail, *prices]) / CT * 1.08, frame.bottom, frame.top)
    parts = [frame.y_axis(y, plain(), "ct/kWh"), frame.x_axis(x, plain(), "hours", 6)]
    for name, price in (("retail", summary.retail), ("feed-in", summary.feed_in)):
        parts.append(line(frame.left, y(price / CT), frame.right, y(price / CT), "reference"))
        parts.append(label(name, frame.right - 4, y(price / CT) - 6, "note", "end"))
    points = []
    for k, price in enumerate(prices):
        points += [(x(k * hours), y(price / CT)), (x((k + 1) * hours), y(price / CT))]
    parts.append(path(points, "line price"))
    return Chart(
        name=NAME,
        drawing=picture(
            480,
            274,
            "".join(parts),
            NAME,
            "Prices of all intervals that traded, highest first.",
        ),
        keys=(Key("price", "clearing price"),),
        table=Table(
            ("hours", "price at least (ct/kWh)"),
            tuple((f"{(k + 1) * hours:.2f}", words.ct(price)) for k, price in enumerate(prices)),
        ),
    )
