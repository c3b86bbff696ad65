"""Charts in the page: drawing, legend, and the table behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from peerwatt.report.charts.chart import Chart, Key, Table

_LINES = {"price", "before", "after", "supply", "demand", "saving"}
_NAMED = ("household", "participant")
"""Columns with names that people chose: isolated, so that none turns around what stands beside it."""


@dataclass(frozen=True)
class Card:
    """A section of a page.

    Attributes:
        short: its name in the menu.
        anchor: its id.
        html: all of it.
    """

    short: str
    anchor: str
    html: str


def card(title: str, words: str, content: str, anchor: str = "", short: str = "") -> Card:
    """A section of a page.

    Args:
        title: heading, as text.
        words: what it shows, as text.
        content: as HTML.
        anchor: its id; made from the title by default.
        short: its name in the menu; the title by default.
    """
    name = anchor or re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    said = f"<p>{escape(words)}</p>" if words else ""
    return Card(
        short or title,
        name,
        f'<section class="card" id="{name}"><h2>{escape(title)}</h2>{said}{content}</section>',
    )


def figure(chart: Chart, wide: bool = False, below: str = "") -> str:
    """A drawing with its legend and its table.

    Args:
        chart: what it shows.
        wide: whether a telephone shows a part of it, and scrolls.
        below: what stands directly under the drawing, as HTML.
    """
    kind = ' class="wide"' if wide else ""
    return (
        f"<figure{kind}>{scroll(chart.drawing, chart.name)}{below}{legend(chart.keys)}"
        f"{details(chart.table, chart.name)}</figure>"
    )


def scroll(content: str, name: str, class_: str = "scroll") -> str:
    """A box that scrolls sideways or down within the page, also from the keyboard."""
    return f'<div class="{class_}" tabindex="0" role="group" aria-label="{escape(name)}">{content}</div>'


def legend(keys: tuple[Key, ...]) -> str:
    """What the colours mean."""
    return (
        '<ul class="legend">'
        + "".join(f"<li>{_swatch(key)}{escape(key.words)}</li>" for key in keys)
        + "</ul>"
    )


def _swatch(key: Key) -> str:
    if key.class_ in ("market", "tariff-only", "mean"):
        mark = f'<circle cx="10" cy="6" r="5" class="dot {key.class_}"/>'
    elif key.class_ in _LINES:
        mark = f'<path d="M0 6H20" class="line {key.class_}"/>'
    elif key.class_.startswith("v"):
        mark = f'<rect x="1" y="1" width="18" height="10" rx="2" class="swatch {key.class_}"/>'
    else:
        mark = f'<rect width="20" height="12" rx="2" class="fill {key.class_}"/>'
    return f'<svg viewBox="0 0 20 12" aria-hidden="true">{mark}</svg>'


def details(table: Table, name: str) -> str:
    """The numbers, folded away."""
    words = f'Table<span class="unseen">: {escape(name)}</span>'
    return f"<details><summary>{words}</summary>{scroll(html_table(table), name)}</details>"


def html_table(table: Table) -> str:
    """The numbers, each household's row named for the page's finder."""
    heads = "".join(f"<th scope=col>{escape(head)}</th>" for head in table.heads)
    names = {k for k, head in enumerate(table.heads) if head in _NAMED}
    rows = []
    for row in table.rows:
        cells = "".join(f"<td>{bdi(cell) if k in names else escape(cell)}</td>" for k, cell in enumerate(row))
        rows.append(f"<tr{''.join(data_name(row[k]) for k in names)}>{cells}</tr>")
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def stacked_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    class_: str = "",
    names: Sequence[str] = (),
    widths: Sequence[str] = (),
) -> str:
    """A table with sentences: on a telephone the cells of a row stand below one another, none off the screen.

    Args:
        heads: of the columns, as text.
        rows: their cells, as HTML.
        class_: further classes of the table.
        names: a household for each row, where the finder shall find them.
        widths: a class for each column: `number`, `short` or nothing.
    """
    kinds = [f' class="{kind}"' if kind else "" for kind in widths] or [""] * len(heads)
    head = "".join(
        f'<th scope="col" role="columnheader"{kind}>{escape(text)}</th>'
        for text, kind in zip(heads, kinds, strict=True)
    )
    body = []
    for k, row in enumerate(rows):
        cells = "".join(
            f'<td role="cell"{kind} data-label="{escape(text)}">{cell}</td>'
            for text, kind, cell in zip(heads, kinds, row, strict=True)
        )
        body.append(f'<tr role="row"{data_name(names[k]) if names else ""}>{cells}</tr>')
    return (
        f'<table class="stacked {class_}" role="table"><thead role="rowgroup"><tr role="row">{head}</tr>'
        f'</thead><tbody role="rowgroup">{"".join(body)}</tbody></table>'
    )


def data_name(name: str) -> str:
    """The attribute by which the page's finder knows whose row this is."""
    return f' data-name="{escape(name)}"'


def bdi(name: str) -> str:
    """A name that somebody chose, whose direction of writing ends with it."""
    return f"<bdi>{escape(name)}</bdi>"
