"""Charts in the page: drawing, legend, and the table behind it."""

from __future__ import annotations

from html import escape

from peerwatt.report.charts.chart import Chart, Key, Table

_LINES = {"price", "before", "after", "supply", "demand"}


def card(title: str, words: str, content: str, anchor: str = "") -> str:
    """A section of the page."""
    name = f' id="{anchor}"' if anchor else ""
    return f'<section class="card"{name}><h2>{escape(title)}</h2><p>{escape(words)}</p>{content}</section>'


def figure(chart: Chart, wide: bool = False) -> str:
    """A drawing with its legend and its table."""
    kind = ' class="wide"' if wide else ""
    return (
        f'<figure{kind}><div class="scroll">{chart.drawing}</div>{legend(chart.keys)}'
        f"{details(chart.table)}</figure>"
    )


def legend(keys: tuple[Key, ...]) -> str:
    """What the colours mean."""
    return (
        '<ul class="legend">'
        + "".join(f"<li>{_swatch(key)}{escape(key.words)}</li>" for key in keys)
        + "</ul>"
    )


def _swatch(key: Key) -> str:
    if key.class_ in ("market", "tariff-only"):
        mark = f'<circle cx="10" cy="6" r="5" class="dot {key.class_}"/>'
    elif key.class_ in _LINES:
        mark = f'<path d="M0 6H20" class="line {key.class_}"/>'
    elif key.class_.startswith("v"):
        mark = f'<rect width="20" height="12" rx="2" class="{key.class_}"/>'
    else:
        mark = f'<rect width="20" height="12" rx="2" class="fill {key.class_}"/>'
    return f'<svg viewBox="0 0 20 12" aria-hidden="true">{mark}</svg>'


def details(table: Table) -> str:
    """The numbers, folded away."""
    return f'<details><summary>Table</summary><div class="scroll">{html_table(table)}</div></details>'


def html_table(table: Table) -> str:
    """The numbers."""
    heads = "".join(f"<th scope=col>{escape(head)}</th>" for head in table.heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
