"""Why the gate cut somebody's trade: one record per participant and interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.gate.decision import CutReason
from peerwatt.messages import Side
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.results import CurtailmentReason


def curtailment_reasons(
    feeder: Feeder, log: IntervalLog, names: Mapping[int, str]
) -> Iterator[CurtailmentReason]:
    """The reasons of one interval: sellers first, then the buyers whose purchases went with the sales."""
    assert log.judgement is not None
    assert log.cleared is not None
    grid = log.judgement.grid
    sold = log.cleared.fills(Side.SELL)
    for reason in grid.reasons:
        account = reason.participant
        filled = sold.get(account, 0)
        yield CurtailmentReason(
            interval=log.slot,
            participant=names[account],
            side="sell",
            filled_wh=filled,
            accepted_wh=filled - reason.sell_wh,
            surplus_wh=reason.surplus_wh,
            code=_code(feeder, reason),
            element=reason.element,
            value=reason.value,
            limit=reason.limit,
            unit=reason.unit,
            sentence=str(reason),
        )
    if not grid.reasons:
        return
    heaviest = max(grid.reasons, key=lambda reason: (reason.sell_wh, reason.surplus_wh, -reason.participant))
    for account, filled in sorted(log.cleared.fills(Side.BUY).items()):
        position = log.positions.get(account)
        if position is None or position.buy >= filled:
            continue
        yield CurtailmentReason(
            interval=log.slot,
            participant=names[account],
            side="buy",
            filled_wh=filled,
            accepted_wh=position.buy,
            surplus_wh=0,
            code=_code(feeder, heaviest),
            element=heaviest.element,
            value=heaviest.value,
            limit=heaviest.limit,
            unit=heaviest.unit,
            sentence=(
                f"{filled - position.buy} Wh bought came from sales that the network cannot carry "
                f"({heaviest.element}); the supplier delivers them at the retail price"
            ),
        )


def _code(feeder: Feeder, reason: CutReason) -> str:
    if reason.unit == "pu":
        return "overvoltage" if reason.value > reason.limit else "undervoltage"
    kinds = dict(zip(feeder.branch_names, feeder.branch_kinds, strict=True))
    return "transformer_loading" if "transformer" in kinds[reason.element] else "line_loading"
