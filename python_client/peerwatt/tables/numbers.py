"""Numbers as people's files write them: plain decimals with one mark per file, and nothing that could be two.

`1.250` is 1.25 to some programs and 1250 to others. Which of them a file means is found once, from all its
numbers; where they do not show it, the file is refused instead of being read a thousand times wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from peerwatt.tables.problems import quoted

LONGEST = 40
"""Characters of a number that anybody means."""

_PLAIN = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_MARKED = re.compile(r"[0-9]*(?:[.,][0-9]+)+")
_GROUPS = {mark: re.compile(rf"[+-]?[0-9]{{1,3}}(?:\{mark}[0-9]{{3}})+") for mark in ".,"}
_OTHER = {".": ",", ",": "."}


class CellError(ValueError):
    """A cell's text is not what its column holds; the message does not repeat the place.

    Attributes:
        kind: what it has in common with the mistakes of other cells.
    """

    def __init__(self, message: str, kind: str = "cell") -> None:
        super().__init__(message)
        self.kind = kind


class AmbiguousNumbersError(ValueError):
    """The numbers of a file do not show which mark is the decimal one.

    Attributes:
        cell: the first that could be two numbers, or contradicts the others.
    """

    def __init__(self, cell: str, message: str) -> None:
        super().__init__(message)
        self.cell = cell


@dataclass(frozen=True)
class NumberStyle:
    """How a file writes numbers.

    Attributes:
        decimal: mark before the decimals, `.` or `,`.
        groups: mark between groups of three digits, or empty where the file has none.
    """

    decimal: str = "."
    groups: str = ""

    def plain(self, cell: str) -> str:
        """A cell's number with a point and without groups; any other text as it is.

        Raises:
            CellError: it has the other mark, and the file does not group digits with it.
        """
        if self.decimal == "." and "," not in cell:
            return cell
        found = cell
        other = _OTHER[self.decimal]
        if other in cell:
            whole = cell.partition(self.decimal)[0]
            if self.groups != other or not _GROUPS[other].fullmatch(whole):
                name = "comma" if self.decimal == "," else "point"
                raise CellError(
                    f"{quoted(cell)} is no number in a file whose decimal mark is a {name}; write it with no "
                    f"{other!r}",
                    "mark",
                )
            found = whole.replace(other, "") + cell[len(whole) :]
        return found.replace(",", ".") if self.decimal == "," else found


def number_style(cells: Iterable[str], separator: str) -> NumberStyle:
    """How a file writes numbers, from all of them.

    A number with both marks shows both; one with a mark that is not before exactly three digits shows the
    decimal mark; so does a leading zero, as no group begins with one. In a file that is separated by commas
    a number whose only mark is a point has decimals.

    Args:
        cells: the file's numbers; what is none is passed over.
        separator: between the file's cells.

    Raises:
        AmbiguousNumbersError: they could be read in two ways, or contradict one another.
    """
    shown: dict[str, str] = {}
    grouping: dict[str, str] = {}
    unclear: dict[str, str] = {}
    for cell in cells:
        body = cell.lstrip("+-")
        if ("." not in body and "," not in body) or not _MARKED.fullmatch(body):
            continue
        points, commas = body.count("."), body.count(",")
        if points and commas:
            mark = "." if body.rfind(".") > body.rfind(",") else ","
            shown.setdefault(mark, cell)
            grouping.setdefault(_OTHER[mark], cell)
        elif points + commas > 1:
            mark = "." if points else ","
            grouping.setdefault(mark, cell)
            shown.setdefault(_OTHER[mark], cell)
        else:
            mark = "." if points else ","
            whole, _, rest = body.partition(mark)
            could_group = len(rest) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
            (unclear if could_group else shown).setdefault(mark, cell)
    if len(shown) > 1:
        raise AmbiguousNumbersError(
            shown[","],
            f"the file has decimal points ({quoted(shown['.'])}) and decimal commas ({quoted(shown[','])}); "
            "write one of them throughout",
        )
    if not shown:
        if not unclear:
            return NumberStyle()
        if set(unclear) == {"."} and separator == ",":
            return NumberStyle()
        cell = next(iter(unclear.values()))
        raise AmbiguousNumbersError(cell, _two_ways(cell))
    [decimal] = shown
    other = _OTHER[decimal]
    if other in unclear and other not in grouping:
        raise AmbiguousNumbersError(
            unclear[other],
            f"{_two_ways(unclear[other])}; {quoted(shown[decimal])} has its decimals after {decimal!r}",
        )
    return NumberStyle(decimal, other if other in grouping else "")


def _two_ways(cell: str) -> str:
    digits = cell.replace(".", "").replace(",", "")
    return (
        f"{quoted(cell)} could be {digits} or {cell.replace(',', '.').rstrip('0')}: say which is the decimal "
        "mark (`peerwatt import meter` has --decimal), or write numbers without groups"
    )


def text(cell: str) -> str:
    """A cell that must not be empty."""
    if not cell:
        raise CellError("is empty", "empty")
    return cell


def plain_decimal(cell: str, unit: str) -> Decimal:
    """A plain decimal: ASCII digits, at most one point and a sign.

    Raises:
        CellError: it is none.
    """
    if not cell:
        raise CellError(f"is empty; it needs a number of {unit}", "empty")
    if len(cell) > LONGEST or not _PLAIN.fullmatch(cell):
        raise CellError(f"{quoted(cell)} is not a number of {unit}", "number")
    return Decimal(cell)


def whole(unit: str, least: int, most: int) -> Callable[[str], int]:
    """A reader of whole numbers within bounds."""

    def read(cell: str) -> int:
        value = plain_decimal(cell, unit)
        if "." in cell:
            raise CellError(f"{quoted(cell)} is not a whole number of {unit}", "number")
        if not least <= value <= most:
            raise CellError(f"{cell} {unit} is out of range; {least} to {most} {unit} can be true", "range")
        return int(value)

    return read


def decimal(unit: str, least: int, most: int) -> Callable[[str], Decimal]:
    """A reader of plain decimal numbers within bounds."""

    def read(cell: str) -> Decimal:
        value = plain_decimal(cell, unit)
        if value < least == 0:
            raise CellError(f"{cell} {unit} is negative; give 0 or more", "negative")
        if not least <= value <= most:
            raise CellError(f"{cell} {unit} is out of range; {least} to {most} {unit} can be true", "range")
        return value

    return read
