"""Linear and separable quadratic programs for HiGHS, handed over as whole arrays."""

from __future__ import annotations

import highspy
import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import CurtailmentError
from peerwatt.highs import silent_solver

STEPS_PER_LINE = 20  # of the quadratic solver, per row and column; it needs at most two, or never ends
KEPT = 1e-6  # a row's largest violation, in its unit: ten times what HiGHS itself calls feasible


def solve_linear_program(
    cost: Floats,
    upper: Floats,
    rows: Floats,
    row_upper: Floats,
    *,
    square: Floats | None = None,
) -> tuple[Floats, float]:
    """Minimise `cost @ x + square @ x**2 / 2` subject to `rows @ x <= row_upper`, `0 <= x <= upper`.

    Args:
        cost: `(n,)`.
        upper: Upper bounds, `(n,)`, `inf` for none.
        rows: Dense constraint matrix, `(m, n)`.
        row_upper: `(m,)`.
        square: Weights of the squares, `(n,)`, non-negative; none for a linear program.

    Returns:
        The minimiser, clipped to its bounds, and the minimum. One thread and the simplex method: same input,
        same output. HiGHS's quadratic solver can go round in circles at a corner where nothing more is to be
        gained; where it does, the point it circles, which keeps every row.

    Raises:
        CurtailmentError: The program is infeasible or HiGHS gives up.
    """
    n, m = len(cost), len(row_upper)
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n, m
    program.col_cost_ = np.asarray(cost, dtype=np.float64)
    program.col_lower_, program.col_upper_ = np.zeros(n), np.asarray(upper, dtype=np.float64)
    program.row_lower_ = np.full(m, -highspy.kHighsInf)
    program.row_upper_ = np.asarray(row_upper, dtype=np.float64)
    row, column = np.nonzero(rows)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=m))]).astype(
        np.int32
    )
    program.a_matrix_.index_ = column.astype(np.int32)
    program.a_matrix_.value_ = np.asarray(rows[row, column], dtype=np.float64)
    solver = silent_solver()
    if square is None:
        solver.setOptionValue("solver", "simplex")
    solver.passModel(program)
    if square is not None:
        hessian = highspy.HighsHessian()
        hessian.dim_, hessian.format_ = n, highspy.HessianFormat.kTriangular
        hessian.start_, hessian.index_ = np.arange(n + 1, dtype=np.int32), np.arange(n, dtype=np.int32)
        hessian.value_ = np.asarray(square, dtype=np.float64)
        solver.passHessian(hessian)
        solver.setOptionValue("qp_iteration_limit", STEPS_PER_LINE * (n + m))
    solver.run()
    status = solver.getModelStatus()
    if status in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kIterationLimit):
        x: Floats = np.clip(np.asarray(solver.getSolution().col_value), 0.0, upper)
        if status == highspy.HighsModelStatus.kOptimal or (rows @ x <= row_upper + KEPT).all():
            return x, float(np.dot(cost, x))
    raise CurtailmentError(
        f"the curtailment program has no solution ({solver.modelStatusToString(status)}); "
        "check limits and injections"
    )
