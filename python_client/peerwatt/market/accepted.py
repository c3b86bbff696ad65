"""What the grid gate accepts of a cleared auction and of each order. It only ever reduces."""

from dataclasses import dataclass

from peerwatt.market.auction import cap
from peerwatt.market.market_rules import MarketConfig
from peerwatt.market.pro_rata import accepted_quantity
from peerwatt.market.terms import Terms
from peerwatt.market.tick_book import TickBook
from peerwatt.messages import (
    DECISION_LENGTH,
    UNLIMITED_SURPLUS,
    Clearing,
    Decision,
    Record,
    Side,
    Verdict,
    decode_decisions,
)
from peerwatt.units import PPM


@dataclass(frozen=True, slots=True)
class Accepted:
    """What of an order is accepted and with what losses and charge it is settled.

    Attributes:
        sell: Accepted energy that it sold, Wh.
        buy: Accepted energy that it bought, Wh.
        loss: Its share of the network's losses, Wh.
        charge: What it pays for the network, base units.
        loss_cost: What it pays for the losses, base units: never more than brings it to its limits.
        surplus: How much of its export beyond the accepted sale is paid for, Wh.
    """

    sell: int
    buy: int
    loss: int
    charge: int
    loss_cost: int
    surplus: int


def gate(book: TickBook, cleared: Clearing, verdict: Verdict, volume: int) -> Clearing:
    """Apply a verdict to a clearing.

    Only a cap changes the clearing. A curtailment reduces single orders, and a volume of 0 accepts nothing of
    any: both are applied order by order, in ``accepted_of``.

    Args:
        book: The book that was cleared.
        cleared: Its clearing.
        verdict: What the gate decided.
        volume: Accepted volume, Wh, at most the clearing's.

    Returns:
        The clearing as gated. Its prices stay the auction's.
    """
    return cap(book, cleared, volume) if verdict == Verdict.CAP else cleared


def decisions_on(data: bytes, orders: int) -> tuple[Decision, ...] | None:
    """The decisions on a batch, or None when the string is absent or of the wrong length.

    Args:
        data: The packed decisions.
        orders: Number of orders in the batch.
    """
    return decode_decisions(data) if data and len(data) == orders * DECISION_LENGTH else None


def accepted_of(record: Record, terms: Terms, decision: Decision | None, config: MarketConfig) -> Accepted:
    """What is accepted of an order, its share of the losses, and what it pays for the network.

    Args:
        record: The order as it was posted.
        terms: What the interval is settled by.
        decision: The decision on this order; None when its batch has none: a curtailment then accepts nothing
            of it.
        config: The market's parameters, which bound what a decision may name.
    """
    sell, buy = _on_side(record, Side.SELL, terms), _on_side(record, Side.BUY, terms)
    filled = sell + buy
    if terms.verdict == Verdict.CURTAIL:
        sell, buy = (min(sell, decision.sell), min(buy, decision.buy)) if decision else (0, 0)
    if decision:
        loss = min(decision.loss, (sell + buy) * config.max_loss_rate // PPM)
    else:
        loss = (sell + buy) * terms.loss_rate // PPM
    charge = terms.tariff.network_fee * buy
    if decision and config.max_network_fee:
        charge = min(decision.charge, config.max_network_fee * (sell + buy))
    # The worst steps are cut first: who keeps a part of the fill has at least that part of the room.
    room = _room(record, terms, config) * (sell + buy) // filled if filled else 0
    loss_cost = min(terms.tariff.retail * loss, room)
    return Accepted(sell, buy, loss, charge, loss_cost, _paid_surplus(terms.verdict, decision))


def _room(record: Record, terms: Terms, config: MarketConfig) -> int:
    """How much worse the price could be for an order before it is beyond one of its limits, base units.

    Nothing, where every Wh is traded at its own limit.
    """
    clearing = terms.clearing
    if clearing.at_limits or terms.volume == 0:
        return 0
    price = {Side.SELL: clearing.sell_price, Side.BUY: clearing.buy_price}
    return sum(
        abs(price[placed.step.side] - config.price(placed.step.tick)) * accepted_quantity(placed, clearing)
        for placed in record.steps
    )


def _paid_surplus(verdict: Verdict, decision: Decision | None) -> int:
    """Most export beyond the accepted sale that is paid for, Wh: under a constrained grid what is allowed."""
    if verdict.is_unconstrained:
        return UNLIMITED_SURPLUS
    return decision.surplus if decision else 0


def _on_side(record: Record, side: Side, terms: Terms) -> int:
    """What the gated clearing accepts of an order's steps on one side, Wh, before any decision on it."""
    if terms.volume == 0:
        return 0
    return sum(
        accepted_quantity(placed, terms.clearing) for placed in record.steps if placed.step.side == side
    )
