"""Who causes the losses: shares of the accepted trades, in whole Wh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.arrays import Ints
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow
from peerwatt.grid.rounding import largest_remainder
from peerwatt.grid.shares.loss_rules import Elements, LossRule, aumann_shapley


@dataclass(frozen=True)
class TradeLosses:
    """The losses of one interval, as they are charged.

    Attributes:
        share_wh: Share of each trader, whole Wh, `(traders,)`.
        trade_wh: Their sum: what the accepted trades lose.
        no_load_wh: No-load losses of the interval, Wh, a network charge that no trade causes.
        load_wh: Load losses of the interval by the exact flow, Wh, of trades, surplus and background
            together.
    """

    share_wh: Ints
    trade_wh: int
    no_load_wh: float
    load_wh: float


def trade_losses(
    solver: PowerFlow,
    exchange: Exchange,
    sell_wh: Ints,
    buy_wh: Ints,
    surplus_wh: Ints,
    flow: FlowResult,
    rule: LossRule = aumann_shapley,
) -> TradeLosses:
    """Losses of accepted trades, shared among their parties.

    The rule shares the losses of everything that flows; what falls on the accepted trades is theirs. A party
    whose energy relieves the feeder (its share would be negative) pays nothing, and what it saves goes to the
    others; if the trades together relieve the feeder, nobody pays.

    Args:
        solver: The feeder's solver.
        exchange: The interval.
        sell_wh: Accepted sells, Wh, `(traders,)`.
        buy_wh: Accepted buys, Wh, `(traders,)`.
        surplus_wh: Untraded export that flows too, Wh, `(traders,)`.
        flow: The exact flow of that state.
        rule: How losses are shared.
    """
    hours = 1 / exchange.w_per_wh
    load_wh, no_load_wh = float(flow.load_loss_w) * hours, flow.no_load_loss_w * hours
    traded = sell_wh - buy_wh
    if not (sell_wh.any() or buy_wh.any()):
        return TradeLosses(np.zeros_like(traded), 0, no_load_wh, load_wh)
    elements = elements_of(exchange, traded, surplus_wh - exchange.import_wh + buy_wh)
    wanted = np.arange(len(elements.p_w)) < len(traded)
    exact = rule(solver, elements, wanted) * hours
    total = max(round(float(exact.sum())), 0)
    share = largest_remainder(np.maximum(exact, 0.0), total)
    return TradeLosses(share, total, no_load_wh, load_wh)


def elements_of(exchange: Exchange, traded_wh: Ints, untraded_wh: Ints) -> Elements:
    """All energy of an interval as elements: what was traded, what traders exchange besides, and the
    background.
    """
    n = len(exchange.background_w)
    shaped = exchange.phases is not None or exchange.background_w.ndim == 2
    own = exchange.phases if exchange.phases is not None else np.zeros_like(exchange.nodes)
    p = np.asarray(exchange.background_w, dtype=np.float64)
    q = np.zeros_like(p) if exchange.reactive_var is None else np.asarray(exchange.reactive_var)
    if shaped and p.ndim == 1:
        p = np.repeat(p[:, None] / 3, 3, axis=1)
    nodes, phases = np.arange(n), np.zeros(n, dtype=np.int64)
    if shaped:
        nodes, phases = np.repeat(nodes, 3), np.tile(np.arange(1, 4), n)
    scale = np.float64(exchange.w_per_wh)
    p, q = p.reshape(-1), q.reshape(-1)
    there = (p != 0) | (q != 0)  # a phase that a node lacks takes nothing, not even a step to measure by
    return Elements(
        np.concatenate([exchange.nodes, exchange.nodes, nodes[there]]),
        np.concatenate([traded_wh * scale, untraded_wh * scale, p[there]]),
        np.concatenate([np.zeros(2 * len(own)), q[there]]),
        np.concatenate([own, own, phases[there]]) if shaped else None,
    )
