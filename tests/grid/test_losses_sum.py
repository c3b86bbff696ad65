"""Loss shares are whole Wh, sum exactly, and all shares together are the feeder's load loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.flow.sensitivity import sensitivities
from peerwatt.grid.gate.decision import decide
from peerwatt.grid.rounding import largest_remainder, largest_remainder_of
from peerwatt.grid.shares.loss_rules import LOSS_RULES, Elements
from peerwatt.grid.shares.losses import elements_of

Interval = Callable[..., Exchange]


@pytest.mark.parametrize("rule", sorted(LOSS_RULES))
@pytest.mark.parametrize("k", [20, 44, 76])
def test_the_shares_of_everybody_are_the_ac_load_loss(
    solver: PowerFlow, interval: Interval, k: int, rule: str
) -> None:
    exchange = interval(k)
    elements = elements_of(exchange, exchange.sell_wh - exchange.buy_wh, exchange.surplus_wh)
    everybody = np.ones(len(elements.p_w), dtype=np.bool_)
    shares = LOSS_RULES[rule](solver, elements, everybody)
    load_loss = float(solver.solve(*elements.injections(solver)).load_loss_w)
    assert float(shares.sum()) == pytest.approx(load_loss, rel=2e-5, abs=0.01)
    some = np.arange(len(everybody)) % 3 == 0
    np.testing.assert_allclose(LOSS_RULES[rule](solver, elements, some), shares[some], rtol=1e-6, atol=1e-6)


def test_unscaled_marginal_losses_recover_nearly_twice_the_loss(
    solver: PowerFlow, interval: Interval
) -> None:
    exchange = interval(44)
    p = exchange.injection_w(exchange.sell_wh, exchange.surplus_wh)
    at = sensitivities(solver, p, None, np.eye(solver.nodes))
    assert 1.6 < float(at.loss_per_w @ p) / float(at.base.load_loss_w) < 2.1


def test_tracing_charges_a_branch_to_those_who_use_it(solver: PowerFlow) -> None:
    seller, buyer, other = (solver.feeder.node(f"LV2.101 Bus {k}") for k in (40, 10, 41))
    elements = Elements(np.array([seller, buyer, other]), np.array([5e3, -5e3, 0.0]), np.zeros(3))
    shares = LOSS_RULES["tracing"](solver, elements, np.ones(3, dtype=np.bool_))
    assert shares[0] == pytest.approx(shares[1], rel=1e-6)
    assert shares[0] > 0
    assert shares[2] == 0


@pytest.mark.parametrize("rule", sorted(LOSS_RULES))
def test_every_rule_gives_the_trades_whole_wh(solver: PowerFlow, interval: Interval, rule: str) -> None:
    losses = decide(solver, interval(44), loss_rule=LOSS_RULES[rule]).losses
    assert losses.share_wh.dtype == np.int64
    assert int(losses.share_wh.sum()) == losses.trade_wh
    assert 0 <= losses.trade_wh <= losses.load_wh + 1


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
