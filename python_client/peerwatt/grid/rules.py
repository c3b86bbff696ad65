"""The stated rules by which the grid decides: chosen by the scenario, the same for every committee member."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from peerwatt.grid.curtailment_rules import RULES
from peerwatt.grid.decision import Decision, decide
from peerwatt.grid.exchange import Exchange
from peerwatt.grid.loss_rules import LOSS_RULES
from peerwatt.grid.power_flow import Floats, PowerFlow
from peerwatt.grid.volt_var import decide_with_volt_var


@dataclass(frozen=True)
class GridRules:
    """Names of the rules; every one of them changes the report, so all of them are among its inputs.

    Attributes:
        losses: How losses are shared, one of `LOSS_RULES`.
        curtailment: Who is cut, one of `RULES`.
        volt_var: Whether inverters support the voltage before anybody is cut.

    Raises:
        KeyError: There is no such rule; scenario files are checked before.
    """

    losses: str = "aumann_shapley"
    curtailment: str = "least"
    volt_var: bool = False

    def decide(self, solver: PowerFlow, exchange: Exchange, inverter_va: Floats) -> Decision:
        """The gate's decision under these rules.

        Args:
            solver: The feeder's solver.
            exchange: What was cleared and what is forecast.
            inverter_va: Inverter rating of each trader, VA, 0 for none, `(traders,)`; used by volt-var only.

        Raises:
            FlowError: The cleared state has no solution.
        """
        cut, share = RULES[self.curtailment], LOSS_RULES[self.losses]
        if self.volt_var:
            return decide_with_volt_var(solver, exchange, inverter_va, rule=cut, loss_rule=share)[0]
        return decide(solver, exchange, rule=cut, loss_rule=share)

    def inputs_hash(self, exchange: Exchange, inverter_va: Floats) -> bytes:
        """What a report names as its inputs, 32 bytes: the exchange, these rules, and what they need."""
        h = hashlib.sha256(b"peerwatt-inputs-1")
        h.update(exchange.digest())
        h.update(json.dumps(asdict(self), sort_keys=True, separators=(",", ":")).encode())
        if self.volt_var:
            h.update(inverter_va.astype(">f8").tobytes())
        return h.digest()
