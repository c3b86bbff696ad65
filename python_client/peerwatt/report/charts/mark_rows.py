"""Rows of marks on one scale, a row per household or design.

They are HTML: a name wraps and stays as large as other text, on a telephone too, and a row can be hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from peerwatt.report.svg import nice_ticks, number

COMPACT = 24
"""Beyond so many households their rows are low, and scroll in a box of their own."""


@dataclass(frozen=True)
class Bar:
    """A filled stretch of the scale, of a colour class."""

    class_: str
    start: float
    end: float


@dataclass(frozen=True)
class Span:
    """A thin stretch of the scale."""

    class_: str
    start: float
    end: float


@dataclass(frozen=True)
class Dot:
    """A point on the scale."""

    class_: str
    at: float


Mark = Bar | Span | Dot


@dataclass(frozen=True)
class MarkRow:
    """One row.

    Attributes:
        name: whose, as text.
        marks: the later over the earlier.
        amount: what stands at its end.
        tone: class of the amount: `gain`, `loss` or none.
        strong: whether the name is bold.
        begins: whether a group begins here.
    """

    name: str
    marks: tuple[Mark, ...]
    amount: str
    tone: str = ""
    strong: bool = False
    begins: bool = False


@dataclass(frozen=True)
class MarkScale:
    """The scale that all rows share.

    Attributes:
        low: its left end.
        high: its right end.
        write: a value under a tick.
        unit: what the values are.
        references: values with a line through all rows, and what they are.
    """

    low: float
    high: float
    write: Callable[[float], str]
    unit: str
    references: tuple[tuple[float, str], ...] = ()

    def at(self, value: float) -> str:
        """Where a value is, in percent of the width."""
        return number((value - self.low) / ((self.high - self.low) or 1.0) * 100) + "%"

    def wide(self, start: float, end: float) -> str:
        """How wide a stretch is, in percent of the width."""
        return number(abs(end - start) / ((self.high - self.low) or 1.0) * 100) + "%"


def mark_rows(
    rows: Sequence[MarkRow],
    scale: MarkScale,
    name: str,
    description: str,
    amounts: str = "",
    households: bool = True,
) -> str:
    """All rows under their scale.

    Args:
        rows: from the top.
        scale: theirs.
        name: of the drawing, for those who cannot see it.
        description: what it shows, likewise.
        amounts: head of the amounts.
        households: whether the rows are households, which the page's finder narrows.
    """
    ticks = nice_ticks(scale.low, scale.high, 6)
    lines = [f"var(--rule) {scale.at(tick)}" for tick in ticks]
    lines += [f"var(--edge-strong) {scale.at(value)}" for value, _ in scale.references]
    if scale.low < 0 < scale.high:
        lines.append(f"var(--edge-strong) {scale.at(0)}")
    # a background per line, one pixel wide, the same for every row
    drawn = ",".join(f"linear-gradient({each.split()[0]},{each.split()[0]})" for each in lines)
    places = ",".join(f"{each.split()[1]} 0" for each in lines)
    head = "".join(f'<i style="left:{scale.at(tick)}">{scale.write(tick)}</i>' for tick in ticks)
    notes = "".join(
        f'<i style="left:{scale.at(value)}">{escape(words)}</i>' for value, words in scale.references
    )
    many = " many" if households and len(rows) > COMPACT else ""
    return (
        f'<div class="rows{many}" role="img" aria-label="{escape(f"{name}. {description}")}" '
        f'style="--lines:{drawn};--places:{places}">'
        f'<p class="unit">{escape(scale.unit)}</p>'
        + (f'<div class="notes"><b></b><span>{notes}</span><b></b></div>' if notes else "")
        + f'<div class="ticks"><b></b><span>{head}</span><b>{escape(amounts)}</b></div>'
        + "".join(_row(row, scale, households) for row in rows)
        + "</div>"
    )


def _row(row: MarkRow, scale: MarkScale, household: bool) -> str:
    marks = "".join(_mark(mark, scale) for mark in row.marks)
    strong, begins = " strong" if row.strong else "", " begins" if row.begins else ""
    found = f' data-name="{escape(row.name)}"' if household else ""
    return (
        f'<div class="row{begins}"{found}><bdi class="name{strong}">{escape(row.name)}</bdi>'
        f'<span class="plot">{marks}</span><span class="amount {row.tone}">{escape(row.amount)}</span></div>'
    )


def _mark(mark: Mark, scale: MarkScale) -> str:
    if isinstance(mark, Dot):
        return f'<i class="dot {mark.class_}" style="left:{scale.at(mark.at)}"></i>'
    kind = "bar" if isinstance(mark, Bar) else "span"
    left, width = scale.at(min(mark.start, mark.end)), scale.wide(mark.start, mark.end)
    return f'<i class="{kind} {mark.class_}" style="left:{left};width:{width}"></i>'
