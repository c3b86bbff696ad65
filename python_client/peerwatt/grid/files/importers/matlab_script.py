"""The statements of a MATPOWER case file, executed: tables, conversions, conditions, loops over numbers.

tree-sitter's MATLAB grammar finds the statements; its precedence of operators is not MATLAB's (`a > 0 & b`
comes out as `a > (0 & b)`), so that every expression is put in order here. Nothing reads, writes or calls
anything outside the file: a statement that is not known is refused with its line, never skipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import tree_sitter_matlab
from tree_sitter import Language, Node, Parser

from peerwatt.grid.files.importers.matlab_functions import BINARY, CONSTANTS, FUNCTIONS
from peerwatt.grid.files.importers.matlab_values import (
    Cells,
    Matrix,
    NotExecutable,
    join,
    matrix,
    put,
    spread,
    taken,
    true,
    without,
)

_LANGUAGE = Language(tree_sitter_matlab.language())
_DEEPEST = 60
_STEPS = 50_000  # statements executed and loops turned: ends what would not end
_BINDING = {"||": 1, "&&": 2, "|": 3, "&": 4, "<": 5, "<=": 5, ">": 5, ">=": 5, "==": 5, "~=": 5, "!=": 5}
_BINDING |= {":": 6, "+": 7, "-": 7, "*": 8, "/": 8, ".*": 8, "./": 8, "^": 10, ".^": 10, "'": 10, ".'": 10}
_PREFIX = 9  # unary + - ~ bind tighter than products, looser than powers
_JOINED = {"binary_operator", "comparison_operator", "boolean_operator", "unary_operator", "not_operator"}
_JOINED |= {"postfix_operator", "range"}
_IGNORED = {"comment", "line_continuation", ";", ",", "\n"}
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?|[Ii]nf|NaN)")


class ScriptError(Exception):
    """A line of the file that is not executed: its number, its text, and why."""


class _Return(Exception):
    pass


def run_case(text: str) -> dict[str, Any]:
    """Execute a case file.

    Args:
        text: The whole file: a function with one output and without inputs, or a script that fills `mpc`.

    Returns:
        The structure that it makes: matrices `(rows, columns)`, texts, cell arrays, structures.

    Raises:
        ScriptError: A statement cannot be parsed or is not known here.
    """
    root = Parser(_LANGUAGE).parse(text.encode()).root_node
    if root.has_error:
        raise _refused(_first_error(root), "no statement of MATLAB")
    try:
        return _Script().run(root)
    except RecursionError:
        raise ScriptError("blocks or brackets within one another without end") from None


def _first_error(node: Node) -> Node:
    while not (node.is_error or node.is_missing):
        inner = next((c for c in node.children if c.has_error or c.is_missing), None)
        if inner is None:
            return node
        node = inner
    return node


def _refused(node: Node, why: str) -> ScriptError:
    """Names the statement's line, as the author sees it."""
    whole = node
    while whole.parent is not None and whole.parent.type not in ("block", "source_file"):
        whole = whole.parent
    line = node.start_point.row - whole.start_point.row
    said = (_text(whole).splitlines() or [""])[line : line + 1] or [""]
    return ScriptError(f"line {node.start_point.row + 1}: {' '.join(said[0].split())[:80]!r}: {why}")


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def _parts(node: Node) -> list[Node]:
    return [c for c in node.children if c.type not in _IGNORED and c.text]


