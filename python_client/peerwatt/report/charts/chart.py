"""What every chart gives: a drawing, a sentence for those who cannot see it, and its numbers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Cell = str


@dataclass(frozen=True)
class Table:
    """Numbers behind a chart; units are in the heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Key:
    """An entry of a legend: a colour class and what it stands for."""

    class_: str
    words: str


@dataclass(frozen=True)
class Chart:
    """A chart.

    Attributes:
        name: what it shows, for those who cannot see it.
        drawing: SVG, or rows of marks as HTML.
        keys: legend.
        table: the numbers.
    """

    name: str
    drawing: str
    keys: tuple[Key, ...]
    table: Table


def runs(present: Sequence[bool]) -> list[tuple[int, int]]:
    """Half-open stretches of True."""
    found, start = [], None
    for k, there in enumerate([*present, False]):
        if there and start is None:
            start = k
        elif not there and start is not None:
            found.append((start, k))
            start = None
    return found
