"""Linear, mixed-integer and convex quadratic programs, solved by HiGHS' simplex and branch and bound."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.errors import PeerwattError
from peerwatt.highs import silent_solver

RELATIVE_ERROR = 1e-11  # of the objective of a quadratic program
MOST_ROUNDS = 80


class SolverError(PeerwattError, RuntimeError):
    """A program that should have an optimum has none."""


@dataclass(frozen=True)
class Program:
    """Minimise cost x + x curvature x / 2 within column bounds and row bounds.

    Attributes:
        cost, lower, upper: One entry per column.
        rows, columns, values: The matrix as triplets.
        row_lower, row_upper: One entry per row.
        curvature: Optional diagonal of the quadratic term, not negative.
        whole: Optional flags of the columns that must be whole numbers.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    rows: IntArray
    columns: IntArray
    values: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    curvature: FloatArray | None = None
    whole: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Solution:
    """The optimum: its value, the columns, and what one more unit on each row's bound would cost."""

    objective: float
    columns: FloatArray
    row_duals: FloatArray


def solve(program: Program, what: str, relative_gap: float = 1e-6) -> Solution:
    """Solve, deterministically.

    Args:
        program: What to solve; whole-number columns and curvature do not mix.
        what: Names the program in an error.
        relative_gap: Tolerance of a mixed-integer optimum.

    Raises:
        SolverError: It is infeasible or unbounded.
    """
    curved = (
        np.flatnonzero(program.curvature) if program.curvature is not None else np.zeros(0, dtype=np.int64)
    )
    solver = silent_solver()
    solver.setOptionValue("mip_rel_gap", relative_gap)
    solver.passModel(_model(program))
    if len(curved) == 0:
        return _optimum(solver, what)
    assert program.curvature is not None
    return _by_tangents(solver, program, curved, program.curvature[curved], what)


def _by_tangents(
    solver: highspy.Highs, program: Program, curved: IntArray, curvature: FloatArray, what: str
) -> Solution:
    """Kelley's cutting planes: each x^2 d / 2 is a column t above tangents, added where the last optimum lay.

    One variable each, so the error falls fourfold or more a round. HiGHS has a quadratic solver, but it did
    not end on some of the small programs of this package; its simplex method does.
    """
    width, rows, count = len(program.cost), len(program.row_lower), len(curved)
    for _ in range(count):
        solver.addCol(1.0, 0.0, np.inf, 0, np.zeros(0, dtype=np.int32), np.zeros(0))
    low, high = program.lower[curved], program.upper[curved]
    for share in np.linspace(0, 1, 9):
        known = np.isfinite(low) & np.isfinite(high)
        point = np.where(known, np.where(known, low, 0) * (1 - share) + np.where(known, high, 0) * share, 0)
        _add_tangents(solver, curved, width, curvature, point)
    for _ in range(MOST_ROUNDS):
        solution = _optimum(solver, what)
        power, above = solution.columns[curved], solution.columns[width:]
        missing = float((curvature * power**2 / 2 - above).sum())
        if missing <= RELATIVE_ERROR * (1 + abs(solution.objective)):
            break
        _add_tangents(solver, curved, width, curvature, power)
    objective = solution.objective + missing
    return Solution(objective, solution.columns[:width], solution.row_duals[:rows])


def _add_tangents(
    solver: highspy.Highs, curved: IntArray, width: int, curvature: FloatArray, point: FloatArray
) -> None:
    """t >= d x0 x - d x0^2 / 2 for every curved column, at its point x0."""
    count = len(curved)
    columns = np.stack([curved, width + np.arange(count)], axis=1).ravel().astype(np.int32)
    values = np.stack([-curvature * point, np.ones(count)], axis=1).ravel()
    starts = np.arange(0, 2 * count, 2, dtype=np.int32)
    bound, free = -curvature * point**2 / 2, np.full(count, np.inf)
    solver.addRows(count, bound, free, 2 * count, starts, columns, values)


def _optimum(solver: highspy.Highs, what: str) -> Solution:
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        said = solver.modelStatusToString(status)
        raise SolverError(f"{what}: HiGHS says {said}; check bounds and quantities")
    solution = solver.getSolution()
    return Solution(
        float(solver.getInfo().objective_function_value),
        np.array(solution.col_value, dtype=float),
        np.array(solution.row_dual, dtype=float),
    )


def _model(program: Program) -> highspy.HighsLp:
    model = highspy.HighsLp()
    width, height = len(program.cost), len(program.row_lower)
    model.num_col_, model.num_row_ = width, height
    model.col_cost_, model.col_lower_, model.col_upper_ = program.cost, program.lower, program.upper
    model.row_lower_, model.row_upper_ = program.row_lower, program.row_upper
    by_column = np.argsort(program.columns, kind="stable")
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(program.columns, minlength=width))])
    model.a_matrix_.index_ = program.rows[by_column]
    model.a_matrix_.value_ = program.values[by_column]
    if program.whole is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        model.integrality_ = [kinds[int(flag)] for flag in program.whole]
    return model