class _Script:
    """The variables of one run."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self._columns: list[tuple[int, int]] = []  # what `end` means, innermost last
        self._left = _STEPS
        self._depth = 0

    def run(self, root: Node) -> dict[str, Any]:
        result = "mpc"
        functions = [n for n in root.named_children if n.type == "function_definition"]
        if len(functions) > 1:
            raise _refused(functions[1], "a second function; a case is one")
        body: Node | None = root
        if functions:
            head = functions[0]
            others = [n for n in _parts(root) if n is not head and n.id != head.id]
            if others:
                raise _refused(others[0], "outside the function")
            outputs = next((n for n in head.children if n.type == "function_output"), None)
            names = [_text(n) for n in _walk(outputs) if n.type == "identifier"] if outputs else []
            if len(names) != 1:
                raise _refused(head, "a case of format 1, or no case; version 2 gives one structure")
            result = names[0]
            if any(n.type == "function_arguments" and _parts(n)[1:-1] for n in head.children):
                raise _refused(head, "a case with inputs")
            body = next((n for n in head.children if n.type == "block"), None)
        if body is not None:
            with suppress(_Return):
                self._block(body)
        found = self._values.get(result)
        if not isinstance(found, dict):
            raise ScriptError(f"no statement makes the structure {result!r}")
        return found

    def _block(self, block: Node) -> None:
        for statement in _parts(block):
            self._guarded(statement, self._statement)

    def _guarded(self, node: Node, action: Callable[[Node], Any]) -> Any:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                raise NotExecutable("blocks or brackets within one another without end")
            return action(node)
        except NotExecutable as why:
            raise _refused(node, str(why)) from None
        except (TypeError, ValueError, KeyError, IndexError, OverflowError, MemoryError):
            raise _refused(node, "not executed here; write its result into the table") from None
        finally:
            self._depth -= 1

    def _statement(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            raise NotExecutable(f"more than {_STEPS} steps")
        kind, text = node.type, _text(node).strip()
        if kind == "assignment":
            self._assignment(node)
        elif kind == "if_statement":
            self._if(node)
        elif kind == "for_statement":
            self._for(node)
        elif kind == "while_statement":
            self._while(node)
        elif kind == "return_statement" or text == "return":
            raise _Return
        elif kind in ("command", "identifier", "function_call") and text.rstrip("();, ") in CONSTANTS:
            self._name_columns(text.rstrip("();, "))
        else:
            raise NotExecutable("not executed here; write its result into the table")

    def _name_columns(self, function: str, names: Sequence[str] | None = None) -> None:
        outputs = CONSTANTS[function]
        wanted = [name for name, _ in outputs] if names is None else names
        for name, (_, value) in zip(wanted, outputs, strict=False):
            self._values[name] = matrix(float(value))

    def _assignment(self, node: Node) -> None:
        left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
        if left is None or right is None:
            raise NotExecutable("no assignment")
        if left.type == "multioutput_variable":
            function = _text(right).strip().removesuffix("()")
            names = [_text(n) for n in _parts(left)[1:-1]]
            if function not in CONSTANTS or len(names) > len(CONSTANTS[function]):
                raise NotExecutable(f"several results of {function!r}, which is not known here")
            self._name_columns(function, names)
            return
        path = list(_steps(left))
        if not path or not isinstance(path[0], str):
            raise NotExecutable("no name to assign to")
        if _is_empty(right) and isinstance(path[-1], list):
            self._store(path, None)
        else:
            self._store(path, self._value(right))

    def _store(self, path: list[str | list[Node]], value: Any) -> None:
        *names, last = path
        if isinstance(last, list):
            if not all(isinstance(n, str) for n in names):
                raise NotExecutable("a subscript within a structure")
        elif not all(isinstance(n, str) for n in names):
            raise NotExecutable("an array of structures")
        holder: dict[str, Any] = self._values
        keys = [str(n) for n in (names if isinstance(last, list) else path)]
        for key in keys[:-1]:
            holder = holder.setdefault(key, {})
            if not isinstance(holder, dict):
                raise NotExecutable(f"{key!r} is no structure")
        if not isinstance(last, list):
            holder[keys[-1]] = value
            return
        array = holder.get(keys[-1], np.zeros((0, 0)))
        if isinstance(array, Cells):  # a text of a cell array: names nothing that flows
            return
        array = matrix(array)
        subscripts = self._subscripts(array, last)
        holder[keys[-1]] = without(array, subscripts) if value is None else put(array, subscripts, value)

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

    def _if(self, node: Node) -> None:
        condition = node.child_by_field_name("condition")
        if condition is not None and true(self._value(condition)):
            self._inner(node)
            return
        for clause in node.children:
            if clause.type == "elseif_clause":
                test = clause.child_by_field_name("condition")
                if test is not None and true(self._value(test)):
                    self._inner(clause)
                    return
            elif clause.type == "else_clause":
                self._inner(clause)
                return

    def _inner(self, node: Node) -> None:
        for block in (c for c in node.children if c.type == "block"):
            self._block(block)

    def _for(self, node: Node) -> None:
        iterator = next(c for c in node.children if c.type == "iterator")
        name, _, over = _parts(iterator)[:3]
        values = matrix(self._value(over))
        for column in values.T:
            self._values[_text(name)] = column[:, None]
            self._tick()
            self._inner(node)

    def _while(self, node: Node) -> None:
        condition = node.child_by_field_name("condition")
        while condition is not None and true(self._value(condition)):
            self._tick()
            self._inner(node)

    def _tick(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise NotExecutable(f"more than {_STEPS} steps")

    def _value(self, node: Node) -> Any:
        """An expression's value; operators in MATLAB's order."""
        if node.type in _JOINED:
            tokens = list(_flat(node))
            value = self._climb(tokens, 0)
            if tokens:
                raise NotExecutable(f"{_text(tokens[0])!r} is not understood")
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
            if not _NUMBER.fullmatch(_text(node)):
                raise NotExecutable(f"{_text(node)!r} is no real decimal number")
            return matrix(_number(_text(node)))
        if kind == "parenthesis":
            inner = _parts(node)[1:-1]
            if len(inner) != 1:
                raise NotExecutable("brackets that hold no expression")
            return self._guarded(inner[0], self._value)
        if kind == "matrix":
            plain = _plain_table(node)
            if plain is not None:
                return plain
            rows = [
                [self._guarded(c, self._value) for c in _parts(r)] for r in node.children if r.type == "row"
            ]
            return join(rows)
        if kind == "cell":
            return Cells(_text(n) for n in _walk(node) if n.type == "string_content")
        if kind == "string":
            return "".join(_text(c) for c in node.children if c.type == "string_content")
        if kind == "end_keyword" or (kind == "identifier" and _text(node) == "end"):
            if not self._columns:
                raise NotExecutable("'end' outside a subscript")
            return matrix(float(self._columns[-1][0]))
        if kind in ("identifier", "field_expression", "function_call"):
            return self._named(node)
        if kind == "boolean":
            return matrix(_text(node) == "true")
        if kind in _JOINED:
            return self._value(node)
        raise NotExecutable("not executed here; write its result into the table")

    def _named(self, node: Node) -> Any:
        """A variable, a field of it, cells of it, or a function's result."""
        path = list(_steps(node))
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


