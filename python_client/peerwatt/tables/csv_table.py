"""The one reader of tables that people hand in. Every cell knows its row, for errors that say where.

What it needs not ask is found and said: encoding, separator, decimal mark, lines above the header. What stays
ambiguous is refused with the place.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from peerwatt.errors import InputError
from peerwatt.tables.dialect import SEPARATORS, Cells, Dialect, Header, find_dialect, rows, trimmed
from peerwatt.tables.numbers import AmbiguousNumbersError, CellError, NumberStyle, number_style
from peerwatt.tables.problems import Problem, one_of, quoted
from peerwatt.tables.text_of_file import Text, not_utf8, read_text, refuse_markup

Value = TypeVar("Value")

WIDTH = "width"
"""Kind of the mistakes of rows with too few or too many cells."""
NO_ROWS = "has a header and no rows"
PLAIN_ENCODINGS = ("UTF-8", "UTF-8 with byte order mark")


@dataclass(frozen=True)
class Row:
    """One line of a CSV file under its header."""

    line: int
    cells: dict[str, str]


@dataclass
class CsvTable:
    """A file's header and rows.

    Attributes:
        file: path as the reader would open it.
        header: column names, stripped.
        rows: those with the header's number of cells.
        problems: everything that was wrong; readers of the table add theirs.
        remarks: what was found out about it, and could be wrong.
        header_line: 1-based line of the header.
        preamble: the lines above it, but for `sep=;`.
        separator: between cells.
        encoding: of the file, as people say it.
        numbers: how it writes them, once `read_numbers` has found out.
    """

    file: str
    header: Cells = ()
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    remarks: list[Problem] = field(default_factory=list)
    header_line: int = 1
    preamble: tuple[Cells, ...] = ()
    separator: str = ","
    encoding: str = "UTF-8"
    numbers: NumberStyle = field(default_factory=NumberStyle)

    def problem(self, line: int | None, column: str, message: str, kind: str = "") -> None:
        """Note a mistake; those of one kind in one column are told as one."""
        self.problems.append(Problem(self.file, line, column, message, kind))

    def remark(self, message: str) -> None:
        """Note what was found out about the file."""
        self.remarks.append(Problem(self.file, None, "", message))

    def cell(self, row: Row, column: str, read: Callable[[str], Value]) -> Value | None:
        """One cell as a value; a mistake is noted and gives None."""
        try:
            return read(row.cells[column])
        except CellError as error:
            self.problem(row.line, column, str(error), error.kind)
            return None

    def number(self, row: Row, column: str, read: Callable[[str], Value]) -> Value | None:
        """As `cell`, for a column of `read_numbers`: the reader gets the number with a decimal point."""
        try:
            return read(self.numbers.plain(row.cells[column]))
        except CellError as error:
            self.problem(row.line, column, str(error), error.kind)
            return None

    def read_numbers(self, columns: Cells, stated: str | None = None) -> bool:
        """Find out how the numbers of some columns are written.

        Args:
            columns: that hold numbers, all of them.
            stated: the decimal mark, where somebody said it.

        Returns:
            Whether they show it; otherwise the problem is noted.
        """
        if stated is not None:
            self.numbers = NumberStyle(stated, "," if stated == "." else ".")
            return True
        cells = [(row, name) for row in self.rows for name in columns if name in row.cells]
        try:
            self.numbers = number_style((row.cells[name] for row, name in cells), self.separator)
        except AmbiguousNumbersError as error:
            row, name = next((row, name) for row, name in cells if row.cells[name] == error.cell)
            self.problem(row.line, name, str(error))
            return False
        return True

    def unusual(self) -> str:
        """What its dialect has that a plain CSV has not, in words; empty where there is nothing."""
        said = [] if self.encoding in PLAIN_ENCODINGS else [self.encoding]
        if self.separator != ",":
            said.append(f"{SEPARATORS.get(self.separator, repr(self.separator))}s")
        if self.numbers.decimal == ",":
            said.append("decimal commas")
        if self.numbers.groups:
            said.append(f"digits grouped by {self.numbers.groups!r}")
        if self.preamble:
            said.append(f"header in row {self.header_line}")
        return ", ".join(said)


def read_csv(
    path: Path,
    required: Cells,
    optional: Cells | None = (),
    spelled: Callable[[str], str] = str,
) -> CsvTable:
    """Read a file with a header of stated columns. Whatever is wrong with it ends up in `problems`.

    Its characters must be certain, because it holds names: UTF-8, or UTF-16 that says so. Packed with gzip it
    is unpacked.

    Args:
        path: the file.
        required: columns that must be there, in any order.
        optional: columns that may be; None allows any.
        spelled: a header's cell as the column's name, where other spellings are taken too.
    """
    table = read_table(path, lambda cells: set(required) <= {spelled(cell) for cell in cells}, names=True)
    if not table.header:
        if not table.problems:
            table.problem(1, "", f"is empty; the header is {','.join(required)}")
        return table
    _spell(table, spelled)
    if not _header_fits(table, required, optional):
        table.rows = []
    elif not table.rows and not table.problems:
        table.problem(table.header_line, "", NO_ROWS)
    return table


def read_table(
    path: Path,
    is_header: Header,
    *,
    names: bool = False,
    encoding: str | None = None,
) -> CsvTable:
    """Read a file whose header is known when it is seen. Whatever is wrong ends up in `problems`.

    Without such a header the first line that is not empty is taken for it; the caller says what is wrong with
    it. An empty file has no header.

    Args:
        path: the file.
        is_header: whether the cells of a line are the header.
        names: whether every character counts, so that a guessed encoding is refused.
        encoding: its encoding, where somebody knows it.
    """
    table = CsvTable(str(path))
    try:
        text = read_text(path, encoding)
        refuse_markup(text.text)
    except InputError as error:
        table.problem(None, "", str(error))
        return table
    table.encoding = text.encoding
    refused = not_utf8(text, "its names") if names else None
    if refused:
        table.problem(None, "", refused)
        return table
    _read(text, find_dialect(text.text, is_header), table)
    return table


def _read(text: Text, dialect: Dialect, table: CsvTable) -> None:
    table.separator = dialect.separator
    header_line = dialect.header + 1
    above: list[Cells] = []
    line = 0
    try:
        for line, cells in rows(text.text, dialect.separator, dialect.header):
            found = trimmed(cells)
            if line < header_line:
                above.append(found)
            elif not table.header:
                table.header, table.header_line = found, line
            elif found:
                _add(table, line, cells, found)
    except csv.Error as error:
        table.problem(line + 1, "", f"is not CSV: {error}")
    table.preamble = tuple(above[1:] if dialect.stated else above)


def _add(table: CsvTable, line: int, cells: list[str], found: Cells) -> None:
    width = len(table.header)
    if len(found) > width or len(cells) < width:
        table.problem(line, "", f"has {len(cells)} cells, the header has {width}", WIDTH)
        return
    padded = (*found, *("" for _ in range(width - len(found))))
    table.rows.append(Row(line, dict(zip(table.header, padded, strict=True))))


def _spell(table: CsvTable, spelled: Callable[[str], str]) -> None:
    names = tuple(spelled(name) for name in table.header)
    if names != table.header:
        table.rows = [Row(row.line, dict(zip(names, row.cells.values(), strict=False))) for row in table.rows]
        table.header = names


def _header_fits(table: CsvTable, required: Cells, optional: Cells | None) -> bool:
    missing = [name for name in required if name not in table.header]
    allowed = (*required, *(optional or ()))
    unknown = [name for name in table.header if optional is not None and name not in allowed]
    twice = sorted({name for name in table.header if table.header.count(name) > 1})
    line = table.header_line
    if len(missing) == len(required) and len(required) > 1:
        shown = quoted(table.separator.join(table.header))
        table.problem(line, "", f"unknown header {shown}; the header is {','.join(required)}")
        return False
    for name in missing:
        table.problem(line, name, f"column is missing; the header is {','.join(required)}")
    for name in unknown:
        table.problem(line, name or "(no name)", f"unknown column; the header is {','.join(allowed)}")
    for name in twice:
        table.problem(line, name, "column is given twice")
    return not (missing or unknown or twice)


def headers(layouts: tuple[Cells, ...]) -> str:
    """The headers that a file may have, in words."""
    return f"give {one_of([','.join(names) for names in layouts])}"
