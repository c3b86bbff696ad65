"""Values of MATLAB's language as far as case files use it: matrices and subscripts. Every matrix has two
dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[Any]  # two dimensions, float64 or bool
LARGEST = 20_000_000
"""Most cells of one matrix: about a hundred times the largest case that is published."""


class NotExecutable(Exception):
    """A statement whose meaning is not known here, or that MATLAB would refuse; says why."""


class Cells(list[Any]):
    """A cell array. Its texts name things and enter no power flow; its shape is not kept."""


def matrix(value: Any) -> Matrix:
    """A number or matrix with two dimensions."""
    if isinstance(value, str | Cells | dict):
        raise NotExecutable("a text, cell array or structure where a number is needed")
    found = np.atleast_2d(np.asarray(value))
    if found.size > LARGEST:
        raise NotExecutable(f"a matrix of {found.size} cells")
    return found


def scalar(value: Any) -> float:
    """One number."""
    found = matrix(value)
    if found.size != 1:
        raise NotExecutable(f"a matrix of {found.shape[0]} by {found.shape[1]} where one number is needed")
    return float(found[0, 0])


def true(value: Any) -> bool:
    """Whether a condition holds: not empty, and no cell is zero."""
    found = matrix(value)
    return bool(found.size and (found != 0).all())


def join(rows: list[list[Any]]) -> Matrix:
    """What stands between brackets: columns side by side, rows one below the other; empty ones drop out."""
    lines = []
    for row in rows:
        cells = [m for m in map(matrix, row) if m.size]
        if cells:
            if len({m.shape[0] for m in cells}) > 1:
                raise NotExecutable("matrices of different height side by side")
            lines.append(np.hstack(cells))
    if not lines:
        return np.zeros((0, 0))
    if len({m.shape[1] for m in lines}) > 1:
        raise NotExecutable(
            f"rows of different length: {lines[0].shape[1]} and "
            f"{next(m.shape[1] for m in lines if m.shape[1] != lines[0].shape[1])} columns"
        )
    return matrix(np.vstack(lines))


def spread(first: Any, step: Any, last: Any) -> Matrix:
    """`first:step:last` as a row."""
    a, s, b = scalar(first), scalar(step), scalar(last)
    if not np.isfinite([a, s, b]).all():
        raise NotExecutable("a range without end")
    count = 0 if s == 0 or (b - a) / s < 0 else int(np.floor((b - a) / s * (1 + 1e-15) + 1e-10)) + 1
    if count > LARGEST:
        raise NotExecutable(f"a range of {count} numbers")
    return a + s * np.arange(count, dtype=np.float64)[None, :]


Subscript = NDArray[np.int64] | None  # positions from 0, or none for all


def subscript(value: Any) -> NDArray[np.int64]:
    """Positions from 0 out of numbers from 1, or out of a mask."""
    found = matrix(value)
    if found.dtype == np.bool_:
        return np.flatnonzero(found.ravel(order="F"))
    flat = found.ravel(order="F").astype(np.float64)
    if not (np.isfinite(flat) & (flat >= 1) & (flat == np.floor(flat)) & (flat <= LARGEST)).all():
        raise NotExecutable("a subscript that is no whole number from 1")
    return flat.astype(np.int64) - 1


def taken(array: Matrix, subscripts: list[Any]) -> Matrix:
    """`array(…)` with one subscript, counted down the columns, or two; `None` is a colon."""
    if len(subscripts) == 1:
        flat = array.ravel(order="F")
        if subscripts[0] is None:
            return flat[:, None]
        positions = subscript(subscripts[0])
        _within(positions, array.size)
        shape = matrix(subscripts[0]).shape
        if matrix(subscripts[0]).dtype == np.bool_ or (1 in shape and 1 in array.shape and array.size != 1):
            shape = (1, len(positions)) if array.shape[0] == 1 else (len(positions), 1)
        return flat[positions].reshape(shape, order="F")
    if len(subscripts) != 2:
        raise NotExecutable(f"{len(subscripts)} subscripts")
    rows, columns = (
        np.arange(array.shape[k]) if s is None else subscript(s) for k, s in enumerate(subscripts)
    )
    _within(rows, array.shape[0])
    _within(columns, array.shape[1])
    return array[np.ix_(rows, columns)]


def _within(positions: NDArray[np.int64], size: int) -> None:
    if len(positions) and int(positions.max()) >= size:
        raise NotExecutable(f"subscript {int(positions.max()) + 1} of {size}")


def put(array: Matrix, subscripts: list[Any], value: Any) -> Matrix:
    """`array(…) = value`: a matrix grows with zeros where it must; the old one stays as it is."""
    new = matrix(value)
    if len(subscripts) == 1 and 1 in array.shape:  # a vector, by one subscript
        row = array.shape[0] == 1
        subscripts = [np.ones((1, 1)), subscripts[0]] if row else [subscripts[0], np.ones((1, 1))]
    elif len(subscripts) == 1 and array.size == 0:
        subscripts = [np.ones((1, 1)), subscripts[0]]
    elif len(subscripts) == 1:
        flat = array.astype(np.result_type(array, new)).ravel(order="F")
        positions = np.arange(array.size) if subscripts[0] is None else subscript(subscripts[0])
        _within(positions, array.size)
        if new.size not in (1, len(positions)):
            raise NotExecutable(f"{new.size} values for {len(positions)} cells")
        flat[positions] = new.ravel(order="F")
        return flat.reshape(array.shape, order="F")
    if len(subscripts) != 2:
        raise NotExecutable(f"{len(subscripts)} subscripts")
    size = [new.shape[k] if array.size == 0 else array.shape[k] for k in (0, 1)]
    rows, columns = (np.arange(size[k]) if s is None else subscript(s) for k, s in enumerate(subscripts))
    height = max([array.shape[0], *(rows + 1)]) if len(rows) else array.shape[0]
    width = max([array.shape[1], *(columns + 1)]) if len(columns) else array.shape[1]
    if height * width > LARGEST:
        raise NotExecutable(f"a matrix of {height * width} cells")
    grown = np.zeros((height, width), dtype=np.result_type(array, new) if array.size else new.dtype)
    grown[: array.shape[0], : array.shape[1]] = array
    if new.size != 1 and new.shape != (len(rows), len(columns)):
        if new.size == len(rows) * len(columns) and 1 in new.shape and 1 in (len(rows), len(columns)):
            new = new.reshape(len(rows), len(columns), order="F")
        else:
            raise NotExecutable(
                f"{new.shape[0]} by {new.shape[1]} values for {len(rows)} by {len(columns)} cells"
            )
    grown[np.ix_(rows, columns)] = new
    return grown


def without(array: Matrix, subscripts: list[Any]) -> Matrix:
    """`array(…) = []`: rows or columns are taken out."""
    if len(subscripts) == 1 and 1 in array.shape:
        subscripts = [None, subscripts[0]] if array.shape[0] == 1 else [subscripts[0], None]
    if len(subscripts) != 2 or (subscripts[0] is None) == (subscripts[1] is None):
        raise NotExecutable("taking out what is neither whole rows nor whole columns")
    axis = 1 if subscripts[0] is None else 0
    positions = subscript(subscripts[axis])
    _within(positions, array.shape[axis])
    return np.delete(array, positions, axis=axis)
