"""docs/market.md names all that the contracts offer, and the pages state one set of rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "market.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
INTERFACES = sorted((ROOT / "contracts" / "interfaces").glob("*.sol"))
RULE = re.compile(r"\| \*\*(R\d)\*\* \| (.*?) \|")


@pytest.mark.parametrize("kind", ["function", "error", "event"])
def test_everything_that_an_interface_declares_is_in_the_specification(kind: str) -> None:
    named = set(re.findall(r"`(\w+)", PAGE))
    declared = {
        (path.name, name)
        for path in INTERFACES
        for name in re.findall(rf"^\s*{kind} (\w+)\(", path.read_text(), re.MULTILINE)
    }
    assert declared
    missing = sorted(f"{path}: {name}" for path, name in declared if name not in named)
    assert not missing, f"docs/market.md does not name {missing}"


def test_the_rules_are_six_and_stated_alike() -> None:
    rules = dict(RULE.findall(PAGE))
    assert sorted(rules) == ["R1", "R2", "R3", "R4", "R5", "R6"]
    flowing = " ".join(SECURITY.split())
    assert not [rule for rule, sentence in rules.items() if f"*{sentence}*" not in flowing]


def test_the_rules_in_the_contracts_are_those_of_the_specification() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "contracts").rglob("*.sol"))
    assert set(re.findall(r"\((R\d)\)", sources)) == set(dict(RULE.findall(PAGE)))