def _steps(node: Node) -> Iterator[str | list[Node]]:
    """`mpc.bus(:, 3)` as `mpc`, `bus`, `[:, 3]`."""
    if node.type == "identifier":
        yield _text(node)
    elif node.type == "field_expression":
        for child in _parts(node):
            if child.type != ".":
                yield from _steps(child)
    elif node.type == "function_call":
        name = node.child_by_field_name("name")
        if name is None or any(c.type == "{" for c in node.children):
            raise NotExecutable("not executed here; write its result into the table")
        yield from _steps(name)
        arguments = next((c for c in node.children if c.type == "arguments"), None)
        yield _parts(arguments) if arguments is not None else []
    else:
        raise NotExecutable("not executed here; write its result into the table")


def _flat(node: Node) -> Iterator[Node]:
    """Operands and operators of an expression in the order of the text."""
    for child in _parts(node):
        if child.type in _JOINED:
            yield from _flat(child)
        else:
            yield child


def _walk(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(reversed(current.children))


def _is_empty(node: Node) -> bool:
    return node.type == "matrix" and not any(c.type == "row" for c in node.children)


def _number(text: str) -> float:
    return float(text.lower().replace("d", "e") if "nan" not in text.lower() else text)


def _plain_table(node: Node) -> Matrix | None:
    """A table of nothing but numbers, fast; none where anything else stands in it."""
    text = _text(node)[1:-1]
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
