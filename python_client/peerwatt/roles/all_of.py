"""Doing everything that is due, whatever becomes of a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def all_of(items: Iterable[Item], do: Callable[[Item], Result]) -> list[Result]:
    """Do something for each, whatever becomes of the others: every batch has its own interval at stake.

    Raises:
        Exception: the first that was raised, after all were tried.
    """
    results: list[Result] = []
    problems: list[Exception] = []
    for item in items:
        try:
            results.append(do(item))
        except Exception as problem:
            # Not only errors of our own: a full disk keeps no bond from being fetched either.
            problems.append(problem)
    if problems:
        raise problems[0]
    return results
