"""Powers of nodes over time: a table with a column TIME and a column per node."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import InjectionError
from peerwatt.grid.feeder import Feeder
from peerwatt.tables.csv_table import CsvTable, read_csv
from peerwatt.tables.numbers import CellError

TIME = "TIME"
MOST_W = 1e9
"""W or var at one node: more stands on no distribution feeder."""


@dataclass(frozen=True)
class NodeSeries:
    """Injections of every interval.

    Attributes:
        times: Beginning of each interval, as the file has it.
        interval_s: Length of each, s.
        p_w: Active injections, W, generation positive, `(intervals, nodes of the feeder)`.
        q_var: Reactive injections, var, or none.
    """

    times: tuple[str, ...]
    interval_s: int
    p_w: Floats
    q_var: Floats | None


def read_node_series(active: Path, reactive: Path | None, feeder: Feeder) -> NodeSeries:
    """Read a series of a scenario's background format: W and var, demand positive.

    Args:
        active: Header TIME and node names; TIME is ISO 8601 with offset, in equal steps.
        reactive: The same times in var, or none.
        feeder: The feeder whose nodes the columns name; a node without a column draws nothing.

    Raises:
        InjectionError: A file, row or column cannot be used; located.
    """
    times, demand = _read(active, feeder)
    seconds = {round((b - a).total_seconds()) for (_, a), (_, b) in pairwise(times)}
    if len(seconds) != 1 or (step := seconds.pop()) <= 0:
        raise InjectionError(f"{active}: needs two times or more, in equal steps; fill or cut the gaps")
    q = None
    if reactive is not None:
        others, var = _read(reactive, feeder)
        if [t for _, t in others] != [t for _, t in times]:
            raise InjectionError(f"{reactive}: its times are not those of {active}")
        q = -var
    return NodeSeries(tuple(text for text, _ in times), step, -demand, q)


def _read(path: Path, feeder: Feeder) -> tuple[list[tuple[str, datetime]], Floats]:
    table = read_csv(path, (TIME,), None)
    columns = tuple(name for name in table.header if name != TIME)
    if table.rows:
        for name in columns:
            if name not in feeder.node_index:
                table.problem(table.header_line, name, f"feeder {feeder.name} has no such node")
        table.read_numbers(columns)
    _refuse(table)
    powers = np.zeros((len(table.rows), len(feeder.node_names)))
    places = [feeder.node_index[name] for name in columns]
    times = []
    for k, row in enumerate(table.rows):
        times.append((row.cells[TIME], table.cell(row, TIME, _instant)))
        for place, name in zip(places, columns, strict=True):
            powers[k, place] = table.number(row, name, _power) or 0.0
    _refuse(table)
    return [(text, time) for text, time in times if time is not None], powers


def _refuse(table: CsvTable) -> None:
    if table.problems:
        more = len(table.problems) - 1
        raise InjectionError(f"{table.problems[0]}" + (f"; and {more} more" if more else ""))


def _instant(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise CellError(f"{text!r} is no time with an offset, such as 2016-06-17T12:00:00+00:00", "time")
    return time


def _power(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = np.inf
    if not abs(value) <= MOST_W:
        raise CellError(f"{text!r} is no power, W or var", "power")
    return value
