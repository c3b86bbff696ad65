"""What flows on a feeder in one interval: as forecast and traded, without a market, and as metered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.gate.rules import GridRules


@dataclass(frozen=True)
class GridForecast:
    """What is expected to flow in an interval besides what was cleared.

    Attributes:
        nodes: position in the feeder of each participant's node, by account.
        import_wh: expected import of each participant, traded or not, Wh.
        export_wh: expected export, Wh.
        background_w: injection of everything that does not trade, W, generation positive, per feeder node.
        background_var: reactive injection of everything, var, per feeder node.
        inverter_va: rating of each participant's inverter, VA; who is not named has none.
        phases: on a three-phase feeder each participant's phase, 1 to 3, 0 for all three; who is not named
            has all three.
    """

    nodes: Mapping[int, int]
    import_wh: Mapping[int, int]
    export_wh: Mapping[int, int]
    background_w: Floats
    background_var: Floats
    inverter_va: Mapping[int, int] = field(default_factory=dict)
    phases: Mapping[int, int] = field(default_factory=dict)

    @property
    def participants(self) -> tuple[int, ...]:
        """Accounts, ascending: the order of arrays."""
        return tuple(sorted(self.nodes))

    @property
    def inverters_va(self) -> Floats:
        """Inverter rating of each participant, VA, 0 for none."""
        return along(self.inverter_va, self.participants).astype(np.float64)

    def exchange(
        self,
        length_s: int,
        sold: Mapping[int, int] | None = None,
        bought: Mapping[int, int] | None = None,
        backed: Mapping[int, int] | None = None,
    ) -> Exchange:
        """The interval as it is expected to flow.

        Args:
            length_s: of the interval, s.
            sold: what was cleared, Wh by account; nothing by default.
            bought: likewise.
            backed: what of the sales was offered within the forecast; all by default.
        """
        accounts = self.participants
        return Exchange(
            interval_s=length_s,
            participants=accounts,
            nodes=along(self.nodes, accounts),
            sell_wh=along(sold or {}, accounts),
            buy_wh=along(bought or {}, accounts),
            export_wh=along(self.export_wh, accounts),
            import_wh=along(self.import_wh, accounts),
            background_w=self.background_w,
            background_var=self.background_var,
            phases=along(self.phases, accounts) if self.phases else None,
            backed_wh=None if backed is None else along(backed, accounts),
        )


def along(values: Mapping[int, int], accounts: Sequence[int]) -> Ints:
    """Values by account as an array; who is not named has 0."""
    return np.array([values.get(account, 0) for account in accounts], dtype=np.int64)


def allowed_without_market(
    forecast: GridForecast, length_s: int, solver: PowerFlow, rules: GridRules
) -> dict[int, int] | None:
    """What the network operator would let each participant feed in if there were no market.

    Args:
        forecast: what is expected to flow.
        length_s: of the interval, s.
        solver: the feeder's.
        rules: by which the grid decides; equal shares limit exports whatever they say of trades.

    Returns:
        Wh by account; none where nobody's export is limited.

    Raises:
        FlowError: no common share of the exports has a power flow.
    """
    limits = rules.export_limits(solver, forecast.exchange(length_s), forecast.inverters_va)
    allowed = limits.allowed_wh
    return None if allowed is None else dict(zip(forecast.participants, allowed.tolist(), strict=True))


def metered_flow_of(
    forecast: GridForecast,
    imported: Mapping[int, int],
    exported: Mapping[int, int],
    length_s: int,
    solver: PowerFlow,
    rules: GridRules,
) -> FlowResult:
    """The feeder as it was: what meters counted, on the background of the forecast.

    Args:
        forecast: where participants are connected, and everything that does not trade.
        imported: what meters counted, Wh by account.
        exported: likewise.
        length_s: of the interval, s.
        solver: the feeder's.
        rules: say whether inverters support the voltage.

    Raises:
        FlowError: what was metered has no power flow.
    """
    metered = GridForecast(
        forecast.nodes,
        imported,
        exported,
        forecast.background_w,
        forecast.background_var,
        forecast.inverter_va,
        forecast.phases,
    )
    exchange = metered.exchange(length_s)
    network = rules.network(solver, exchange, metered.inverters_va)
    return network.solve(exchange.export_wh * np.float64(exchange.w_per_wh))
