"""Linear, mixed-integer and convex quadratic programs, solved by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np

from peerwatt.errors import PeerwattError
from peerwatt.market.mechanisms.orders import FloatArray, IntArray


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
    whole: np.ndarray | None = None


@dataclass(frozen=True)
class Solution:
    """The optimum: its value, the columns, and what one more unit on each row's bound would cost."""

    objective: float
    columns: FloatArray
    row_duals: FloatArray


def solve(program: Program, what: str, relative_gap: float = 1e-6) -> Solution:
    """Solve, deterministically.

    Raises:
        SolverError: It is infeasible or unbounded; the message names `what`.
    """
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for option, value in (("output_flag", False), ("threads", 1), ("mip_rel_gap", relative_gap)):
        solver.setOptionValue(option, value)
    solver.passModel(_model(program))
    if program.curvature is not None and program.curvature.any():
        solver.passHessian(_hessian(program.curvature))
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise SolverError(
            f"{what}: HiGHS says {solver.modelStatusToString(status)}; check bounds and quantities"
        )
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


def _hessian(diagonal: FloatArray) -> highspy.HighsHessian:
    hessian = highspy.HighsHessian()
    curved = np.flatnonzero(diagonal)
    hessian.dim_ = len(diagonal)
    hessian.format_ = highspy.HessianFormat.kTriangular
    hessian.start_ = np.concatenate([[0], np.cumsum(diagonal != 0)]).astype(np.int32)
    hessian.index_, hessian.value_ = curved.astype(np.int32), diagonal[curved]
    return hessian
