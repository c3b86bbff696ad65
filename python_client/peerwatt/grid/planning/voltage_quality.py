"""Voltage statistics of a week, as EN 50160:2010 judges the supply at a customer's terminals.

The standard judges means of ten minutes over a week: 95 % of them within ±10 % of the nominal voltage and
all within +10 % and -15 % (clause 4.2.2, low voltage), and 95 % of the negative-sequence unbalance within 2 %
(4.2.4). Means of another length are judged by the same shares; longer means smooth what shorter ones show.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import FlowResult
from peerwatt.units import DAY_S, PERCENT

TEN_MINUTES_S = 600
WEEK_S = 7 * DAY_S
SHARE_PERCENT = 95.0
BAND_95 = (0.90, 1.10)
BAND_ALL = (0.85, 1.10)
UNBALANCE_PERCENT = 2.0


@dataclass(frozen=True)
class NodeWeek:
    """One node in one week.

    Attributes:
        node: Its name.
        week: Number of the week in the series, from 0.
        within_percent: Share of the means within ±10 %, of the phase with the fewest, percent.
        lowest_pu: Lowest mean, pu.
        highest_pu: Highest mean, pu.
        unbalance_within_percent: Share of the means with at most 2 % unbalance, percent.
        highest_unbalance_percent: Highest unbalance, percent.
    """

    node: str
    week: int
    within_percent: float
    lowest_pu: float
    highest_pu: float
    unbalance_within_percent: float
    highest_unbalance_percent: float

    @property
    def kept(self) -> bool:
        """Whether the week passes."""
        return (
            self.within_percent >= SHARE_PERCENT
            and self.lowest_pu >= BAND_ALL[0]
            and self.highest_pu <= BAND_ALL[1]
            and self.unbalance_within_percent >= SHARE_PERCENT
        )


class WeekCounter:
    """Counts, state after state, what `NodeWeek` says, without keeping the voltages.

    A last week that is shorter than half a week is counted with the one before it.
    """

    def __init__(self, feeder: Feeder, intervals: int, interval_s: int) -> None:
        """
        Args:
            feeder: The feeder.
            intervals: How many there will be.
            interval_s: Length of each, s.
        """
        self._names = feeder.node_names
        per_week = max(1, WEEK_S // interval_s)
        whole, rest = divmod(intervals, per_week)
        count = max(1, whole + (1 if rest * 2 >= per_week else 0))
        self._week = np.minimum(np.arange(intervals) // per_week, count - 1)
        phases = 3 if feeder.three_phase else 1
        shape = (count, len(self._names), phases)
        self._within = np.zeros(shape, np.int64)
        self._lowest, self._highest = np.full(shape, np.inf), np.full(shape, -np.inf)
        self._balanced = np.zeros(shape[:2], np.int64)
        self._unbalance = np.zeros(shape[:2])

    def add(self, flow: FlowResult, first: int) -> None:
        """Count a batch of states.

        Args:
            flow: With a batch axis.
            first: Number of its first interval.
        """
        u = flow.u_pu if flow.u_pu.ndim == 3 else flow.u_pu[..., None]
        unbalance = flow.unbalance_percent
        weeks = self._week[first : first + len(u)]
        for week in np.unique(weeks):
            those = weeks == week
            v, n = u[those], unbalance[those]
            self._within[week] += ((v >= BAND_95[0]) & (v <= BAND_95[1])).sum(axis=0)
            self._lowest[week] = np.minimum(self._lowest[week], v.min(axis=0))
            self._highest[week] = np.maximum(self._highest[week], v.max(axis=0))
            self._balanced[week] += (n <= UNBALANCE_PERCENT).sum(axis=0)
            self._unbalance[week] = np.maximum(self._unbalance[week], n.max(axis=0))

    def weeks(self) -> tuple[NodeWeek, ...]:
        """The statistics: by week, those that do not pass first, then by the node's number."""
        found = []
        for week in range(len(self._within)):
            count = int((self._week == week).sum())
            rows = [
                NodeWeek(
                    name,
                    week,
                    PERCENT * float(self._within[week, k].min()) / count,
                    float(self._lowest[week, k].min()),
                    float(self._highest[week, k].max()),
                    PERCENT * float(self._balanced[week, k]) / count,
                    float(self._unbalance[week, k]),
                )
                for k, name in enumerate(self._names)
            ]
            found += sorted(rows, key=lambda row: row.kept)
        return tuple(found)
