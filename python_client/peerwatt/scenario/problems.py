"""What is wrong with a scenario, and where: file, line, key or column, and what would be right."""

from dataclasses import dataclass
from difflib import get_close_matches

from peerwatt.errors import InputError


@dataclass(frozen=True)
class Problem:
    """One mistake in one place.

    Attributes:
        file: path of the file as the reader would open it.
        line: 1-based line, or None where the mistake is the file itself.
        field: dotted key of the YAML, column of the CSV, or empty.
        message: what is wrong and what to do.
    """

    file: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class LocatedError(InputError):
    """Files cannot be used. Its text is one line; `problems` has every mistake that was found."""

    hint = ""
    """How to see the mistakes that the one line leaves out."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        more = len(problems) - 1
        super().__init__(f"{problems[0]} (and {more} more{self.hint})" if more else str(problems[0]))


class ScenarioError(LocatedError):
    """A scenario cannot be used."""

    hint = ": run `peerwatt check`"


def one_of(allowed: list[str]) -> str:
    """`a, b or c`."""
    return allowed[0] if len(allowed) == 1 else f"{', '.join(allowed[:-1])} or {allowed[-1]}"


def did_you_mean(given: str, allowed: list[str]) -> str:
    """` (did you mean x?)`, or nothing where no allowed word is near."""
    near = get_close_matches(given, allowed, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
