"""pandapower's JSON files, opened without letting them run anything.

A file names the Python classes of what it holds, and pandapower's reader imports the modules that it names.
Only tables, series and numbers are let through; a file is checked before pandapower sees it."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandapower as pp

from peerwatt.grid.errors import FeederError

_LARGEST_BYTES = 500_000_000
_DEEPEST = 60
_CLASSES = {
    "pandapower.auxiliary": {"pandapowerNet"},
    "pandas": {"DataFrame", "Series"},
    "pandas.core.frame": {"DataFrame"},
    "pandas.core.series": {"Series"},
    "builtins": {"tuple", "set", "frozenset", "complex"},
}


@contextmanager
def quiet() -> Iterator[None]:
    """Without pandapower's, pandas' and numpy's own messages: what is wrong is said in one line, here."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def load_pandapower(path: str | Path) -> Any:
    """Read a pandapower JSON file.

    Args:
        path: The file.

    Returns:
        The pandapower network.

    Raises:
        FeederError: The file is missing, holds no pandapower network, or names a class that is no table.
    """
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise FeederError(f"{path}: no such pandapower file") from None
    except OSError as error:
        raise FeederError(f"{path}: {error.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise FeederError(f"{path}: {len(content)} bytes; a network has at most {_LARGEST_BYTES}")
    try:
        text = content.decode("utf-8-sig")
        _check_classes(json.loads(text), str(path))
        with quiet():
            net = pp.from_json_string(text)
    except FeederError:
        raise
    except UnicodeDecodeError:
        raise FeederError(f"{path}: not UTF-8, so no pandapower JSON file") from None
    except RecursionError:
        raise FeederError(f"{path}: not a pandapower network: nested without end") from None
    except Exception as error:  # pandapower raises whatever its readers raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise FeederError(f"{path}: not a pandapower network: {reason}") from None
    if not isinstance(net, pp.pandapowerNet):
        raise FeederError(f"{path}: not a pandapower network but {type(net).__name__}")
    return net


def _check_classes(value: Any, path: str) -> None:
    stack: list[tuple[Any, int]] = [(value, 0)]
    while stack:
        item, depth = stack.pop()
        if depth > _DEEPEST:
            raise FeederError(f"{path}: not a pandapower network: nested more than {_DEEPEST} deep")
        if isinstance(item, dict):
            if "_module" in item or "_class" in item:
                _check_class(item.get("_module"), item.get("_class"), path)
            stack += [(v, depth + 1) for v in item.values()]
        elif isinstance(item, list):
            stack += [(v, depth + 1) for v in item]
        elif isinstance(item, str) and ("_module" in item or "_class" in item or "\\u" in item):
            try:
                stack.append((json.loads(item), depth + 1))
            except json.JSONDecodeError:
                continue


def _check_class(module: Any, name: Any, path: str) -> None:
    if module == "numpy" or name in _CLASSES.get(str(module), ()):
        return  # pandapower makes nothing but numbers and arrays of numpy's names
    if str(module).startswith("pandapower.control"):
        raise FeederError(
            f"{path}: holds a controller, {name}, which would change the network after the import; remove it"
        )
    raise FeederError(f"{path}: holds an object of {module}.{name}; only tables are read")
