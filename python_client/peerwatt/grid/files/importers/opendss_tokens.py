"""One line of an OpenDSS script as its parameters, split as OpenDSS's own parser splits it.

Blanks, commas and equals signs part parameters; quotes and brackets of five kinds keep one value together;
`!` and `//` outside of them begin a comment. A parameter without a value ends the line."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

_CLOSING = {"(": ")", '"': '"', "'": "'", "[": "]", "{": "}"}
_BLANKS = re.compile(r"[ \t]*")
_DELIMITER = re.compile(r"[,= \t!]|//")


@dataclass(frozen=True)
class Parameter:
    """One parameter of a line.

    Attributes:
        name: What stands before the equals sign; empty where there is none.
        value: The value without its quotes.
        quote: The opening quote or bracket of the value; empty where there is none.
    """

    name: str
    value: str
    quote: str = ""

    @property
    def text(self) -> str:
        """The value as it was written, its quote closed."""
        return f"{self.quote}{self.value}{_CLOSING[self.quote]}" if self.quote else self.value


def parameters(line: str) -> Iterator[Parameter]:
    """The parameters of one line."""
    reader = _Reader(line + " ")
    while not reader.done:
        value, quote, end = reader.token(" ")
        name = ""
        if end == "=":
            name = value
            value, quote, _ = reader.token("=")
        if not value:
            return
        yield Parameter(name, value, quote)


def elements_of(value: str) -> list[str]:
    """The elements of a value that is a list, without their quotes."""
    return [parameter.value for parameter in parameters(value)]


@functools.cache
def abbreviated(word: str, names: tuple[str, ...]) -> str | None:
    """The name that a word stands for: itself, or the first that begins with it; case is no matter."""
    lowered = [name.lower() for name in names]
    word = word.lower()
    if word in lowered:
        return names[lowered.index(word)]
    return next((name for name, low in zip(names, lowered, strict=True) if low.startswith(word)), None)


class _Reader:
    """A position in a line."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._skip_blanks()

    @property
    def done(self) -> bool:
        return self._at >= len(self._text)

    def token(self, end: str) -> tuple[str, str, str]:
        """The next value, its quote, and the delimiter that ended it; `end` where a quote did."""
        if self.done:
            return "", "", end
        quote = self._text[self._at] if self._text[self._at] in _CLOSING else ""
        if quote:
            close = self._text.find(_CLOSING[quote], self._at + 1)
            close = len(self._text) - 1 if close < 0 else close
            value, self._at = self._text[self._at + 1 : close], close + 1
        else:
            found = _DELIMITER.search(self._text, self._at)
            stop = found.start() if found else len(self._text)
            value, self._at = self._text[self._at : stop], stop
            end = found.group() if found else " "
            end = {"//": "!", "\t": " "}.get(end, end)
        if end == "!":
            self._at = len(self._text)
            return value, quote, end
        if end == " ":
            self._skip_blanks()
        if not self.done and self._text[self._at] in ",=":
            end = self._text[self._at]
            self._at += 1
        self._skip_blanks()
        return value, quote, end

    def _skip_blanks(self) -> None:
        blanks = _BLANKS.match(self._text, self._at)
        self._at = blanks.end() if blanks else self._at
