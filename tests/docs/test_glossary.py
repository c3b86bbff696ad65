"""Every name that the glossary gives is in the sources of its language."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "glossary.md"
COLUMNS = 6
NAME = re.compile(r"`(\w+)`")
SOURCES = {"sol": ROOT / "contracts", "py": ROOT / "python_client" / "peerwatt"}


def terms() -> list[list[str]]:
    """The cells of every term's row: term, definition, unit, Solidity, Python, not to be confused with."""
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return [row for row in cells if len(row) == COLUMNS and row[0] != "term"]


@cache
def words(language: str) -> frozenset[str]:
    """Every identifier in the sources of a language."""
    texts = (path.read_text() for path in SOURCES[language].rglob(f"*.{language}"))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


@pytest.mark.parametrize(("language", "column"), [("sol", 3), ("py", 4)])
def test_every_name_is_in_the_sources(language: str, column: int) -> None:
    named = {(row[0], name) for row in terms() for name in NAME.findall(row[column])}
    missing = sorted(f"{term}: {name}" for term, name in named if name not in words(language))
    assert not missing, f"No such name in *.{language}: {missing}"


def test_every_term_is_defined_once_and_has_a_definition() -> None:
    counted = Counter(term for row in terms() for term in row[0].split(", "))
    assert not [term for term, count in counted.items() if count > 1]
    assert all(row[1] for row in terms())
    assert len(counted) > 50
