"""What the oracle reports: a power flow on what was cleared, turned into a verdict on exactly that clearing.

Pure: whoever has the cleared interval, the feeder and the forecast gets the same report, byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from peerwatt.grid.arrays import Ints
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.decision import GridDecision
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.pro_rata import fill
from peerwatt.market.settlement import merit
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
from peerwatt.oracle.feeder_state import GridForecast
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

    def backed(self, expected: Mapping[int, int]) -> dict[int, int]:
        """What of each participant's sale was offered within what it is expected to export, Wh.

        Its best asks count up to the forecast, and of the step that passes it a part; of the fill of a step
        its counted part. So who offers a multiple of its forecast, to be shared a multiple of the demand at a
        price that a rule sets or at the marginal tick, is left with the share of the forecast.

        Args:
            expected: forecast export, Wh by account.
        """
        found: dict[int, int] = {}
        for record in (record for records in self.batches for record in records):
            left, backed = expected.get(record.participant, 0), 0
            asks = (placed for placed in record.steps if placed.step.side == Side.SELL)
            for placed in sorted(asks, key=lambda placed: merit(placed.step)):
                counted = min(left, placed.step.quantity)
                left -= counted
                backed += fill(placed, self.clearing) * counted // placed.step.quantity
            found[record.participant] = backed
        return found


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

    def allowed_export(self) -> dict[int, int] | None:
        """What each participant may feed in, traded or not, Wh by account; none where nothing is limited."""
        allowed = self.grid.allowed_wh
        return None if allowed is None else dict(zip(self.participants, allowed.tolist(), strict=True))


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
    participants, inverter_va = forecast.participants, forecast.inverters_va
    exchange = forecast.exchange(
        cleared.length_s,
        cleared.fills(Side.SELL),
        cleared.fills(Side.BUY),
        cleared.backed(forecast.export_wh),
    )
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
    """What is left of a judgement that never reached the chain: nothing is traded.

    The network operator's limits are those without a market, for they need no committee.
    """
    grid, limits = judgement.grid, judgement.grid.without_market
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
            surplus_wh=limits.most_wh,
            allowed_wh=limits.allowed_wh,
            losses=replace(grid.losses, share_wh=nothing, trade_wh=0),
            after=limits.flow,
            violations_after=limits.remaining,
            reasons=(),
        ),
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
    if grid.allowed_wh is None:  # an Accept allows everything by itself
        surplus = np.full_like(grid.sell_wh, UNLIMITED_SURPLUS if constrained else 0)
    else:
        surplus = grid.allowed_wh - grid.sell_wh

    def decision(record: Record) -> Decision:
        k = place[record.participant]
        of_order = grid.sell_wh, grid.buy_wh, grid.loss_wh, charges, surplus
        return Decision(*(int(values[k]) for values in of_order))

    return tuple(encode_decisions(decision(record) for record in records) for records in batches)
