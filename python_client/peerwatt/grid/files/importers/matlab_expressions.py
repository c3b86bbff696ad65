"""Expressions of MATLAB's language: found by tree-sitter's grammar, put in MATLAB's order here.

The grammar's precedence of operators is not MATLAB's (`a > 0 & b` comes out as `a > (0 & b)`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from tree_sitter import Node

from peerwatt.grid.files.importers.matlab_functions import BINARY, FUNCTIONS
from peerwatt.grid.files.importers.matlab_values import (
    Cells,
    Matrix,
    NotExecutable,
    join,
    matrix,
    spread,
    taken,
    true,
)

_DEEPEST = 60
_BINDING = {"||": 1, "&&": 2, "|": 3, "&": 4, "<": 5, "<=": 5, ">": 5, ">=": 5, "==": 5, "~=": 5, "!=": 5}
_BINDING |= {":": 6, "+": 7, "-": 7, "*": 8, "/": 8, ".*": 8, "./": 8, "^": 10, ".^": 10, "'": 10, ".'": 10}
_PREFIX = 9  # unary + - ~ bind tighter than products, looser than powers
_JOINED = {"binary_operator", "comparison_operator", "boolean_operator", "unary_operator", "not_operator"}
_JOINED |= {"postfix_operator", "range"}
_IGNORED = {"comment", "line_continuation", ";", ",", "\n"}
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[Ii]nf|NaN)")


class ScriptError(Exception):
    """A line of the file that is not executed: its number, its text, and why."""


def refused(node: Node, why: str) -> ScriptError:
    """Names the statement's line, as the author sees it."""
    whole = node
    while whole.parent is not None and whole.parent.type not in ("block", "source_file"):
        whole = whole.parent
    line = node.start_point.row - whole.start_point.row
    said = (text_of(whole).splitlines() or [""])[line : line + 1] or [""]
    return ScriptError(f"line {node.start_point.row + 1}: {' '.join(said[0].split())[:80]!r}: {why}")


def text_of(node: Node) -> str:
    """The source of a node."""
    return (node.text or b"").decode()


def parts(node: Node) -> list[Node]:
    """What a node is made of, without blanks, comments and separators."""
    return [c for c in node.children if c.type not in _IGNORED and c.text]


