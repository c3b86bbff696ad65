"""What the grid gate must keep: every phase of every node, high and low, and of every branch's ends.

A constraint's value is in percent and larger is worse: a voltage, a negated voltage, a loading. The highest
phase alone would not do: where one phase is brought down another may become the highest, and the neutral
raises one phase when another is relieved.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.limits import reverse_flow_percent
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.flow.sensitivity import Sensitivities
from peerwatt.units import KILO, PERCENT

KEPT_PERCENT = 1e-7  # solver noise: a limit exceeded by less is kept


@dataclass(frozen=True)
class Constraints:
    """The constraints of a feeder: high voltages, low voltages, loadings, in this order; then, where the
    feeder states a limit, unbalances and what flows back upstream.

    Attributes:
        solver: The feeder's solver.
    """

    solver: PowerFlow

    @property
    def voltages(self) -> int:
        """How many voltages there are; as many constraints are high ones, and as many low ones."""
        return len(self.feeder.node_names) * self._phases

    @property
    def _phases(self) -> int:
        return 3 if self.feeder.three_phase else 1

    @property
    def feeder(self) -> Feeder:
        """The feeder."""
        return self.solver.feeder

    @cached_property
    def limits(self) -> Floats:
        """The limits, percent, `(constraints,)`."""
        limits = self.feeder.limits
        low, high = (PERCENT * np.repeat(x, self._phases) for x in self.feeder.allowed_pu)
        return np.concatenate(
            [
                high,
                -low,
                np.full(self._loadings, limits.loading_max_percent),
                np.full(self._unbalances, limits.unbalance_max_percent),
                np.full(self._reverse_flows, float(PERCENT)),
            ]
        )

    @property
    def _loadings(self) -> int:
        return len(self.feeder.branch_names) * self.solver.ends * self._phases

    @property
    def _unbalances(self) -> int:
        return len(self.feeder.node_names) if np.isfinite(self.feeder.limits.unbalance_max_percent) else 0

    @property
    def _reverse_flows(self) -> int:
        return int(np.isfinite(self.feeder.limits.reverse_flow_max_w))

    @cached_property
    def magnitudes(self) -> NDArray[np.bool_]:
        """Which constraints are of magnitudes, whose linearisation may turn round, `(constraints,)`."""
        row = np.arange(len(self.limits))
        return (row >= 2 * self.voltages) & (row < len(row) - self._reverse_flows)

    def values(self, flow: FlowResult) -> Floats:
        """Values of one state or of a batch, percent, `(..., constraints)`."""
        batch = np.shape(flow.import_w)
        u = PERCENT * flow.u_pu.reshape(*batch, -1)
        back = reverse_flow_percent(self.feeder, flow)
        return np.concatenate(
            [
                u,
                -u,
                flow.conductor_loading_percent.reshape(*batch, -1),
                flow.unbalance_percent[..., : self._unbalances],
                back[..., None][..., : self._reverse_flows],
            ],
            axis=-1,
        )

    def excess(self, flow: FlowResult) -> Floats:
        """How far each constraint is beyond its limit, percent; negative: room to spare."""
        return self.values(flow) - self.limits

    def slopes(self, s: Sensitivities) -> Floats:
        """Derivatives of the values, percent/W, `(constraints, moves)`."""
        k = s.u_pu_per_w.shape[-1]
        u = PERCENT * s.u_pu_per_w.reshape(-1, k)
        back = -PERCENT * s.import_w_per_w / self.feeder.limits.reverse_flow_max_w
        return np.concatenate(
            [
                u,
                -u,
                s.conductor_percent_per_w.reshape(-1, k),
                s.unbalance_percent_per_w[: self._unbalances],
                back[None][: self._reverse_flows],
            ]
        )

    def element(self, row: int) -> str:
        """Name of the node, branch or source of a constraint."""
        n = self.voltages
        if row < 2 * n:
            return self.feeder.node_names[row % n // self._phases]
        row -= 2 * n
        if row < self._loadings:
            return self.feeder.branch_names[row // (self.solver.ends * self._phases)]
        row -= self._loadings
        return self.feeder.node_names[row] if row < self._unbalances else self.feeder.upstream

    def in_units(self, row: int, percent: float) -> tuple[float, str]:
        """A value or limit of a constraint in its own unit, `pu`, `percent` or `kW`."""
        if row >= len(self.limits) - self._reverse_flows:
            return float(percent) / PERCENT * self.feeder.limits.reverse_flow_max_w / KILO, "kW"
        if row >= 2 * self.voltages:
            return float(percent), "percent"
        return float(percent) / (PERCENT if row < self.voltages else -PERCENT), "pu"
