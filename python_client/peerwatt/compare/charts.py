"""Charts of a comparison: who gains, at what price, and what each household saves."""

from __future__ import annotations

import numpy as np

from peerwatt.compare.result import Comparison, Row
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.svg import Frame, Scale, circle, label, line, picture, plain, rect, widened
from peerwatt.units import BASE_UNITS_PER_CURRENCY

WIDTH, ROW, GAP = 1000.0, 24.0, 12.0


def gains(comparison: Comparison) -> Chart:
    """What households save and the market keeps, a bar per design."""
    rows = comparison.rows[1:]
    saved = [int(row.measures.savings.sum()) / BASE_UNITS_PER_CURRENCY for row in rows]
    kept = [row.measures.surplus / BASE_UNITS_PER_CURRENCY for row in rows]
    frame = Frame(230, 26, 860, 26 + _height(rows))
    low = min([0.0, *saved, *kept])
    high = max([0.0, *(s + max(k, 0) for s, k in zip(saved, kept, strict=True))])
    x = Scale(*widened(low, high, 0.03), frame.left, frame.right)
    parts = [frame.x_axis(x, plain(), f"{comparison.currency} against the tariff alone", 9)]
    for row, y, s, k in zip(rows, _places(rows, frame.top), saved, kept, strict=True):
        parts.append(_name(row, frame.left, y))
        parts.append(rect(x(0), y - 8, x(s) - x(0), 16, "fill neighbours"))
        from_ = x(s) if k >= 0 else x(0)
        parts.append(rect(from_, y - 8, (x(k) - x(0)), 16, "fill own" if k >= 0 else "fill curtailed"))
        sign = "gain" if s >= 0 else "loss"
        amount = words.money(int(row.measures.savings.sum()), plus=True)
        parts.append(label(amount, WIDTH - 16, y + 5, f"amount {sign}", "end"))
    parts.append(line(x(0), frame.top - 6, x(0), frame.bottom, "zero"))
    parts.append(label("households", WIDTH - 16, frame.top - 10, "axis-title", "end"))
    return Chart(
        picture(
            WIDTH,
            frame.bottom + 44,
            "".join(parts),
            "Gains by design",
            "For each market design what all households save together, and what the market keeps or lacks.",
        ),
        (
            Key("neighbours", "households save"),
            Key("own", "the market keeps"),
            Key("curtailed", "the market is short of"),
        ),
        Table(
            (
                "mechanism",
                f"households save ({comparison.currency})",
                f"market keeps ({comparison.currency})",
            ),
            tuple(
                (r.name, words.money(int(r.measures.savings.sum())), words.money(r.measures.surplus))
                for r in rows
            ),
        ),
    )


def prices(comparison: Comparison) -> Chart:
    """From the lowest to the highest average price of an interval, the mean marked, between the tariffs."""
    rows = [row for row in comparison.rows if row.mean_price is not None]
    frame = Frame(230, 26, 860, 26 + _height(rows))
    x = Scale(0, comparison.retail * 1.04 / 10, frame.left, frame.right)
    parts = [frame.x_axis(x, plain(), "ct/kWh paid by buyers, network fee not included", 9)]
    most = comparison.retail - comparison.network_fee
    for value, words_ in ((comparison.feed_in, "feed-in"), (most, "retail less fee")):
        parts.append(line(x(value / 10), frame.top - 4, x(value / 10), frame.bottom, "reference"))
        parts.append(label(words_, x(value / 10), frame.top - 10, "axis-title", "middle"))
    table = []
    for row, y in zip(rows, _places(rows, frame.top), strict=True):
        price = row.run.price[~np.isnan(row.run.price)] / 10
        mean = (row.mean_price or 0) / 10
        parts.append(_name(row, frame.left, y))
        parts.append(line(x(float(price.min())), y, x(float(price.max())), y, "saving"))
        parts.append(circle(x(mean), y, 5, "dot price"))
        parts.append(label(f"{mean:.1f}", WIDTH - 16, y + 5, "amount", "end"))
        table.append((row.name, f"{price.min():.1f}", f"{mean:.1f}", f"{price.max():.1f}"))
    parts.append(label("mean", WIDTH - 16, frame.top - 10, "axis-title", "end"))
    return Chart(
        picture(
            WIDTH,
            frame.bottom + 44,
            "".join(parts),
            "Prices by design",
            "For each market design the range of the intervals' average prices, and their mean.",
        ),
        (Key("price", "mean price of a kWh"), Key("neighbours", "lowest to highest interval")),
        Table(("mechanism", "lowest (ct/kWh)", "mean (ct/kWh)", "highest (ct/kWh)"), tuple(table)),
    )


def shades(comparison: Comparison) -> str:
    """Each household's saving under each design, as a table whose cells darken with the saving."""
    most = max((int(row.measures.savings.max()) for row in comparison.rows), default=0)
    heads = "".join(f"<th scope=col>{name}</th>" for name in comparison.participants)
    lines = []
    for row in comparison.rows[1:]:
        cells = "".join(
            f'<td class="{_shade(saving, most)}">{words.money(saving)}</td>'
            for saving in row.measures.savings.tolist()
        )
        lines.append(f"<tr><th scope=row>{row.name}</th>{cells}</tr>")
    return (
        '<div class="scroll"><table class="shades"><thead><tr><th scope=col>mechanism</th>'
        f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _shade(saving: int, most: int) -> str:
    if saving < 0:
        return "s-loss"
    return f"s{min(5, 6 * saving // most)}" if most else "s0"


def _height(rows: list[Row] | tuple[Row, ...]) -> float:
    return ROW * len(rows) + GAP * len({row.family for row in rows})


def _places(rows: list[Row] | tuple[Row, ...], top: float) -> list[float]:
    """Middle of each bar; a gap where a family begins."""
    places: list[float] = []
    y, family = top, ""
    for row in rows:
        y += GAP if row.family != family else 0
        family = row.family
        places.append(y + ROW / 2)
        y += ROW
    return places


def _name(row: Row, left: float, y: float) -> str:
    chain = "name strong" if row.runs == "on chain" else "name"
    return label(row.name, left - 12, y + 5, chain, "end")