class Expressions:
    """The variables so far, and what expressions of them are worth."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._columns: list[tuple[int, int]] = []  # what `end` means, innermost last
        self._depth = 0

    def _guarded(self, node: Node, action: Callable[[Node], Any]) -> Any:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise NotExecutable("blocks or brackets within one another without end")
            return action(node)
        except NotExecutable as why:
            raise refused(node, str(why)) from None
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, MemoryError):
            raise refused(node, "not executed here; write its result into the table") from None
        finally:
            self._depth -= 1

    def _subscripts(self, array: Matrix, arguments: Sequence[Node]) -> list[Any]:
        found: list[Any] = []
        for k, node in enumerate(arguments):
            if node.type == "spread_operator":
                found.append(None)
                continue
            self._columns.append((array.size if len(arguments) == 1 else array.shape[min(k, 1)], k))
            found.append(self._value(node))
            self._columns.pop()
        return found

    def _value(self, node: Node) -> Any:
        """An expression's value; operators in MATLAB's order."""
        if node.type in _JOINED:
            tokens = list(_flat(node))
            value = self._climb(tokens, 0)
            if tokens:
                raise NotExecutable(f"{text_of(tokens[0])!r} is not understood")
            return value
        return self._operand(node)

    def _climb(self, tokens: list[Node], least: int) -> Any:
        if not tokens:
            raise NotExecutable("an expression that breaks off")
        first = tokens.pop(0)
        if not first.is_named and first.type in ("+", "-", "~", "!"):
            value = self._climb(tokens, _PREFIX)
            number = matrix(value)
            value = number == 0 if first.type in "~!" else number * (-1.0 if first.type == "-" else 1.0)
        else:
            value = self._operand(first)
        while tokens and not tokens[0].is_named and _BINDING.get(tokens[0].type, -1) >= max(least, 1):
            sign, binding = tokens[0].type, _BINDING[tokens[0].type]
            if binding < least:
                break
            tokens.pop(0)
            if sign in ("'", ".'"):
                value = matrix(value).T
            elif sign == ":":
                second = self._climb(tokens, binding + 1)
                third = None
                if tokens and tokens[0].type == ":":
                    tokens.pop(0)
                    third = self._climb(tokens, binding + 1)
                value = spread(value, 1.0 if third is None else second, second if third is None else third)
            elif sign in ("&&", "||"):
                right = self._climb(tokens, binding + 1)
                both = (true(value), true(right))
                value = matrix(all(both) if sign == "&&" else any(both))
            else:
                # The exponent takes its own sign (2^-1), and powers group from the left.
                right = self._climb(tokens, binding + 1 if binding < 10 else 11)
                value = BINARY["~=" if sign == "!=" else sign](value, right)
        return value

    def _operand(self, node: Node) -> Any:
        kind = node.type
        if kind == "number":
            if not _NUMBER.fullmatch(text_of(node)):
                raise NotExecutable(f"{text_of(node)!r} is no real decimal number")
            return matrix(_number(text_of(node)))
        if kind == "parenthesis":
            inner = parts(node)[1:-1]
            if len(inner) != 1:
                raise NotExecutable("brackets that hold no expression")
            return self._guarded(inner[0], self._value)
        if kind == "matrix":
            plain = _plain_table(node)
            if plain is not None:
                return plain
            rows = [
                [self._guarded(c, self._value) for c in parts(r)] for r in node.children if r.type == "row"
            ]
            return join(rows)
        if kind == "cell":
            return Cells(text_of(n) for n in walk(node) if n.type == "string_content")
        if kind == "string":
            return "".join(text_of(c) for c in node.children if c.type == "string_content")
        if kind == "end_keyword" or (kind == "identifier" and text_of(node) == "end"):
            if not self._columns:
                raise NotExecutable("'end' outside a subscript")
            return matrix(float(self._columns[-1][0]))
        if kind in ("identifier", "field_expression", "function_call"):
            return self._named(node)
        if kind == "boolean":
            return matrix(text_of(node) == "true")
        if kind in _JOINED:
            return self._value(node)
        raise NotExecutable("not executed here; write its result into the table")

    def _named(self, node: Node) -> Any:
        """A variable, a field of it, cells of it, or a function's result."""
        path = list(steps_of(node))
        name = path[0]
        if not isinstance(name, str):
            raise NotExecutable("no name")
        if name not in self._values:
            if name in FUNCTIONS and len(path) <= 2 and all(isinstance(p, list) for p in path[1:]):
                arguments = [self._value(n) for p in path[1:] if isinstance(p, list) for n in p]
                with np.errstate(all="ignore"):
                    return FUNCTIONS[name](*arguments)
            raise NotExecutable(f"{name!r} is not known here; write its result into the table")
        value = self._values[name]
        for step in path[1:]:
            if isinstance(step, str):
                if not isinstance(value, dict) or step not in value:
                    raise NotExecutable(f"no field {step!r} so far")
                value = value[step]
            else:
                array = matrix(value)
                value = taken(array, self._subscripts(array, step)) if step else array
        return value


def steps_of(node: Node) -> Iterator[str | list[Node]]:
    """`mpc.bus(:, 3)` as `mpc`, `bus`, `[:, 3]`."""
    if node.type == "identifier":
        yield text_of(node)
    elif node.type == "field_expression":
        for child in parts(node):
            if child.type != ".":
                yield from steps_of(child)
    elif node.type == "function_call":
        name = node.child_by_field_name("name")
        if name is None or any(c.type == "{" for c in node.children):
            raise NotExecutable("not executed here; write its result into the table")
        yield from steps_of(name)
        arguments = next((c for c in node.children if c.type == "arguments"), None)
        yield parts(arguments) if arguments is not None else []
    else:
        raise NotExecutable("not executed here; write its result into the table")


def _flat(node: Node) -> Iterator[Node]:
    """Operands and operators of an expression in the order of the text."""
    for child in parts(node):
        if child.type in _JOINED:
            yield from _flat(child)
        else:
            yield child


def walk(node: Node) -> Iterator[Node]:
    """A node and all within it."""
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def is_empty(node: Node) -> bool:
    """Whether a node is `[]`."""
    return node.type == "matrix" and not any(c.type == "row" for c in node.children)


def _number(text: str) -> float:
    return float(text.lower().replace("d", "e") if "nan" not in text.lower() else text)


def _plain_table(node: Node) -> Matrix | None:
    """A table of nothing but numbers, fast; none where anything else stands in it."""
    text = text_of(node)[1:-1]
    if "%{" in text:
        return None
    text = re.sub(r"%[^\n]*", "", text)
    text = re.sub(r"\.\.\.[^\n]*\n", " ", text)
    rows: list[list[float]] = []
    for line in re.split(r"[;\n]", text):
        cells = line.replace(",", " ").split()
        if not cells:
            continue
        if not all(map(_NUMBER.fullmatch, cells)) or re.search(r"\d[+-]", re.sub(r"[eEdD][+-]", "", line)):
            return None
        rows.append([_number(c) for c in cells])
    if not rows or len({len(r) for r in rows}) > 1:
        return None
    return np.array(rows, dtype=np.float64)
