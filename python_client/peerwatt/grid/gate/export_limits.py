"""What each may feed in where a feeder cannot carry everybody's export: the network operator's limits.

They follow from the forecast alone: the feeder, its loads, and what everybody is expected to export. No order
enters, so nobody improves its limit by one, and the limits with a market are those without it, to the Wh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Ints
from peerwatt.grid.errors import FlowError
from peerwatt.grid.flow.limits import Violation, find_violations
from peerwatt.grid.flow.power_flow import FlowResult
from peerwatt.grid.gate.curtailment import cut_back, largest_share_with_a_flow
from peerwatt.grid.gate.curtailment_rules import fair_cut
from peerwatt.grid.gate.network import Network


@dataclass(frozen=True)
class ExportLimits:
    """The limits of one interval. Arrays are per trader, in the order of the exchange.

    Attributes:
        forecast_wh: Forecast export.
        most_wh: What each may feed in, traded or not; the forecast where nothing is limited.
        expected: The flow of the whole forecast; where that has none, of the largest common share of all
            exports that has one.
        has_flow: Whether the whole forecast has a flow.
        violations: Limits violated by `expected`.
        flow: The flow of the forecast where nothing is limited, else of everybody feeding in `most_wh`.
        remaining: Limits violated by `flow`: only what cutting exports cannot mend.
    """

    forecast_wh: Ints
    most_wh: Ints
    expected: FlowResult
    has_flow: bool
    violations: tuple[Violation, ...]
    flow: FlowResult
    remaining: tuple[Violation, ...]

    @property
    def bind(self) -> bool:
        """Whether anybody's export is limited; where nobody's is, whatever is generated may flow."""
        return not np.array_equal(self.most_wh, self.forecast_wh)

    @property
    def allowed_wh(self) -> Ints | None:
        """What each may feed in; none where nobody's export is limited."""
        return self.most_wh if self.bind else None


def export_limits(network: Network, forecast_wh: Ints, w_per_wh: float) -> ExportLimits:
    """Equal shares: the same share of its forecast for everybody, more only where that takes from nobody.

    Args:
        network: The network as exports meet it, with everybody's loads on it.
        forecast_wh: Forecast export of each, Wh, `(traders,)`.
        w_per_wh: Mean power of one Wh in the interval, W.

    Raises:
        FlowError: No common share of the exports has a power flow.
    """
    none, unit_w = np.zeros_like(forecast_wh), np.float64(w_per_wh)
    try:
        expected, has_flow = network.solve(forecast_wh * unit_w), True
    except FlowError:
        expected, has_flow = largest_share_with_a_flow(network, none, forecast_wh, w_per_wh), False
    found = find_violations(network.solver.feeder, expected)
    if has_flow and not found:
        return ExportLimits(forecast_wh, forecast_wh, expected, has_flow, found, expected, found)
    kept = cut_back(network, none, forecast_wh, w_per_wh, fair_cut)
    remaining = find_violations(network.solver.feeder, kept.flow)
    return ExportLimits(forecast_wh, kept.surplus_wh, expected, has_flow, found, kept.flow, remaining)
