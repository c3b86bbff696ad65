"""Loss shares are whole Wh, sum exactly, and all shares together are the feeder's load loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.grid.decision import decide
from peerwatt.grid.exchange import Exchange
from peerwatt.grid.losses import loss_prices
from peerwatt.grid.power_flow import PowerFlow
from peerwatt.grid.rounding import largest_remainder, largest_remainder_of

Interval = Callable[..., Exchange]


@pytest.mark.parametrize("k", [20, 44, 76])
def test_prices_of_all_injections_recover_the_load_loss(
    solver: PowerFlow, interval: Interval, k: int
) -> None:
    exchange = interval(k)
    p = exchange.injection_w(exchange.sell_wh, exchange.surplus_wh)
    prices = loss_prices(solver, p, None, np.arange(solver.nodes))
    load_loss = float(solver.solve(p).load_loss_w)
    assert float(prices @ p) == pytest.approx(load_loss, rel=1e-5, abs=0.01)


@pytest.mark.parametrize("k", [30, 44, 52, 70])
def test_shares_are_whole_and_sum_to_what_the_trades_lose(
    solver: PowerFlow, interval: Interval, k: int
) -> None:
    decision = decide(solver, interval(k))
    losses = decision.losses
    assert losses.share_wh.dtype == np.int64
    assert int(losses.share_wh.sum()) == losses.trade_wh
    assert (losses.share_wh >= 0).all()
    assert losses.trade_wh <= losses.load_wh + 1


def test_no_load_loss_is_nobodys_trade(solver: PowerFlow, interval: Interval) -> None:
    calm = interval(4)
    decision = decide(solver, calm)
    assert decision.volume_wh == 0
    assert decision.losses.trade_wh == 0
    assert decision.losses.no_load_wh == pytest.approx(solver.no_load_loss_w / 4)


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=30), st.data())
def test_cutting_parts_down_keeps_the_total_and_the_parts(parts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(parts)))
    shares = largest_remainder_of(np.array(parts, dtype=np.int64), total)
    assert int(shares.sum()) == total
    assert (shares <= np.array(parts)).all()
    whole = max(sum(parts), 1)
    exact = [part * total for part in parts]
    assert all(abs(share * whole - x) < whole for share, x in zip(shares.tolist(), exact, strict=True))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.integers(0, 10**6))
def test_sharing_by_weight_keeps_the_total(weights: list[float], total: int) -> None:
    if not sum(weights) > 0:
        weights[0] = 1.0
    shares = largest_remainder(weights, total)
    assert int(shares.sum()) == total
    assert (shares >= 0).all()
