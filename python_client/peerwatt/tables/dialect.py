"""How a table is written: its separator, the row that its header stands in, and what was skipped on the way.

Where a reader knows the words of the header, the separator that yields them is the file's. Otherwise
CleverCSV finds it, by how consistent the cells become (van den Burg, Nazabal and Sutton, "Wrangling messy CSV
files by detecting row and type patterns", Data Mining and Knowledge Discovery 33, 2019).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_LINES = 100
MOST_PREAMBLE = 60
"""Lines above a header in which portals write whose meter it is."""

_STATED = re.compile(r"\s*\"?sep=(.)\"?[\s,;]*", re.IGNORECASE)

Cells = tuple[str, ...]
Header = Callable[[Cells], bool]
"""Whether the cells of a line are the header."""


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Attributes:
        separator: between cells.
        header: 0-based number of the line that its header stands in.
        stated: whether the file says its separator itself, in a line `sep=;`.
    """

    separator: str
    header: int = 0
    stated: bool = False


def find_dialect(text: str, is_header: Header) -> Dialect:
    """The dialect of a table.

    Args:
        text: the whole file.
        is_header: whether the cells of a line, stripped, are the header; the first such line is.
    """
    lines = [line.rstrip("\r\n") for line in islice(_lines(text), SAMPLE_LINES + MOST_PREAMBLE)]
    first = next((k for k, line in enumerate(lines) if line.strip()), 0)
    stated = _STATED.fullmatch(lines[first]) if lines else None
    if stated:
        separator = stated[1]
        start = first + 1
        found = _header(lines, start, separator, is_header)
        return Dialect(separator, start if found is None else found, True)
    for separator in SEPARATORS:
        found = _header(lines, first, separator, is_header)
        if found is not None:
            return Dialect(separator, found)
    return Dialect(_sniffed(lines) or ",", first)


def split(line: str, separator: str) -> Cells:
    """The cells of one line, stripped, without empty ones at its end."""
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return ()
    return trimmed(cells)


def trimmed(cells: Sequence[str]) -> Cells:
    """Cells stripped, without empty ones at the end."""
    found = [cell.strip() for cell in cells]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def rows(text: str, separator: str, header: int) -> Iterator[tuple[int, list[str]]]:
    """The records of a table with their 1-based line numbers.

    Args:
        text: the whole file.
        separator: between cells.
        header: 0-based number of the header's line; above it, each line is a record, whatever it has in it.

    Raises:
        csv.Error: it is no CSV.
    """
    lines = _lines(text)
    for number, line in enumerate(islice(lines, header), start=1):
        yield number, list(split(line, separator))
    reader = csv.reader(lines, strict=True, delimiter=separator)
    before = header
    for cells in reader:
        yield before + 1, cells
        before = header + reader.line_num


def _lines(text: str) -> Iterator[str]:
    """Lines as CSV has them: ended by LF, CR or both, and by no other character."""
    return iter(io.StringIO(text, newline=""))


def _header(lines: list[str], first: int, separator: str, is_header: Header) -> int | None:
    for k in range(first, min(first + MOST_PREAMBLE, len(lines))):
        if lines[k].strip() and is_header(split(lines[k], separator)):
            return k
    return None


def _sniffed(lines: list[str]) -> str | None:
    # slow to import, and nearly all files have a header that is known
    import clevercsv

    try:
        found = clevercsv.Sniffer().sniff("\n".join(lines[:SAMPLE_LINES]), delimiters=[*SEPARATORS])
    except clevercsv.Error:
        return None
    return (found.delimiter or None) if found is not None else None
