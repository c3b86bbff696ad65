"""JSON that people hand in, read without trust in its depth and its digits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from peerwatt.errors import InputError
from peerwatt.tables.numbers import LONGEST

DEEPEST = 100
"""Brackets within brackets that a file of ours has at most. Python's reader ends the process at some tens of
thousands, where a library has raised the limit on recursion."""

_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")


def load_json(text: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> Any:
    """Parse a text.

    Args:
        text: the file's.
        pairs: makes an object of its pairs, as in the library.

    Raises:
        InputError: it is nested too deeply, or has a number that nobody means.
        json.JSONDecodeError: it is no JSON.
    """
    depth = 0
    for bracket in _BRACKETS.finditer(_TEXT.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            raise InputError(f"is nested more than {DEEPEST} deep; no file of this kind is")
    return json.loads(text, object_pairs_hook=pairs, parse_int=_integer)


def _integer(digits: str) -> int:
    if len(digits) > LONGEST:
        raise InputError(f"a number of {len(digits)} digits is out of range: {digits[:LONGEST]}…")
    return int(digits)
