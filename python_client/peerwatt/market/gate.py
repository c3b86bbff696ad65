"""The grid gate: what a verdict lets stand of a cleared auction. It reduces trade and does nothing else."""

from dataclasses import dataclass, replace

from peerwatt.market.book import TickBook
from peerwatt.market.config import MarketConfig
from peerwatt.market.merit_order import walk
from peerwatt.market.pro_rata import standing
from peerwatt.market.terms import Terms
from peerwatt.messages import (
    DECISION_LENGTH,
    NO_TRADE,
    PPM,
    Clearing,
    Decision,
    MarginalTick,
    Record,
    Side,
    Verdict,
    decode_decisions,
)


@dataclass(frozen=True, slots=True)
class Position:
    """What an order goes into settlement with.

    Attributes:
        sell: Accepted energy that it sold, Wh.
        buy: Accepted energy that it bought, Wh.
        loss: Its share of the network's losses, Wh.
        charge: What it pays for the network, base units.
    """

    sell: int
    buy: int
    loss: int
    charge: int


def gate(book: TickBook, cleared: Clearing, verdict: Verdict, volume: int) -> Clearing:
    """Apply a verdict to a clearing.

    Only a cap changes it. What a curtailment takes from single orders, and that nothing stands of a volume of
    0, is decided order by order in ``position``.

    Args:
        book: The book that was cleared.
        cleared: Its clearing.
        verdict: What the gate decided.
        volume: Accepted volume, Wh, at most the clearing's.

    Returns:
        The clearing as gated. Its prices stay the auction's.
    """
    if verdict != Verdict.CAP:
        return cleared
    if volume == 0:
        return NO_TRADE
    return replace(
        cleared,
        bid=cap(book, cleared, Side.BUY, volume),
        ask=cap(book, cleared, Side.SELL, volume),
    )


def cap(book: TickBook, cleared: Clearing, side: Side, volume: int) -> MarginalTick:
    """The marginal tick of one side when its merit order is walked up to a volume only, Wh."""
    reached = walk(book.merit_order(side), volume)
    marginal = cleared.marginal(side)
    if reached.price == marginal.tick:
        return MarginalTick(marginal.tick, marginal.total, marginal.filled, accepted=reached.filled)
    # A tick better than the auction's marginal one was filled in full.
    return MarginalTick(reached.price, reached.total, filled=reached.total, accepted=reached.filled)


def decisions_on(data: bytes, orders: int) -> tuple[Decision, ...] | None:
    """The decisions on a batch, or None when the string is absent or of the wrong length.

    Args:
        data: The packed decisions.
        orders: Number of orders in the batch.
    """
    return decode_decisions(data) if data and len(data) == orders * DECISION_LENGTH else None


def position(record: Record, terms: Terms, decision: Decision | None, config: MarketConfig) -> Position:
    """What stands of an order, its share of the losses, and what it pays for the network.

    Args:
        record: The order as it was posted.
        terms: What the interval is settled by.
        decision: The decision on this order; None when its batch has none, and then a curtailment leaves
            nothing.
        config: The market's parameters, which bound what a decision may name.
    """
    sell, buy = accepted(record, Side.SELL, terms), accepted(record, Side.BUY, terms)
    if terms.verdict == Verdict.CURTAIL:
        sell, buy = (min(sell, decision.sell), min(buy, decision.buy)) if decision else (0, 0)
    if decision:
        loss = min(decision.loss, (sell + buy) * config.max_loss_rate // PPM)
    else:
        loss = (sell + buy) * terms.loss_rate // PPM
    charge = terms.tariff.network_fee * buy
    if decision and config.max_network_fee:
        charge = min(decision.charge, config.max_network_fee * (sell + buy))
    return Position(sell, buy, loss, charge)


def accepted(record: Record, side: Side, terms: Terms) -> int:
    """What the gated clearing lets stand of an order's steps on one side, Wh."""
    if terms.volume == 0:
        return 0
    return sum(standing(placed, terms.clearing) for placed in record.steps if placed.step.side == side)
