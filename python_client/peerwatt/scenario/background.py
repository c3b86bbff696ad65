"""Everything on the feeder that does not trade: net active and reactive power per node and interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.timeline import TIME_COLUMN, timeline
from peerwatt.tables.csv_table import read_csv
from peerwatt.tables.numbers import whole
from peerwatt.tables.problems import Problem, did_you_mean

ABSURD_POWER = 10_000_000
"""W or var at one node; nothing on a low-voltage feeder draws 10 MW."""


@dataclass(frozen=True)
class NodePowers:
    """Power by node and interval; a node without a column draws nothing.

    Attributes:
        nodes: names, the order of the values.
        values: one tuple per interval; W or var, + demand, - feed-in.
    """

    nodes: tuple[str, ...] = ()
    values: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def none(cls, intervals: int) -> NodePowers:
        """Nothing at any node, in so many intervals."""
        return cls(values=((),) * intervals)

    def at(self, index: int) -> Mapping[str, int]:
        """Power by node name in the interval at an index, counted from 0."""
        if not self.nodes:
            return {}
        return dict(zip(self.nodes, self.values[index], strict=True))

    def nodal(self, nodes: Sequence[str]) -> NDArray[np.float64]:
        """All intervals as an array.

        Args:
            nodes: of the feeder, in its order; must hold every node that has a column.

        Returns:
            Power, W or var, shape (intervals, nodes); 0 at nodes without a column.
        """
        position = {name: k for k, name in enumerate(nodes)}
        powers = np.zeros((len(self.values), len(nodes)))
        if self.nodes:
            powers[:, [position[name] for name in self.nodes]] = self.values
        return powers


def _spelled(name: str) -> str:
    return TIME_COLUMN if name.upper() == TIME_COLUMN else name


def read_background(
    path: Path,
    unit: str,
    nodes: Sequence[str] | None,
    calendar: Calendar,
    problems: list[Problem],
    remarks: list[Problem] | None = None,
) -> NodePowers:
    """Read one background file.

    Args:
        path: header TIME and one column per node.
        unit: `W` or `var`, for errors.
        nodes: of the feeder, or None where it could not be read.
        calendar: the intervals that it must cover.
        problems: mistakes are appended here.
        remarks: what was found out about the file and could be wrong is appended here.
    """
    table = read_csv(
        path, (TIME_COLUMN,), None, lambda name: name.upper() if name.upper() == TIME_COLUMN else name
    )
    columns = tuple(name for name in table.header if name != TIME_COLUMN)
    if nodes is not None and table.rows:
        for name in columns:
            if name not in nodes:
                message = f"the feeder has no such node{did_you_mean(name, list(nodes))}"
                table.problem(table.header_line, name, message)
    read = whole(unit, -ABSURD_POWER, ABSURD_POWER)
    values: dict[int, tuple[int, ...]] = {}
    if table.rows and table.read_numbers(columns):
        values = {
            row.line: tuple(table.number(row, name, read) or 0 for name in columns) for row in table.rows
        }
    if unusual := table.unusual():
        table.remark(f"read as {unusual}")
    found = timeline(calendar, table, TIME_COLUMN, finer=True) if table.rows else None
    problems.extend(table.problems)
    if remarks is not None and not table.problems:
        remarks.extend(table.remarks)
    if found is None or table.problems:
        return NodePowers()
    return NodePowers(columns, tuple(_mean([values[row.line] for row in rows]) for rows in found.rows))


def _mean(powers: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The mean power of rows of equal length at each node, to a whole W or var, halves to the even one."""
    if len(powers) == 1:
        return powers[0]
    return tuple(round(Fraction(sum(several), len(powers))) for several in zip(*powers, strict=True))
