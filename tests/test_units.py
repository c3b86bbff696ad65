"""A factor between units is written once, in peerwatt/units.py."""

import ast
from pathlib import Path

import peerwatt

PACKAGE = Path(peerwatt.__file__).parent
FACTORS = {1_000, 3_600, 10_000, 86_400, 1_000_000}


def test_no_other_module_multiplies_or_divides_by_a_factor() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.FloorDiv)
        for operand in (node.left, node.right)
        if isinstance(operand, ast.Constant) and operand.value in FACTORS
    ]
    assert found == []
