"""The statements of a MATPOWER case file, executed: tables, conversions, conditions, loops over numbers.

Nothing reads, writes or calls anything outside the file: a statement that is not known is refused with its
line, never skipped."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import tree_sitter_matlab
from tree_sitter import Language, Node, Parser

from peerwatt.grid.files.importers.matlab_expressions import (
    Expressions,
    ScriptError,
    is_empty,
    parts,
    refused,
    steps_of,
    text_of,
    walk,
)
from peerwatt.grid.files.importers.matlab_functions import CONSTANTS
from peerwatt.grid.files.importers.matlab_values import (
    Cells,
    NotExecutable,
    matrix,
    put,
    true,
    without,
)

_LANGUAGE = Language(tree_sitter_matlab.language())
_STEPS = 50_000  # statements executed and loops turned: ends what would not end


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
        raise refused(_first_error(root), "no statement of MATLAB")
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


class _Script(Expressions):
    """The variables of one run."""

    def __init__(self) -> None:
        super().__init__()
        self._left = _STEPS

    def run(self, root: Node) -> dict[str, Any]:
        result = "mpc"
        functions = [n for n in root.named_children if n.type == "function_definition"]
        if len(functions) > 1:
            raise refused(functions[1], "a second function; a case is one")
        body: Node | None = root
        if functions:
            head = functions[0]
            others = [n for n in parts(root) if n is not head and n.id != head.id]
            if others:
                raise refused(others[0], "outside the function")
            outputs = next((n for n in head.children if n.type == "function_output"), None)
            names = [text_of(n) for n in walk(outputs) if n.type == "identifier"] if outputs else []
            if len(names) != 1:
                raise refused(head, "a case of format 1, or no case; version 2 gives one structure")
            result = names[0]
            if any(n.type == "function_arguments" and parts(n)[1:-1] for n in head.children):
                raise refused(head, "a case with inputs")
            body = next((n for n in head.children if n.type == "block"), None)
        if body is not None:
            with suppress(_Return):
                self._block(body)
        found = self._values.get(result)
        if not isinstance(found, dict):
            raise ScriptError(f"no statement makes the structure {result!r}")
        return found

    def _block(self, block: Node) -> None:
        for statement in parts(block):
            self._guarded(statement, self._statement)

    def _statement(self, node: Node) -> None:
        self._left -= 1
        if self._left < 0:
            raise NotExecutable(f"more than {_STEPS} steps")
        kind, text = node.type, text_of(node).strip()
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
            function = text_of(right).strip().removesuffix("()")
            names = [text_of(n) for n in parts(left)[1:-1]]
            if function not in CONSTANTS or len(names) > len(CONSTANTS[function]):
                raise NotExecutable(f"several results of {function!r}, which is not known here")
            self._name_columns(function, names)
            return
        path = list(steps_of(left))
        if not path or not isinstance(path[0], str):
            raise NotExecutable("no name to assign to")
        if is_empty(right) and isinstance(path[-1], list):
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
        name, _, over = parts(iterator)[:3]
        values = matrix(self._value(over))
        for column in values.T:
            self._values[text_of(name)] = column[:, None]
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
