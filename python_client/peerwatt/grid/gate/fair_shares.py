"""Max-min fair shares of what a network can carry: nobody's can be raised without lowering one no larger.

Everybody's share rises together until somebody's cannot: whoever is stuck stays there, and the others go on.
D. Bertsekas, R. Gallager, *Data Networks*, 2nd ed., 1992, section 6.5.2. Who is stuck is told by the duals of
a linear program: where the dual of "at least the common share" is positive, no solution has more."""

from __future__ import annotations

import highspy
import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import CurtailmentError
from peerwatt.highs import silent_solver

_STUCK = 1e-7  # a smaller dual is none
_ROUNDING = 1e-9  # of a share: what a solution may fall short of a share that was found before


def max_min_shares(rows: Floats, row_upper: Floats, wanted: NDArray[np.bool_]) -> Floats:
    """The lexicographically largest shares under `rows @ x <= row_upper`, `0 <= x <= 1`.

    Args:
        rows: `(constraints, k)`.
        row_upper: `(constraints,)`.
        wanted: Whose share counts, `(k,)`; the others are whatever serves those.

    Returns:
        Shares of those that count, in the order of `np.flatnonzero(wanted)`.

    Raises:
        CurtailmentError: No shares keep the constraints.
    """
    columns = np.flatnonzero(wanted)
    n, m, k = rows.shape[1], len(row_upper), len(columns)
    if not k:
        return np.zeros(0)
    # variables: the shares, then the common share t; rows: the constraints, then t - x <= 0 of everybody
    matrix = np.zeros((m + k, n + 1))
    matrix[:m, :n] = rows
    matrix[m + np.arange(k), columns], matrix[m:, n] = -1.0, 1.0
    solver = silent_solver()
    solver.setOptionValue("solver", "simplex")
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = n + 1, m + k
    program.col_cost_ = np.append(np.zeros(n), -1.0)
    program.col_lower_, program.col_upper_ = np.zeros(n + 1), np.ones(n + 1)
    program.row_lower_ = np.full(m + k, -highspy.kHighsInf)
    program.row_upper_ = np.append(row_upper, np.zeros(k))
    row, column = np.nonzero(matrix)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=m + k))])
    program.a_matrix_.start_, program.a_matrix_.index_ = starts.astype(np.int32), column.astype(np.int32)
    program.a_matrix_.value_ = matrix[row, column]
    solver.passModel(program)
    share, rising = np.zeros(k), np.ones(k, dtype=np.bool_)
    while rising.any():
        solver.run()
        status = solver.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise CurtailmentError(
                f"the fair shares have no solution ({solver.modelStatusToString(status)}); "
                "check limits and injections"
            )
        solution = solver.getSolution()
        common = float(np.clip(solution.col_value[n], 0.0, 1.0))
        dual = np.abs(np.asarray(solution.row_dual)[m:])
        stuck = rising & (dual > _STUCK) if common < 1.0 - _ROUNDING else rising.copy()
        if not stuck.any():
            stuck = rising.copy()
        share[stuck] = common
        rising &= ~stuck
        for j in np.flatnonzero(stuck).tolist():
            solver.changeRowBounds(m + j, -highspy.kHighsInf, highspy.kHighsInf)
            solver.changeColBounds(int(columns[j]), max(common - _ROUNDING, 0.0), 1.0)
    return share
