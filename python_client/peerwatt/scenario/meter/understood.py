"""What somebody states of a meter's file, and what is understood of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from peerwatt.errors import InputError
from peerwatt.scenario.meter.columns import (
    Columns,
)
from peerwatt.scenario.meter.series import Series
from peerwatt.scenario.quantity_columns import Quantity
from peerwatt.tables.csv_table import CsvTable
from peerwatt.tables.problems import Problem

START, END = "start", "end"
MISSING = ("", "-", "n/a", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "NV")
"""How files write that a value was not read."""


@dataclass(frozen=True)
class Stated:
    """What somebody knows about a file that it does not say itself; None and empty leave it to the file.

    Attributes:
        tz: time zone of times without an offset.
        stamps: whether times are of the `start` or the `end` of an interval.
        unit: of values whose header has none.
        columns: pairs of a column and what it is.
        register: whether values are readings of a register.
        interval_s: length that the intervals shall have.
        decimal: mark before decimals.
        dates: `dmy` or `mdy`.
        encoding: of the text.
    """

    tz: str | None = None
    stamps: str | None = None
    unit: str | None = None
    columns: tuple[tuple[str, str], ...] = ()
    register: bool | None = None
    interval_s: int | None = None
    decimal: str | None = None
    dates: str | None = None
    encoding: str | None = None


@dataclass
class MeterFile:
    """What was understood of a file, and what was wrong with it.

    Attributes:
        path: the file.
        table: its cells.
        columns: what they are.
        values: the columns that are used, with units.
        times: what its times are, in words.
        stamps: `start` or `end`.
        series: what was counted; None where that could not be found out.
        notes: what was concluded and could be wrong.
        problems: why it is refused.
    """

    path: Path
    table: CsvTable
    columns: Columns = field(default_factory=Columns)
    values: tuple[Quantity, ...] = ()
    times: str = ""
    stamps: str = ""
    series: Series | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class RefusedError(InputError):
    """Why a file cannot be used, at a row and column of it."""

    def __init__(self, message: str, line: int | None = None, column: str = "") -> None:
        super().__init__(message)
        self.line = line
        self.column = column
