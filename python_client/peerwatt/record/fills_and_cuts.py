"""What became of every order of an interval: what was filled, at what price, what the gate cut, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.gate.cut_reasons import CutReason
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.pro_rata import fill
from peerwatt.market.settlement import merit
from peerwatt.messages import PlacedStep, Side, SkipReason
from peerwatt.record.interval_log import IntervalLog
from peerwatt.record.results import CurtailmentReason, OrderStepResult


@dataclass(frozen=True)
class TakenStep:
    """One step of an order that the market took, and what became of it.

    Attributes:
        participant: whose.
        placed: the step.
        price: its limit, base units per Wh.
        filled: what the auction gave it, Wh.
        accepted: what stands of that, Wh.
        paid: what each accepted Wh was traded at, base units.
    """

    participant: int
    placed: PlacedStep
    price: int
    filled: int
    accepted: int
    paid: int


def taken_steps(market: MarketConfig, log: IntervalLog) -> Iterator[TakenStep]:
    """The steps of all orders that the market took, in posting order."""
    clearing = log.clearing
    for record in log.records:
        of_order = log.accepted[record.participant]
        left = {Side.BUY: of_order.buy, Side.SELL: of_order.sell}
        # The gate decides on orders; its cut falls on the step that trades last.
        accepted = {}
        for placed in sorted(record.steps, key=lambda placed: merit(placed.step)):
            side = placed.step.side
            accepted[placed] = min(fill(placed, clearing), left[side])
            left[side] -= accepted[placed]
        for placed in record.steps:
            limit = market.price(placed.step.tick)
            paid = clearing.buy_price if placed.step.side == Side.BUY else clearing.sell_price
            yield TakenStep(
                record.participant,
                placed,
                limit,
                fill(placed, clearing),
                accepted[placed],
                limit if clearing.at_limits else paid,
            )


def average_prices(market: MarketConfig, log: IntervalLog) -> tuple[int | None, int | None]:
    """What buyers pay and sellers get; where each Wh has its own price, the averages of what was matched."""
    clearing = log.clearing
    if not clearing.trades:
        return None, None
    if not clearing.at_limits:
        return clearing.buy_price, clearing.sell_price
    sums = dict.fromkeys(Side, 0)
    for step in taken_steps(market, log):
        sums[step.placed.step.side] += step.price * step.filled
    return (sums[Side.BUY] + log.traded // 2) // log.traded, (sums[Side.SELL] + log.traded // 2) // log.traded


def order_steps(market: MarketConfig, log: IntervalLog, names: dict[int, str]) -> Iterator[OrderStepResult]:
    """Every step of every order: those that the market took, then those that it skipped."""
    for taken in taken_steps(market, log):
        yield OrderStepResult(
            interval=log.scenario_interval,
            participant=names[taken.participant],
            side="sell" if taken.placed.step.side == Side.SELL else "buy",
            price=taken.price,
            quantity_wh=taken.placed.step.quantity,
            filled_wh=taken.filled,
            accepted_wh=taken.accepted,
            traded_at=taken.paid if taken.accepted else None,
        )
    skipped = {skip.participant: skip.reason for skip in log.skipped}
    for signed in log.orders:
        reason = skipped.get(signed.order.participant)
        for step in signed.order if reason is not None else ():
            yield OrderStepResult(
                interval=log.scenario_interval,
                participant=names[signed.order.participant],
                side="sell" if step.side == Side.SELL else "buy",
                price=market.price(step.tick),
                quantity_wh=step.quantity,
                filled_wh=0,
                accepted_wh=0,
                skipped=_name_on_chain(reason),
            )


def _name_on_chain(reason: SkipReason | None) -> str:
    """The contract's name of a reason: BELOW_MARGIN is `BelowMargin`."""
    return "" if reason is None else "".join(part.capitalize() for part in reason.name.split("_"))


def curtailment_reasons(
    feeder: Feeder, log: IntervalLog, names: Mapping[int, str]
) -> Iterator[CurtailmentReason]:
    """The reasons of one interval: sellers first, then the buyers whose purchases went with the sales."""
    assert log.judgement is not None
    grid = log.judgement.grid
    # Nothing is cleared where nobody ordered, and what flows can be too much all the same.
    sold = {} if log.cleared is None else log.cleared.fills(Side.SELL)
    bought = {} if log.cleared is None else log.cleared.fills(Side.BUY)
    for reason in grid.reasons:
        account = reason.participant
        filled = sold.get(account, 0)
        yield CurtailmentReason(
            interval=log.scenario_interval,
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
    for account, filled in sorted(bought.items()):
        accepted = log.accepted.get(account)
        if accepted is None or accepted.buy >= filled:
            continue
        yield CurtailmentReason(
            interval=log.scenario_interval,
            participant=names[account],
            side="buy",
            filled_wh=filled,
            accepted_wh=accepted.buy,
            surplus_wh=0,
            code=_code(feeder, heaviest),
            element=heaviest.element,
            value=heaviest.value,
            limit=heaviest.limit,
            unit=heaviest.unit,
            sentence=(
                f"{filled - accepted.buy} Wh bought came from sales that the network cannot carry "
                f"({heaviest.element}); the supplier delivers them at the retail price"
            ),
        )


def _code(feeder: Feeder, reason: CutReason) -> str:
    if reason.unit == "pu":
        return "overvoltage" if reason.value > reason.limit else "undervoltage"
    kinds = dict(zip(feeder.branch_names, feeder.branch_kinds, strict=True))
    if reason.element not in kinds:
        return "unbalance" if reason.element in feeder.node_index else "reverse_flow"
    return "transformer_loading" if "transformer" in kinds[reason.element] else "line_loading"
