"""Operators and functions of numbers in MATLAB's language, and MATPOWER's names of columns.

A function is here only when its result is the same number in MATLAB; where MATLAB would go on with complex
numbers, the statement is refused."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from peerwatt.grid.files.importers.matlab_values import LARGEST, Cells, Matrix, NotExecutable, matrix, scalar


def _pair(a: Any, b: Any) -> tuple[Matrix, Matrix]:
    a, b = matrix(a), matrix(b)
    for x, y in zip(a.shape, b.shape, strict=True):
        if x != y and 1 not in (x, y):
            raise NotExecutable(f"matrices of {a.shape} and {b.shape} do not fit")
    if max(a.shape[0], b.shape[0]) * max(a.shape[1], b.shape[1]) > LARGEST:
        raise NotExecutable("a matrix that is too large")
    return a, b


def _numbers(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Matrix]:
    def apply(a: Any, b: Any) -> Matrix:
        a, b = _pair(a, b)
        with np.errstate(all="ignore"):
            return matrix(f(a.astype(np.float64), b.astype(np.float64)))

    return apply


def _power(a: Matrix, b: Matrix) -> Matrix:
    if ((a < 0) & (b != np.floor(b))).any():
        raise NotExecutable("a root of a negative number, which is complex")
    return np.asarray(a**b)


def _single(name: str, f: Callable[[Any, Any], Matrix], either: bool) -> Callable[[Any, Any], Matrix]:
    """`*`, `/` and `^` where they are the same as `.*`, `./` and `.^`: with single numbers."""

    def apply(a: Any, b: Any) -> Matrix:
        a, b = matrix(a), matrix(b)
        if b.size == 1 and (a.size == 1 or name != "^"):
            return f(a, b)
        if a.size == 1 and either:
            return f(a, b)
        if name == "*" and a.shape[1] == b.shape[0] and a.shape[0] * b.shape[1] <= LARGEST:
            return matrix(a.astype(np.float64) @ b.astype(np.float64))
        raise NotExecutable(f"'{name}' of two matrices")

    return apply


def _masks(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Matrix]:
    def apply(a: Any, b: Any) -> Matrix:
        a, b = _pair(a, b)
        return matrix(f(a != 0, b != 0))

    return apply


_TIMES, _OVER, _RAISED = _numbers(operator.mul), _numbers(operator.truediv), _numbers(_power)
BINARY: Mapping[str, Callable[[Any, Any], Matrix]] = {
    "+": _numbers(operator.add),
    "-": _numbers(operator.sub),
    ".*": _TIMES,
    "./": _OVER,
    ".^": _RAISED,
    "*": _single("*", _TIMES, either=True),
    "/": _single("/", _OVER, either=False),
    "^": _single("^", _RAISED, either=False),
    "<": _numbers(operator.lt),
    "<=": _numbers(operator.le),
    ">": _numbers(operator.gt),
    ">=": _numbers(operator.ge),
    "==": _numbers(operator.eq),
    "~=": _numbers(operator.ne),
    "&": _masks(operator.and_),
    "|": _masks(operator.or_),
}


def _each(f: Callable[[Any], Any], low: float = -np.inf, high: float = np.inf) -> Callable[..., Matrix]:
    def apply(a: Any) -> Matrix:
        value = matrix(a).astype(np.float64)
        if ((value < low) | (value > high)).any():
            raise NotExecutable("a function outside the numbers that it is real for")
        return matrix(f(value))

    return apply


def _along(f: Callable[..., Any]) -> Callable[..., Matrix]:
    """A reduction down the columns, or along the dimension that is named; of a vector along it."""

    def apply(a: Any, dimension: Any = None) -> Matrix:
        value = matrix(a)
        axis = int(scalar(dimension)) - 1 if dimension is not None else int(value.shape[0] == 1)
        if axis not in (0, 1):
            raise NotExecutable("a dimension beyond rows and columns")
        return matrix(f(value, axis=axis, keepdims=True))

    return apply


def _extreme(reduced: Callable[..., Any], pairwise: Callable[[Any, Any], Any]) -> Callable[..., Matrix]:
    def apply(a: Any, b: Any = None) -> Matrix:
        if b is None:
            return _along(reduced)(a) if matrix(a).size else matrix(a)
        return matrix(pairwise(*_pair(a, b)))

    return apply


def _filled(value: float) -> Callable[..., Matrix]:
    def apply(*sizes: Any) -> Matrix:
        given = [int(scalar(s)) for s in sizes] if len(sizes) != 1 else matrix(sizes[0]).ravel().tolist()
        shape = [1, 1] if not sizes else [int(given[0])] * 2 if len(given) == 1 else [int(x) for x in given]
        if len(shape) != 2 or min(shape) < 0 or shape[0] * shape[1] > LARGEST:
            raise NotExecutable(f"a matrix of size {shape}")
        return np.full(shape, value)

    return apply


def _find(a: Any) -> Matrix:
    value = matrix(a)
    positions = np.flatnonzero(value.ravel(order="F") != 0) + 1.0
    return positions[None, :] if value.shape[0] == 1 else positions[:, None]


def _size(a: Any, dimension: Any = None) -> Matrix:
    shape = matrix(a).shape
    if dimension is None:
        return np.array([shape], dtype=np.float64)
    k = int(scalar(dimension))
    return matrix(float(shape[k - 1]) if k in (1, 2) else 1.0)


def _round(value: Matrix) -> Matrix:
    """Halves away from zero."""
    return np.asarray(np.copysign(np.floor(np.abs(value) + 0.5), value))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "pi": _filled(np.pi),
    "Inf": _filled(np.inf),
    "inf": _filled(np.inf),
    "NaN": _filled(np.nan),
    "nan": _filled(np.nan),
    "eps": _filled(float(np.finfo(np.float64).eps)),
    "zeros": _filled(0.0),
    "ones": _filled(1.0),
    "true": lambda: np.ones((1, 1), dtype=np.bool_),
    "false": lambda: np.zeros((1, 1), dtype=np.bool_),
    "sin": _each(np.sin),
    "cos": _each(np.cos),
    "tan": _each(np.tan),
    "asin": _each(np.arcsin, -1, 1),
    "acos": _each(np.arccos, -1, 1),
    "atan": _each(np.arctan),
    "atan2": _numbers(np.arctan2),
    "sqrt": _each(np.sqrt, 0),
    "exp": _each(np.exp),
    "log": _each(np.log, 0),
    "log10": _each(np.log10, 0),
    "abs": _each(np.abs),
    "sign": _each(np.sign),
    "floor": _each(np.floor),
    "ceil": _each(np.ceil),
    "fix": _each(np.trunc),
    "round": _each(_round),
    "deg2rad": _each(np.deg2rad),
    "rad2deg": _each(np.rad2deg),
    "isinf": _each(np.isinf),
    "isnan": _each(np.isnan),
    "sum": _along(np.sum),
    "prod": _along(np.prod),
    "mean": _along(np.mean),
    "any": _along(np.any),
    "all": _along(np.all),
    "max": _extreme(np.max, np.maximum),
    "min": _extreme(np.min, np.minimum),
    "find": _find,
    "size": _size,
    "length": lambda a: matrix(float(max(matrix(a).shape) if matrix(a).size else 0)),
    "numel": lambda a: matrix(float(matrix(a).size)),
    "isempty": lambda a: matrix(not (a if isinstance(a, str | Cells) else matrix(a).size)),
}


def _numbered(names: str, first: int = 1) -> list[tuple[str, int]]:
    return [(name, k) for k, name in enumerate(names.split(), first)]


_BUS = [
    *_numbered("PQ PV REF NONE"),
    *_numbered("BUS_I BUS_TYPE PD QD GS BS BUS_AREA VM VA BASE_KV ZONE VMAX VMIN"),
    *_numbered("LAM_P LAM_Q MU_VMAX MU_VMIN", 14),
]
_BRANCH = [
    *_numbered("F_BUS T_BUS BR_R BR_X BR_B RATE_A RATE_B RATE_C TAP SHIFT BR_STATUS"),
    *_numbered("PF QF PT QT MU_SF MU_ST", 14),
    ("ANGMIN", 12),
    ("ANGMAX", 13),
    *_numbered("MU_ANGMIN MU_ANGMAX", 20),
]
_GEN = [
    *_numbered("GEN_BUS PG QG QMAX QMIN VG MBASE GEN_STATUS PMAX PMIN"),
    *_numbered("MU_PMAX MU_PMIN MU_QMAX MU_QMIN", 22),
    *_numbered("PC1 PC2 QC1MIN QC1MAX QC2MIN QC2MAX RAMP_AGC RAMP_10 RAMP_30 RAMP_Q APF", 11),
]
_COST = [*_numbered("PW_LINEAR POLYNOMIAL"), *_numbered("MODEL STARTUP SHUTDOWN NCOST COST")]
CONSTANTS: Mapping[str, list[tuple[str, int]]] = {
    "idx_bus": _BUS,
    "idx_brch": _BRANCH,
    "idx_gen": _GEN,
    "idx_cost": _COST,
    "define_constants": [*_BUS, *_BRANCH, *_GEN, *_COST],
}
"""MATPOWER's functions that name columns: what each gives, in the order of its outputs."""
