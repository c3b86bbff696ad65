"""YAML whose every value knows its line, for errors that say where.

Stricter than YAML: a key given twice is an error, decimals stay decimals (8.2 is 8.2, not the nearest float),
times and numbers with an exponent stay text, and a value is a mapping, a list, text, a number, a boolean or
null, never an alias.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from peerwatt.errors import InputError
from peerwatt.tables.numbers import CellError, plain_decimal
from peerwatt.tables.problems import Problem, quoted
from peerwatt.tables.text_of_file import not_utf8, read_text

KeyPath = tuple[str | int, ...]


@dataclass
class LocatedYaml:
    """A parsed file.

    Attributes:
        data: plain dicts, lists and scalars.
        lines: 1-based line of each key path; of a mapping's entry, the line of its key.
        problems: what could not be read; `data` lacks it.
    """

    file: str
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set, repr=False)

    def line(self, path: KeyPath) -> int | None:
        """Line of a key path, or of its nearest parent that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def load_located(path: Path) -> LocatedYaml:
    """Read a file. Whatever is wrong with it ends up in `problems`; nothing is raised."""
    found = LocatedYaml(str(path))
    try:
        text = read_text(path)
        if refused := not_utf8(text, "its words"):
            raise InputError(refused)
        root = yaml.compose(text.text, Loader=yaml.SafeLoader)
    except InputError as error:
        found.problems.append(Problem(str(path), None, "", str(error)))
    except RecursionError:
        found.problems.append(Problem(str(path), None, "", "is nested too deeply for a scenario"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        found.problems.append(Problem(str(path), line, "", f"not YAML: {error.problem or error.context}"))
    except yaml.YAMLError as error:
        found.problems.append(Problem(str(path), None, "", f"not YAML: {' '.join(str(error).split())}"))
    else:
        if root is None:
            found.problems.append(Problem(str(path), 1, "", "is empty"))
        else:
            found.data = _construct(root, (), found)
    return found


def _construct(node: yaml.Node, path: KeyPath, found: LocatedYaml) -> Any:
    found.lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in found._seen:
        message = "an alias (*name); write the value out"
        found.problems.append(Problem(found.file, found.lines[path], dotted(path), message))
        return None
    found._seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, found)
    if isinstance(node, yaml.SequenceNode):
        return [_construct(child, (*path, k), found) for k, child in enumerate(node.value)]
    return _scalar(node, path, found)


def _mapping(node: yaml.MappingNode, path: KeyPath, found: LocatedYaml) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        place, line = (*path, key), key_node.start_mark.line + 1
        if key in data:
            first = found.lines[place]
            found.problems.append(
                Problem(found.file, line, dotted(place), f"given twice (first on line {first}); keep one")
            )
            continue
        found.lines[place] = line
        data[key] = _construct(value_node, place, found)
    return data


def _scalar(node: yaml.Node, path: KeyPath, found: LocatedYaml) -> Any:
    kind, text = node.tag.rsplit(":", 1)[-1], str(node.value)
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() in ("true", "yes", "on")
        if kind == "int":
            return int(plain_decimal(text, ""))
        # In YAML 1.1 1e9 is text and 1.0e+9 is a number: here both are text.
        if kind == "float" and "e" not in text.lower():
            return plain_decimal(text, "")
    except CellError:
        message = f"{quoted(text)} is not a plain decimal number"
        found.problems.append(Problem(found.file, node.start_mark.line + 1, dotted(path), message))
        return None
    return text


def dotted(path: KeyPath) -> str:
    """`tariff.retail_ct_per_kwh`, `members[2]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
