"""What the oracle reports: a power flow on what was cleared, turned into a verdict on exactly that clearing.

Pure: whoever has the cleared interval, the feeder and the forecast gets the same report, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import GridDecision
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.pro_rata import fill
from peerwatt.messages import (
    UNLIMITED_SURPLUS,
    ZERO_HASH,
    Clearing,
    Decision,
    NetworkReport,
    Record,
    Side,
    decisions_hash,
    encode_decisions,
)
from peerwatt.verdict import Verdict

DEFAULT_RULES: Final = GridRules()


@dataclass(frozen=True)
class ClearedInterval:
    """An interval as the auction left it.

    Attributes:
        number: the interval.
        length_s: its length, s.
        clearing: the outcome.
        clearing_hash: 32 bytes, what a report must name.
        batches: the records of each batch.
    """

    number: int
    length_s: int
    clearing: Clearing
    clearing_hash: bytes
    batches: tuple[tuple[Record, ...], ...]

    def fills(self, side: Side) -> dict[int, int]:
        """What the auction gave each participant on one side, Wh."""
        return {
            record.participant: sum(
                fill(placed, self.clearing) for placed in record.steps if placed.step.side == side
            )
            for records in self.batches
            for record in records
        }


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


@dataclass(frozen=True)
class Judgement:
    """A report that is ready to be signed, and what it follows from.

    Attributes:
        report: the message.
        decisions: one packed vector per batch, or none.
        participants: accounts, the order of the decision's arrays.
        grid: the grid's decision, with voltages, loadings and reasons.
        charges: network charge of each participant, base units; zeros where buyers pay the uniform fee.
    """

    report: NetworkReport
    decisions: tuple[bytes, ...]
    participants: tuple[int, ...]
    grid: GridDecision
    charges: Ints

    def allowance_wh(self, account: int) -> int:
        """What a participant may feed in beyond its accepted sale, Wh."""
        return int(self.grid.surplus_wh[self.participants.index(account)])


def judge(
    cleared: ClearedInterval, forecast: GridForecast, solver: PowerFlow, rules: GridRules = DEFAULT_RULES
) -> Judgement:
    """Check a cleared interval against the network.

    Args:
        cleared: the interval.
        forecast: what else flows.
        solver: the feeder's.
        rules: by which the grid decides.

    Raises:
        FlowError: the power flow has no solution.
    """
    participants = tuple(sorted(forecast.nodes))
    exchange = _exchange(cleared, forecast, participants)
    inverter_va = _along(forecast.inverter_va, participants).astype(np.float64)
    grid = rules.decide(solver, exchange, inverter_va)
    charges = rules.charges.charges(solver, exchange.nodes, grid.sell_wh, grid.buy_wh)
    decisions = _decisions(cleared.batches, participants, grid, charges)
    return Judgement(
        report=NetworkReport(
            interval=cleared.number,
            verdict=grid.verdict,
            volume=grid.volume_wh,
            loss_rate=0,
            feeder_hash=solver.feeder.feeder_hash,
            inputs_hash=rules.inputs_hash(exchange, inverter_va),
            clearing_hash=cleared.clearing_hash,
            decisions_hash=decisions_hash(decisions) if decisions else ZERO_HASH,
        ),
        decisions=decisions,
        participants=participants,
        grid=grid,
        charges=charges,
    )


def expired(judgement: Judgement) -> Judgement:
    """What is left of a judgement that never reached the chain: nothing is traded, and everything flows."""
    grid = judgement.grid
    nothing = np.zeros_like(grid.sell_wh)
    return replace(
        judgement,
        report=replace(
            judgement.report, verdict=Verdict.EXPIRED, volume=0, loss_rate=0, decisions_hash=ZERO_HASH
        ),
        decisions=(),
        grid=replace(
            grid,
            sell_wh=nothing,
            buy_wh=nothing,
            losses=replace(grid.losses, share_wh=nothing, trade_wh=0),
            after=grid.before,
            violations_after=grid.violations_before,
            reasons=(),
        ),
    )


def _along(values: Mapping[int, int], participants: Sequence[int]) -> Ints:
    return np.array([values.get(account, 0) for account in participants], dtype=np.int64)


def _exchange(cleared: ClearedInterval, forecast: GridForecast, participants: Sequence[int]) -> Exchange:
    return Exchange(
        interval_s=cleared.length_s,
        participants=participants,
        nodes=_along(forecast.nodes, participants),
        sell_wh=_along(cleared.fills(Side.SELL), participants),
        buy_wh=_along(cleared.fills(Side.BUY), participants),
        export_wh=_along(forecast.export_wh, participants),
        import_wh=_along(forecast.import_wh, participants),
        background_w=forecast.background_w,
        background_var=forecast.background_var,
        phases=_along(forecast.phases, participants) if forecast.phases else None,
    )


def _decisions(
    batches: Sequence[Sequence[Record]], participants: Sequence[int], grid: GridDecision, charges: Ints
) -> tuple[bytes, ...]:
    """The packed vectors, in batch order: surplus in a constrained grid, losses where anything stands.

    None where there is neither, and where nobody ordered.
    """
    constrained = grid.verdict != Verdict.ACCEPT
    if grid.volume_wh == 0 and not constrained:
        return ()
    place = {account: k for k, account in enumerate(participants)}

    def decision(record: Record) -> Decision:
        k = place[record.participant]
        surplus = min(int(grid.surplus_wh[k]), UNLIMITED_SURPLUS) if constrained else 0
        return Decision(
            int(grid.sell_wh[k]), int(grid.buy_wh[k]), int(grid.loss_wh[k]), int(charges[k]), surplus
        )

    return tuple(encode_decisions(decision(record) for record in records) for records in batches)
