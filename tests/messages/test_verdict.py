"""There is one verdict in the package, with the contract's numbers."""

import re
from pathlib import Path

import pytest

import peerwatt
from peerwatt.verdict import DECIDED, Verdict

PACKAGE = Path(peerwatt.__file__).parent
TERMS = Path(__file__).parents[2] / "contracts" / "libraries" / "Terms.sol"


def test_its_numbers_are_the_contracts() -> None:
    found = re.search(r"enum Verdict \{([^}]*)\}", TERMS.read_text(encoding="utf-8"))
    assert found is not None
    names = [name.strip().lower() for name in found.group(1).split(",")]
    assert dict(enumerate(names)) == {int(v): str(v) for v in Verdict}


def test_in_text_it_is_its_name_and_read_back_the_same() -> None:
    assert f"{Verdict.CURTAIL}" == str(Verdict.CURTAIL) == "curtail"
    assert [Verdict.named(str(verdict)) for verdict in Verdict] == list(Verdict)
    with pytest.raises(ValueError, match="'perhaps' is no verdict: give one of none, accept, cap"):
        Verdict.named("perhaps")


def test_what_is_decided_cuts_or_pays_for_surplus() -> None:
    assert [verdict.cuts != verdict.is_unconstrained for verdict in DECIDED] == [True] * 5


def test_no_other_file_lists_the_verdicts() -> None:
    names = [f'"{verdict}"' for verdict in DECIDED]
    lists = [
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if sum(name in path.read_text(encoding="utf-8") for name in names) > 1
    ]
    assert lists == []
