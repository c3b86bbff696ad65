"""Every packed field lies where its module draws it, and where the contract's library draws it."""

import ast
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import peerwatt
from peerwatt import messages
from peerwatt.messages.packed_word import Field

PACKAGE = Path(peerwatt.__file__).parent
LIBRARIES = Path(__file__).parents[2] / "contracts" / "libraries"
DRAWN_ON_BOTH_SIDES = {"clearing": "Clearing.sol", "terms": "Terms.sol"}

SETS_OF_PLAYERS = ("designs", "compare")
"""Rooms whose bits are the members of a coalition."""


def drawn(text: str) -> set[tuple[int, int]]:
    """The (lowest, highest) bits in a text's drawings: lines of nothing but bits and ranges of bits."""
    lines = (line.strip().removeprefix("///").strip() for line in text.splitlines())
    rulers = [line for line in lines if re.fullmatch(r"(\d+(\.\.\d+)?\s*)+", line)]
    found = (bits.partition("..") for line in rulers for bits in line.split())
    return {(int(low or high), int(high)) for high, _, low in found}


def fields(module: str) -> set[tuple[int, int]]:
    """The same of the fields that a module names."""
    names = vars(importlib.import_module(f"peerwatt.messages.{module}")).values()
    return {(f.offset, f.offset + f.bits - 1) for f in names if isinstance(f, Field)}


MODULES = [found.name for found in pkgutil.iter_modules(messages.__path__)]


@pytest.mark.parametrize("module", [module for module in MODULES if fields(module)])
def test_fields_lie_where_the_module_draws_them(module: str) -> None:
    text = importlib.import_module(f"peerwatt.messages.{module}").__doc__
    in_bytes = {(0, 7), (8, 23)} if module == "order_codec" else set()  # the header is drawn in bytes
    in_entry = {(160, 191)} if module == "roster" else set()  # both limits at once
    assert fields(module) - in_bytes - in_entry <= drawn(text or "")


@pytest.mark.parametrize("module", DRAWN_ON_BOTH_SIDES)
def test_the_contract_draws_the_same(module: str) -> None:
    text = importlib.import_module(f"peerwatt.messages.{module}").__doc__
    assert drawn(text or "") == drawn((LIBRARIES / DRAWN_ON_BOTH_SIDES[module]).read_text(encoding="utf-8"))


def test_no_other_room_unpacks_words() -> None:
    assert [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in ("messages", *SETS_OF_PLAYERS)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp) and shifts(node)
    ] == []


def shifts(node: ast.BinOp) -> bool:
    """Whether an operation takes a field out of a word or puts one in: bounds such as ``1 << 32`` do not."""
    constant = isinstance(node.left, ast.Constant)
    return isinstance(node.op, ast.RShift) or (isinstance(node.op, ast.LShift) and not constant)
