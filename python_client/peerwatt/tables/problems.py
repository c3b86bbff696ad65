"""What is wrong with a file, and where: file, line, key or column, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches

from peerwatt.errors import InputError

SHOWN = 40
"""Characters of a text that a message repeats; who wrote more finds the place by its row."""


@dataclass(frozen=True)
class Problem:
    """One mistake in one place, or one kind of mistake in several rows of a file.

    Attributes:
        file: path of the file as the reader would open it.
        line: 1-based line, or None where the mistake is the file itself.
        field: dotted key of the YAML, column of the CSV, or empty.
        message: what is wrong and what to do.
        kind: what it has in common with others of its file and field; empty where it stands alone.
        more: how many others of its kind there are, of which this is the first.
        last: line of the last of them.
    """

    file: str
    line: int | None
    field: str
    message: str
    kind: str = ""
    more: int = 0
    last: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        told = f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"
        return f"{told} ({self.more} more such, the last in row {self.last})" if self.more else told


def grouped(problems: Iterable[Problem]) -> list[Problem]:
    """The same with one mistake for each kind, file and field: the first, and how many more there are."""
    found: dict[object, Problem] = {}
    for number, problem in enumerate(problems):
        key: object = (problem.file, problem.field, problem.kind) if problem.kind else number
        first = found.get(key)
        if first is None:
            found[key] = problem
        else:
            found[key] = replace(first, more=first.more + 1 + problem.more, last=problem.last or problem.line)
    return list(found.values())


class LocatedError(InputError):
    """Files cannot be used. Its text is one line; `problems` has every mistake that was found, grouped."""

    hint = ""
    """How to see the mistakes that the one line leaves out."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(grouped(problems))
        more = len(self.problems) - 1
        first = self.problems[0]
        super().__init__(f"{first} (and {more} more{self.hint})" if more else str(first))


def quoted(text: str) -> str:
    """A text as a message repeats it: in quotes, cut where nobody would read on."""
    if len(text) <= SHOWN:
        return repr(text)
    return f"{text[:SHOWN]!r}… ({len(text)} characters)"


def one_of(allowed: list[str]) -> str:
    """`a, b or c`."""
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def did_you_mean(given: str, allowed: list[str]) -> str:
    """` (did you mean x?)`, or nothing where no allowed word is near."""
    near = get_close_matches(given, allowed, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
