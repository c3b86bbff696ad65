"""Which limits a solved state violates, by how much, and at which element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import FlowResult
from peerwatt.units import KILO, PERCENT

Quantity = Literal["overvoltage", "undervoltage", "overload", "unbalance", "reverse flow"]
VOLTAGE_TOLERANCE_PU = 1e-9  # solver noise, not a violation
LOADING_TOLERANCE_PERCENT = 1e-7


@dataclass(frozen=True)
class Violation:
    """One limit that is not kept.

    Attributes:
        element: Name of the node, line or transformer; for a reverse flow of the source.
        quantity: What is violated.
        value: The value found, `unit`.
        limit: The limit, `unit`.
        unit: `pu` or `percent`; of a reverse flow `kW`.
    """

    element: str
    quantity: Quantity
    value: float
    limit: float
    unit: str

    @property
    def excess(self) -> float:
        """How far beyond the limit, in `unit`, positive."""
        return abs(self.value - self.limit)

    def __str__(self) -> str:
        sign = "<" if self.quantity == "undervoltage" else ">"
        digits = 4 if self.unit == "pu" else 1
        return f"{self.element}: {self.quantity} {self.value:.{digits}f} {sign} {self.limit:g} {self.unit}"


def highest_u_pu(flow: FlowResult, three_phase: bool = False) -> Floats:
    """Voltage of each node, of its highest phase, per unit."""
    return flow.u_pu.max(axis=-1) if three_phase else flow.u_pu


def lowest_u_pu(flow: FlowResult, three_phase: bool = False) -> Floats:
    """Voltage of each node, of its lowest phase, per unit."""
    return flow.u_pu.min(axis=-1) if three_phase else flow.u_pu


def reverse_flow_percent(feeder: Feeder, flow: FlowResult) -> Floats:
    """What flows back upstream, percent of the most that may, `(...)`; negative: something is drawn."""
    return np.asarray(-PERCENT * flow.import_w / feeder.limits.reverse_flow_max_w)


def find_violations(feeder: Feeder, flow: FlowResult) -> tuple[Violation, ...]:
    """List the violated limits of one solved state.

    Args:
        feeder: The feeder, with its limits.
        flow: One state of it (no batch axis).

    Returns:
        Overvoltages, undervoltages, overloads, unbalances, each from the worst to the mildest, and a reverse
        flow.
    """
    limits = feeder.limits
    low_allowed, high_allowed = feeder.allowed_pu
    three_phase = feeder.three_phase
    high, low = highest_u_pu(flow, three_phase), lowest_u_pu(flow, three_phase)
    found: list[Violation] = []
    sides: tuple[tuple[Quantity, Floats, Floats, Floats], ...] = (
        ("overvoltage", high - high_allowed, high, high_allowed),
        ("undervoltage", low_allowed - low, low, low_allowed),
    )
    for quantity, excess, u, allowed in sides:
        order = np.argsort(-excess, kind="stable")
        for k in order[excess[order] > VOLTAGE_TOLERANCE_PU]:
            found.append(Violation(feeder.node_names[k], quantity, float(u[k]), float(allowed[k]), "pu"))
    loading, most = flow.loading_percent, limits.loading_max_percent
    order = np.argsort(-loading, kind="stable")
    for k in order[loading[order] > most + LOADING_TOLERANCE_PERCENT]:
        found.append(Violation(feeder.branch_names[k], "overload", float(loading[k]), most, "percent"))
    unbalance, most = flow.unbalance_percent, limits.unbalance_max_percent
    order = np.argsort(-unbalance, kind="stable")
    for k in order[unbalance[order] > most + LOADING_TOLERANCE_PERCENT]:
        found.append(Violation(feeder.node_names[k], "unbalance", float(unbalance[k]), most, "percent"))
    if reverse_flow_percent(feeder, flow) > PERCENT + LOADING_TOLERANCE_PERCENT:
        back, most = -float(flow.import_w) / KILO, limits.reverse_flow_max_w / KILO
        found.append(Violation(feeder.upstream, "reverse flow", back, most, "kW"))
    return tuple(found)
