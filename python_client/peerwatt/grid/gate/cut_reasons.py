"""Why a participant was cut: the element at its limit that its injection weighs on most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.gate.curtailment import Curtailed
from peerwatt.grid.gate.network import Network
from peerwatt.units import KILO

_BINDING_PERCENT = 1e-2


@dataclass(frozen=True)
class CutReason:
    """Why one participant was cut.

    Attributes:
        participant: Its id.
        sell_wh: Traded energy taken from it.
        surplus_wh: Untraded export taken from it.
        element: The node, line or transformer whose limit it would break.
        value: The value there before the gate, `unit`.
        limit: The limit, `unit`.
        unit: `pu`, `percent` or `kW`.
        per_kw: What one more kW injected by it adds to the value, `unit`/kW.
    """

    participant: int
    sell_wh: int
    surplus_wh: int
    element: str
    value: float
    limit: float
    unit: str
    per_kw: float

    def __str__(self) -> str:
        digits = 4 if self.unit == "pu" else 1
        return (
            f"{self.sell_wh} Wh sold and {self.surplus_wh} Wh surplus cut: {self.element} would reach "
            f"{self.value:.{digits}f} {self.unit} (limit {self.limit:g}), "
            f"each kW adds {self.per_kw:.2g} {self.unit}"
        )


def cut_reasons(network: Network, exchange: Exchange, kept: Curtailed) -> tuple[CutReason, ...]:
    """For each participant that was cut the element at its limit that its injection weighs on most.

    Args:
        network: The network as the exports meet it.
        exchange: What was cleared and what is forecast.
        kept: What is left of it.
    """
    constraints, scale = network.constraints, np.float64(exchange.w_per_wh)
    try:
        at, slopes = network.linearise((exchange.sell_wh + exchange.surplus_wh) * scale)
        value = constraints.values(at)
    except FlowError:  # everything together has no flow: extrapolated from what is left
        stays = (kept.sell_wh + kept.surplus_wh) * scale
        at, slopes = network.linearise(stays)
        value = constraints.values(at) + slopes @ ((exchange.sell_wh + exchange.surplus_wh) * scale - stays)
    excess = value - constraints.limits
    violated = np.flatnonzero(excess > 0)
    # the cut was made for those of them that are at their limit afterwards
    left = constraints.excess(kept.flow)
    binding = violated[left[violated] > -_BINDING_PERCENT]
    held, at_limit = np.flatnonzero(left >= min(-_BINDING_PERCENT, left.max())), left + constraints.limits
    reasons = []
    for k, participant in enumerate(exchange.participants):
        sold, surplus = (
            int(exchange.sell_wh[k] - kept.sell_wh[k]),
            int(exchange.surplus_wh[k] - kept.surplus_wh[k]),
        )
        if not (sold or surplus):
            continue
        rows = binding if (slopes[binding, k] > 0).any() else violated
        reached = value
        if not (slopes[rows, k] > 0).any():  # within its limit before, at it since others were cut
            rows, reached = held, at_limit + slopes[:, k] * (sold + surplus) * scale
        row = int(rows[np.argmax(slopes[rows, k])])
        there, unit = constraints.in_units(row, reached[row])
        limit, _ = constraints.in_units(row, value[row] - excess[row])
        limit = round(limit, 12) if unit == "pu" else limit
        per_kw = float(slopes[row, k]) * KILO * abs(constraints.in_units(row, 1.0)[0])
        name = constraints.element(row)
        reasons.append(CutReason(participant, sold, surplus, name, there, limit, unit, per_kw))
    return tuple(reasons)
