"""A feeder over time: every interval of a week or a year solved, kept as extremes, hours and statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.limits import Violation, find_violations, highest_u_pu, lowest_u_pu
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.constraints import Constraints
from peerwatt.grid.planning.voltage_quality import NodeWeek, WeekCounter
from peerwatt.units import HOUR_S

CHUNK = 672
"""Intervals in one batch: a week of quarter-hours."""


@dataclass(frozen=True)
class SeriesResult:
    """What came of the intervals, in their order.

    Attributes:
        interval_s: Length of each, s.
        highest_pu: Highest voltage of any node and phase, pu, `(intervals,)`.
        lowest_pu: Lowest voltage, pu, `(intervals,)`.
        loading_percent: Highest loading of each branch over time, percent, `(branches,)`.
        import_w: Drawn from upstream, W, `(intervals,)`; negative when the feeder exports.
        loss_w: Losses, W, `(intervals,)`.
        broken: Whether any limit is broken, `(intervals,)`.
        worst: Worst violation of each element and quantity, from the worst to the mildest, and its interval.
        weeks: Voltage statistics by week and node, the worst nodes of each week first.
    """

    interval_s: int
    highest_pu: Floats
    lowest_pu: Floats
    loading_percent: Floats
    import_w: Floats
    loss_w: Floats
    broken: np.ndarray[tuple[int], np.dtype[np.bool_]]
    worst: tuple[tuple[Violation, int], ...]
    weeks: tuple[NodeWeek, ...]

    @property
    def hours_broken(self) -> float:
        """Time in which a limit is broken, h."""
        return float(self.broken.sum()) * self.interval_s / HOUR_S

    @property
    def import_wh(self) -> int:
        """Energy drawn from upstream, Wh, rounded once."""
        return round(float(np.maximum(self.import_w, 0).sum()) * self.interval_s / HOUR_S)

    @property
    def export_wh(self) -> int:
        """Energy fed upstream, Wh, rounded once."""
        return round(float(-np.minimum(self.import_w, 0).sum()) * self.interval_s / HOUR_S)

    @property
    def loss_wh(self) -> int:
        """Energy lost in the feeder, Wh, rounded once."""
        return round(float(self.loss_w.sum()) * self.interval_s / HOUR_S)


def run_series(
    solver: PowerFlow,
    p_w: Floats,
    q_var: Floats | None,
    interval_s: int,
    solved: Callable[[int], None] = lambda intervals: None,
) -> SeriesResult:
    """Solve every interval of a series.

    Args:
        solver: The feeder's solver.
        p_w: Active injections, W, `(intervals, nodes)` or with phases.
        q_var: Reactive injections, var, the same shape, or none.
        interval_s: Length of an interval, s.
        solved: Told after each batch how many intervals are solved.

    Raises:
        FlowError: An interval has no power flow.
    """
    counter = WeekCounter(solver.feeder, len(p_w), interval_s)
    parts: list[tuple[Floats, ...]] = []
    worst: dict[tuple[str, str], tuple[Violation, int]] = {}
    loading = np.zeros(len(solver.feeder.branch_names))
    broken = np.zeros(len(p_w), dtype=np.bool_)
    for first in range(0, len(p_w), CHUNK):
        part = slice(first, first + CHUNK)
        p, q = p_w[part], None if q_var is None else q_var[part]
        if p.ndim == 2:
            p, q = solver.per_phase(p), None if q is None else solver.per_phase(q)
        flow = solver.solve(p, q)
        counter.add(flow, first)
        loading = np.maximum(loading, flow.loading_percent.max(axis=0, initial=0.0))
        for k in np.flatnonzero(may_break(solver, flow)):
            for violation in find_violations(solver.feeder, flow.state(int(k))):
                broken[first + k] = True
                key = (violation.element, violation.quantity)
                if key not in worst or violation.excess > worst[key][0].excess:
                    worst[key] = (violation, first + int(k))
        high = highest_u_pu(flow, solver.three_phase).max(axis=-1)
        low = lowest_u_pu(flow, solver.three_phase).min(axis=-1)
        parts.append((high, low, flow.import_w, flow.loss_w))
        solved(min(first + CHUNK, len(p_w)))
    high, low, drawn, lost = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = sorted(worst.values(), key=lambda pair: (pair[0].quantity, -pair[0].excess, pair[0].element))
    return SeriesResult(interval_s, high, low, loading, drawn, lost, broken, tuple(order), counter.weeks())


def may_break(solver: PowerFlow, flow: FlowResult) -> Ints:
    """Whether a state of a batch is outside any limit, `(batch,)`."""
    return np.asarray((Constraints(solver).excess(flow) > 0).any(axis=-1))
