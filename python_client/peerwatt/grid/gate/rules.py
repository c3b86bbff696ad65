"""The stated rules by which the grid decides: chosen by the scenario, the same for every committee member."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment_rules import RULES
from peerwatt.grid.gate.decision import GridDecision, decide
from peerwatt.grid.gate.export_limits import ExportLimits, export_limits
from peerwatt.grid.gate.network import Network, network_of
from peerwatt.grid.gate.volt_var import supported_network
from peerwatt.grid.shares.loss_rules import LOSS_RULES
from peerwatt.grid.shares.network_charges import CHARGE_RULES, ZONE, by_zone, network_charges


@dataclass(frozen=True)
class ChargeRules:
    """How the network fee of an interval's trades is shared among their parties.

    The charges of an interval sum to the tariff's fee on every accepted Wh that was bought.

    Attributes:
        rule: One of `CHARGE_RULES`, or `zone`.
        fee: The tariff's network fee, base units per Wh.
        most: Most that an order may be charged, base units per accepted Wh; 0 leaves every buyer the uniform
            fee.
        zones: Zone by node name, for `zone`.
        weights: Fee of a zone against that of another, 1 where none is given, for `zone`.
    """

    rule: str = "uniform"
    fee: int = 0
    most: int = 0
    zones: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, int] = field(default_factory=dict)

    def charges(self, solver: PowerFlow, nodes: Ints, sell_wh: Ints, buy_wh: Ints) -> Ints:
        """Charge of each trader, base units, `(traders,)`; they sum to the fee on all that was bought.

        Args:
            solver: The feeder's solver.
            nodes: Node of each trader.
            sell_wh: Accepted sells.
            buy_wh: Accepted buys.

        Returns:
            Nothing but zeros where buyers pay the uniform fee, which needs no decision.
        """
        if self.most == 0:
            return np.zeros_like(sell_wh)
        rule = by_zone(self.zones, self.weights) if self.rule == ZONE else CHARGE_RULES[self.rule]
        total, most = self.fee * int(buy_wh.sum()), self.most * (sell_wh + buy_wh)
        return network_charges(solver.feeder, nodes, sell_wh, buy_wh, total, rule, most)


@dataclass(frozen=True)
class GridRules:
    """Names of the rules. Each of them changes the report, so all of them are among its inputs.

    Attributes:
        losses: How losses are shared, one of `LOSS_RULES`.
        curtailment: Who is cut, one of `RULES`.
        volt_var: Whether inverters support the voltage before anybody is cut.
        charges: How network charges are shared.

    Raises:
        KeyError: There is no such rule; scenario files are checked before.
    """

    losses: str = "aumann_shapley"
    curtailment: str = "fair"
    volt_var: bool = False
    charges: ChargeRules = field(default_factory=ChargeRules)

    def __str__(self) -> str:
        """One line for a report."""
        measure = f" ({RULES[self.curtailment].measure})" if self.curtailment == "fair" else ""
        support = "volt-var support first" if self.volt_var else "no volt-var support"
        return (
            f"losses shared by {self.losses}, curtailment {self.curtailment}{measure} with {support}, "
            f"network charges {self.charges.rule}"
        )

    def decide(self, solver: PowerFlow, exchange: Exchange, inverter_va: Floats) -> GridDecision:
        """The gate's decision under these rules.

        Args:
            solver: The feeder's solver.
            exchange: What was cleared and what is forecast.
            inverter_va: Inverter rating of each trader, VA, 0 for none, `(traders,)`; used by volt-var only.

        Raises:
            FlowError: The cleared state has no solution.
        """
        return decide(
            solver,
            exchange,
            rule=RULES[self.curtailment],
            loss_rule=LOSS_RULES[self.losses],
            network=self.network(solver, exchange, inverter_va),
        )

    def network(self, solver: PowerFlow, exchange: Exchange, inverter_va: Floats) -> Network:
        """The network as the exports of an interval meet it; arguments as of `decide`."""
        if self.volt_var:
            return supported_network(solver, exchange, inverter_va)
        return network_of(solver, exchange)

    def export_limits(self, solver: PowerFlow, exchange: Exchange, inverter_va: Floats) -> ExportLimits:
        """What exports would be limited to without a market; arguments as of `decide`.

        Raises:
            FlowError: No common share of the exports has a power flow.
        """
        network = self.network(solver, exchange, inverter_va)
        return export_limits(network, exchange.export_wh, exchange.w_per_wh)

    def inputs_hash(self, exchange: Exchange, inverter_va: Floats) -> bytes:
        """What a report names as its inputs, 32 bytes: the exchange, these rules, and what they need."""
        h = hashlib.sha256(b"peerwatt-inputs-1")
        h.update(exchange.digest())
        h.update(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode())
        if self.volt_var:
            h.update(inverter_va.astype(">f8").tobytes())
        return h.digest()
