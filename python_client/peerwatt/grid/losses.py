"""Who causes the losses: Aumann-Shapley shares of the accepted trades, in whole Wh.

The price of losses at a node is the mean of the marginal losses along the straight path from the feeder
without any injection to the state in question, R. J. Aumann and L. S. Shapley's value of a continuous game;
by the fundamental theorem of calculus the shares of all injections add up to the whole load loss. The
integral is taken by three-point Gauss-Legendre quadrature, exact for the quintic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.grid.exchange import Exchange, Ints
from peerwatt.grid.power_flow import Floats, FlowResult, PowerFlow
from peerwatt.grid.rounding import largest_remainder
from peerwatt.grid.sensitivity import STEP_W

GAUSS_NODES = np.array([0.5 - np.sqrt(0.15), 0.5, 0.5 + np.sqrt(0.15)])  # on [0, 1]
GAUSS_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18.0


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


def loss_prices(solver: PowerFlow, p_w: Floats, q_var: Floats | None, nodes: Ints) -> Floats:
    """Aumann-Shapley price of losses at some nodes, W of loss per W injected, `(k,)`.

    Args:
        solver: The feeder's solver.
        p_w: Active injections of the state, W, `(nodes of the feeder,)`.
        q_var: Reactive injections, var, or none; they grow along the same path.
        nodes: Positions of the nodes, without repeats.
    """
    n = len(nodes)
    q = np.zeros_like(p_w) if q_var is None else q_var
    batch = np.repeat(GAUSS_NODES, 2 * n)[:, None] * p_w[None]
    rows = np.arange(3 * 2 * n).reshape(3, 2, n)
    batch[rows[:, 0], nodes] += STEP_W
    batch[rows[:, 1], nodes] -= STEP_W
    solved = solver.solve(batch, np.repeat(GAUSS_NODES, 2 * n)[:, None] * q[None]).loss_w[rows]
    slope = (solved[:, 0] - solved[:, 1]) / (2 * STEP_W)
    return np.asarray(GAUSS_WEIGHTS @ slope)


def trade_losses(
    solver: PowerFlow, exchange: Exchange, sell_wh: Ints, buy_wh: Ints, surplus_wh: Ints, flow: FlowResult
) -> TradeLosses:
    """Losses of accepted trades, shared among their parties.

    A party whose energy relieves the feeder (its share would be negative) pays nothing, and what it saves
    goes to the others; if the trades together relieve the feeder, nobody pays.

    Args:
        solver: The feeder's solver.
        exchange: The interval.
        sell_wh: Accepted sells, Wh, `(traders,)`.
        buy_wh: Accepted buys, Wh, `(traders,)`.
        surplus_wh: Untraded export that flows too, Wh, `(traders,)`.
        flow: The exact flow of that state.
    """
    hours = 1 / exchange.w_per_wh
    load_wh = float(flow.load_loss_w) * hours
    no_load_wh = flow.no_load_loss_w * hours
    traded = sell_wh - buy_wh
    if not len(traded) or not (sell_wh.any() or buy_wh.any()):
        return TradeLosses(np.zeros(len(traded), dtype=np.int64), 0, no_load_wh, load_wh)
    where, column = np.unique(exchange.nodes, return_inverse=True)
    prices = loss_prices(solver, exchange.injection_w(sell_wh, surplus_wh), exchange.background_var, where)
    exact = prices[column] * traded
    total = max(round(float(exact.sum())), 0)
    share = largest_remainder(np.maximum(exact, 0.0), total)
    return TradeLosses(share, total, no_load_wh, load_wh)
