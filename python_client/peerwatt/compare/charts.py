"""Charts of a comparison: who gains, at what price, and what each household saves."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from peerwatt.compare.result import Comparison, Row
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.mark_rows import Bar, Dot, MarkRow, MarkScale, Span, mark_rows
from peerwatt.report.figures import bdi
from peerwatt.report.svg import plain, widened
from peerwatt.units import BASE_UNITS_PER_CURRENCY


def gains(comparison: Comparison) -> Chart:
    """What households save and the market keeps, a bar per design."""
    rows = comparison.rows[1:]
    saved = [int(row.measures.savings.sum()) / BASE_UNITS_PER_CURRENCY for row in rows]
    kept = [row.measures.surplus / BASE_UNITS_PER_CURRENCY for row in rows]
    low = min([0.0, *saved, *kept])
    high = max([0.0, *(s + max(k, 0) for s, k in zip(saved, kept, strict=True))])
    made = []
    for row, s, k, begins in zip(rows, saved, kept, _begins(rows), strict=True):
        bars = [Bar("neighbours", 0, s)]
        if k:
            bars.append(Bar("own", s, s + k) if k > 0 else Bar("curtailed", 0, k))
        made.append(
            MarkRow(
                row.name,
                tuple(bars),
                words.money(int(row.measures.savings.sum()), plus=True),
                "gain" if s >= 0 else "loss",
                _runs_on_chain(row),
                begins,
            )
        )
    name = "Gains by design"
    scale = MarkScale(*widened(low, high, 0.03), plain(), f"{comparison.currency} against the tariff alone")
    return Chart(
        name,
        mark_rows(
            made,
            scale,
            name,
            "For each market design what all households save together, and what the market keeps or lacks.",
            "households",
            households=False,
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
    most = comparison.retail - comparison.network_fee
    table, made = [], []
    for row, begins in zip(rows, _begins(rows), strict=True):
        price = row.run.price[~np.isnan(row.run.price)] / 10
        lowest, mean, highest = float(price.min()), (row.mean_price or 0) / 10, float(price.max())
        marks = (Span("neighbours", lowest, highest), Dot("mean", mean))
        made.append(MarkRow(row.name, marks, f"{mean:.1f}", "", _runs_on_chain(row), begins))
        table.append((row.name, f"{lowest:.1f}", f"{mean:.1f}", f"{highest:.1f}"))
    name = "Prices by design"
    scale = MarkScale(
        0,
        comparison.retail * 1.04 / 10,
        plain(),
        "ct/kWh that buyers pay, without network fee",
        ((comparison.feed_in / 10, "feed-in"), (most / 10, "retail less fee")),
    )
    return Chart(
        name,
        mark_rows(
            made,
            scale,
            name,
            "For each market design the range of the intervals' average prices, and their mean.",
            "mean",
            households=False,
        ),
        (Key("mean", "mean price of a kWh"), Key("saving", "lowest to highest interval")),
        Table(("mechanism", "lowest (ct/kWh)", "mean (ct/kWh)", "highest (ct/kWh)"), tuple(table)),
    )


def shades(comparison: Comparison) -> str:
    """Each household's saving under each design, as a table whose cells darken with the saving."""
    most = max((int(row.measures.savings.max()) for row in comparison.rows), default=0)
    heads = "".join(f"<th scope=col>{bdi(name)}</th>" for name in comparison.participants)
    lines = []
    for row in comparison.rows[1:]:
        cells = "".join(
            f'<td class="{_shade(saving, most)}">{words.money(saving)}</td>'
            for saving in row.measures.savings.tolist()
        )
        lines.append(f"<tr><th scope=row>{escape(row.name)}</th>{cells}</tr>")
    return (
        '<table class="shades"><thead><tr><th scope=col>mechanism</th>'
        f"{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    )


def _shade(saving: int, most: int) -> str:
    if saving < 0:
        return "s-loss"
    return f"s{min(5, 6 * saving // most)}" if most else "s0"


def _begins(rows: Sequence[Row]) -> list[bool]:
    """Where a family of designs begins, but not at the top."""
    return [k > 0 and rows[k - 1].family != row.family for k, row in enumerate(rows)]


def _runs_on_chain(row: Row) -> bool:
    return row.runs == "on chain"
