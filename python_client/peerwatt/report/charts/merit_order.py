"""The merit order of one interval: who asked and bid what, where they crossed, what the gate let stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from peerwatt.record.results import IntervalResult, OrderStepResult, ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.svg import Frame, Scale, circle, label, line, path, picture, plain, rect
from peerwatt.units import WH_PER_KWH
from peerwatt.verdict import Verdict

CT = 10
BEYOND = 3
"""The longer side is drawn up to this many times the shorter one."""
MOST_CHARTS = 96
"""Intervals that get a chart; of a longer replay, the notable ones."""
MOST_STEPS = 12_000
"""Order steps in the tables of all charts together, so that a thousand participants have a page."""


def chosen_intervals(result: ReplayResult) -> list[IntervalResult]:
    """The intervals whose merit order is shown: all of a day; of more than that, the cut and the busiest."""
    traded = [i for i in result.intervals if i.bid_wh and i.offered_wh]
    steps = Counter(step.interval for step in result.orders)
    if len(traded) <= MOST_CHARTS and sum(steps[i.interval] for i in traded) <= MOST_STEPS:
        return traded
    notable = sorted(
        traded,
        key=lambda i: (i.verdict == Verdict.ACCEPT, i.accepted_wh - i.traded_wh, -i.traded_wh),
    )[:MOST_CHARTS]
    room = accumulate(steps[i.interval] for i in notable)
    kept = [
        i for i, all_steps in zip(notable, room, strict=True) if all_steps <= MOST_STEPS or i is notable[0]
    ]
    return sorted(kept, key=lambda i: i.interval)


def busiest(result: ReplayResult) -> IntervalResult | None:
    """The interval with the largest trade."""
    traded = [i for i in chosen_intervals(result) if i.traded_wh]
    return max(traded, key=lambda i: i.traded_wh, default=None)


def hardest_cut(result: ReplayResult) -> IntervalResult | None:
    """The interval in which the gate cut the most."""
    cut = [i for i in chosen_intervals(result) if i.accepted_wh < i.traded_wh]
    return max(cut, key=lambda i: i.traded_wh - i.accepted_wh, default=None)


def merit_order(interval: IntervalResult, steps: Sequence[OrderStepResult]) -> Chart:
    """Supply and demand of one interval.

    Args:
        interval: which.
        steps: its order steps, those of skipped orders left out.
    """
    supply = sorted((s for s in steps if s.side == "sell"), key=lambda s: s.price)
    demand = sorted((s for s in steps if s.side == "buy"), key=lambda s: -s.price)
    frame = Frame(56, 28, 984, 270)
    totals = sorted((sum(s.quantity_wh for s in supply), sum(s.quantity_wh for s in demand)))
    # one side is often many times the other: what lies far beyond the crossing is left to the table
    widest = max(1, min(totals[1], totals[0] * BEYOND) if totals[0] else totals[1])
    x = Scale(0, widest / WH_PER_KWH * 1.02, frame.left, frame.right)
    y = Scale(0, max([1, *(s.price for s in steps)]) / CT * 1.08, frame.bottom, frame.top)
    parts = [
        frame.y_axis(y, plain(), "ct/kWh"),
        frame.x_axis(x, plain(1 if widest < 8 * WH_PER_KWH else 0), "kWh"),
    ]
    if interval.accepted_wh:
        width = x(interval.accepted_wh / WH_PER_KWH) - x(0)
        parts.append(rect(x(0), frame.top, width, frame.bottom - frame.top, "wash neighbours"))
    if interval.traded_wh > interval.accepted_wh:
        start = x(interval.accepted_wh / WH_PER_KWH)
        width = x(interval.traded_wh / WH_PER_KWH) - start
        parts.append(rect(start, frame.top, width, frame.bottom - frame.top, "wash curtailed"))
        parts.append(label("cut by the gate", start + 6, frame.bottom - 8, "note"))
    for class_, name, curve in (
        ("demand", "bids", _curve(demand, x, y, widest)),
        ("supply", "asks", _curve(supply, x, y, widest)),
    ):
        parts.append(path(curve, f"line {class_}"))
        if curve:
            parts.append(label(name, curve[0][0] + 6, curve[0][1] - 7, "note halo strong"))
    if totals[1] > widest:
        side = "offered" if sum(s.quantity_wh for s in supply) == totals[1] else "bid for"
        remark = f"{words.kwh(totals[1])} kWh {side} in all"
        parts.append(label(remark, frame.right, frame.top - 10, "axis-title", "end"))
    if interval.price is not None:
        at, price = x(interval.traded_wh / WH_PER_KWH), y(interval.price / CT)
        # beyond the crossing asks are above the price and bids below it or gone: room for the words
        parts.append(line(frame.left, price, frame.right, price, "crossing"))
        parts.append(
            label(f"clearing price {words.ct(interval.price)}", frame.right - 4, price + 17, "note", "end")
        )
        parts.append(circle(at, price, 5, "dot price"))
    name = f"Merit order at {words.clock(interval.start)}"
    return Chart(
        name=name,
        drawing=picture(
            1000,
            312,
            "".join(parts),
            name,
            "Asks from the cheapest, bids from the dearest, the price where they cross, the accepted energy.",
        ),
        keys=(
            Key("supply", "asks, cheapest first"),
            Key("demand", "bids, dearest first"),
            Key("price", "clearing price"),
        ),
        table=Table(
            (
                "household",
                "side",
                "limit (ct/kWh)",
                "price (ct/kWh)",
                "offered (kWh)",
                "filled (kWh)",
                "accepted (kWh)",
            ),
            tuple(
                (
                    s.participant,
                    s.side,
                    words.ct(s.price),
                    words.ct(_price(interval, s)),
                    words.kwh(s.quantity_wh),
                    words.kwh(s.filled_wh),
                    words.kwh(s.accepted_wh),
                )
                for s in (*demand, *supply)
            ),
        ),
    )


def _price(interval: IntervalResult, step: OrderStepResult) -> int | None:
    """What a step trades at; where it does not, what its side pays or gets."""
    if step.traded_at is not None:
        return step.traded_at
    return interval.price if step.side == "buy" else interval.sell_price


def _curve(steps: Sequence[OrderStepResult], x: Scale, y: Scale, widest: int) -> list[tuple[float, float]]:
    points, base = [], 0
    for step in steps:
        if base >= widest:
            break
        points.append((x(base / WH_PER_KWH), y(step.price / CT)))
        base = min(base + step.quantity_wh, widest)
        points.append((x(base / WH_PER_KWH), y(step.price / CT)))
    return points
