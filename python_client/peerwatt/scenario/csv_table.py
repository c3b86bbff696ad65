"""CSV files whose every cell knows its row, for errors that say where."""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, TypeVar, cast

from peerwatt.scenario.problems import Problem, one_of

Value = TypeVar("Value")


class CellError(ValueError):
    """A cell's text is not what its column holds; the message does not repeat the place."""


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
    """

    file: str
    header: tuple[str, ...] = ()
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int | None, column: str, message: str) -> None:
        """Note a mistake."""
        self.problems.append(Problem(self.file, line, column, message))

    def cell(self, row: Row, column: str, read: Callable[[str], Value]) -> Value | None:
        """One cell as a value; a mistake is noted and gives None."""
        try:
            return read(row.cells[column])
        except CellError as error:
            self.problem(row.line, column, str(error))
            return None


def read_csv(path: Path, required: tuple[str, ...], optional: tuple[str, ...] | None = ()) -> CsvTable:
    """Read a file. Whatever is wrong with it ends up in `problems`; nothing is raised.

    Args:
        path: the file; UTF-8, comma separated, header first; packed with gzip where its name ends in `.gz`.
        required: columns that must be there.
        optional: columns that may be; None allows any.
    """
    return _table(path, (required,), optional)


def read_csv_as(path: Path, layouts: tuple[tuple[str, ...], ...]) -> CsvTable:
    """Read a file whose header is one of several, in any order of its columns, as `read_csv` does.

    Args:
        path: the file; UTF-8, header first; commas, or semicolons where the header has no comma.
        layouts: the headers.
    """
    return _table(path, layouts, ())


def _table(path: Path, layouts: tuple[tuple[str, ...], ...], optional: tuple[str, ...] | None) -> CsvTable:
    table = CsvTable(str(path))
    try:
        with _opened(path) as file:
            first = file.readline()
            file.seek(0)
            semicolons = len(layouts) > 1 and ";" in first and "," not in first
            reader = csv.reader(file, strict=True, delimiter=";" if semicolons else ",")
            _read(reader, table, layouts, optional)
    except FileNotFoundError:
        table.problem(None, "", "no such file")
    except UnicodeDecodeError as error:
        table.problem(None, "", f"is not UTF-8 text: {error.reason} at byte {error.start}")
    except (OSError, EOFError, zlib.error) as error:
        table.problem(None, "", f"cannot be read: {getattr(error, 'strerror', None) or error}")
    return table


def _opened(path: Path) -> IO[str]:
    """A file's text; of one that is named `.gz`, what is packed in it."""
    open_ = gzip.open if path.suffix == ".gz" else open
    return cast(IO[str], open_(path, "rt", newline="", encoding="utf-8-sig"))


def _read(
    lines: Iterator[list[str]],
    table: CsvTable,
    layouts: tuple[tuple[str, ...], ...],
    optional: tuple[str, ...] | None,
) -> None:
    number = 0
    try:
        for number, cells in enumerate(lines, start=1):
            if number == 1:
                table.header = tuple(cell.strip() for cell in cells)
                required = next((names for names in layouts if set(names) == set(table.header)), layouts[0])
                if len(layouts) > 1 and set(required) != set(table.header):
                    table.problem(1, "", f"unknown header {','.join(table.header)}; {_headers(layouts)}")
                    return
                if not _header_fits(table, required, optional):
                    return
            elif len(cells) != len(table.header):
                if cells:
                    table.problem(number, "", f"has {len(cells)} cells, the header has {len(table.header)}")
            else:
                stripped = (cell.strip() for cell in cells)
                table.rows.append(Row(number, dict(zip(table.header, stripped, strict=True))))
    except csv.Error as error:
        table.problem(number + 1, "", f"is not CSV: {error}")
        return
    if number == 0:
        table.problem(1, "", f"is empty; {_headers(layouts)}")
    elif not table.rows and not table.problems:
        table.problem(number, "", "has a header and no rows")


def _headers(layouts: tuple[tuple[str, ...], ...]) -> str:
    headers = [",".join(names) for names in layouts]
    return f"the header is {one_of(headers)}" if len(headers) == 1 else f"give {one_of(headers)}"


def _header_fits(table: CsvTable, required: tuple[str, ...], optional: tuple[str, ...] | None) -> bool:
    missing = [name for name in required if name not in table.header]
    allowed = (*required, *(optional or ()))
    unknown = [name for name in table.header if optional is not None and name not in allowed]
    twice = sorted({name for name in table.header if table.header.count(name) > 1})
    for name in missing:
        table.problem(1, name, f"column is missing; the header is {','.join(required)}")
    for name in unknown:
        table.problem(1, name or "(no name)", f"unknown column; the header is {','.join(allowed)}")
    for name in twice:
        table.problem(1, name, "column is given twice")
    return not (missing or unknown or twice)


def text(cell: str) -> str:
    """A cell that must not be empty."""
    if not cell:
        raise CellError("is empty")
    return cell


def whole(unit: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def read(cell: str) -> int:
        try:
            value = int(cell)
        except ValueError:
            raise CellError(f"{cell!r} is not a whole number of {unit}") from None
        if not least <= value <= most:
            raise CellError(f"{value} {unit} is out of range; {least} to {most} {unit} can be true")
        return value

    return read


def decimal(unit: str, least: int, most: int) -> Callable[[str], Decimal]:
    """A reader of plain decimal numbers within bounds."""

    def read(cell: str) -> Decimal:
        try:
            value = Decimal(cell)
        except InvalidOperation:
            raise CellError(f"{cell!r} is not a number of {unit}") from None
        if not value.is_finite():
            raise CellError(f"{cell!r} is not a number of {unit}")
        if value < least == 0:
            raise CellError(f"{cell} {unit} is negative; give 0 or more")
        if not least <= value <= most:
            raise CellError(f"{cell} {unit} is out of range; {least} to {most} {unit} can be true")
        return value

    return read
