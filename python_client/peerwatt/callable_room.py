"""A room that can be called: `peerwatt.replay` is a package, and `peerwatt.replay(scenario)` replays.

Python binds a package's name in its parent when the package is first imported, so a function of the same name
beside it would be lost with that import. The class of a module may be set instead (Python's data model,
"Customizing module attribute access"), and a class may have `__call__`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


class CallableRoom(ModuleType):
    """A package whose call is the function of its own name in its module `run`."""

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function; `inspect.signature` and editors follow it to the arguments."""
        name = self.__name__.rpartition(".")[2]
        function: Callable[..., Any] = getattr(import_module(f"{self.__name__}.run"), name)
        return function

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self.__wrapped__(*arguments, **options)


def make_callable(package: str) -> None:
    """Let a package be called; its `__init__` says so with its own `__name__`."""
    sys.modules[package].__class__ = CallableRoom
