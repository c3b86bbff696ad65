"""The gate cuts the least that keeps the limits, surplus before trade, and its cuts add up to the Wh."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment import curtail
from peerwatt.grid.gate.decision import decide
from peerwatt.verdict import Verdict

Interval = Callable[..., Exchange]
STRAINED = (36, 40, 44, 48)  # quarter-hours around noon of the default day
CALM = (4, 20, 80)


@pytest.mark.parametrize("k", CALM)
def test_a_state_within_limits_is_accepted_whole(solver: PowerFlow, interval: Interval, k: int) -> None:
    exchange = interval(k)
    decision = decide(solver, exchange)
    assert decision.verdict == Verdict.ACCEPT
    assert decision.violations_before == ()
    np.testing.assert_array_equal(decision.sell_wh, exchange.sell_wh)
    np.testing.assert_array_equal(decision.buy_wh, exchange.buy_wh)
    np.testing.assert_array_equal(decision.surplus_wh, exchange.surplus_wh)


@pytest.mark.parametrize("k", STRAINED)
def test_a_strained_state_is_curtailed_to_feasibility_in_whole_wh(
    solver: PowerFlow, interval: Interval, k: int
) -> None:
    exchange = interval(k)
    decision = decide(solver, exchange)
    assert decision.verdict == Verdict.CURTAIL
    assert decision.violations_before[0].value > solver.feeder.limits.v_max_pu
    assert decision.violations_after == ()
    assert int(decision.sell_wh.sum()) == int(decision.buy_wh.sum()) == decision.volume_wh
    for kept, cleared in (
        (decision.sell_wh, exchange.sell_wh),
        (decision.buy_wh, exchange.buy_wh),
        (decision.surplus_wh, exchange.surplus_wh),
    ):
        assert kept.dtype == np.int64
        assert ((kept >= 0) & (kept <= cleared)).all()
    again = solver.solve(exchange.injection_w(decision.sell_wh, decision.surplus_wh), exchange.background_var)
    assert find_violations(solver.feeder, again) == ()
    assert again.u_pu.max() > solver.feeder.limits.v_max_pu - 3e-5  # no more is cut than the limit asks


def _proportional(solver: PowerFlow, exchange: Exchange) -> int:
    """Wh that cutting every export by the same share takes, found by bisection."""
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        p = exchange.background_w.copy()
        np.add.at(p, exchange.nodes, (share * exchange.export_wh - exchange.import_wh) * exchange.w_per_wh)
        fits = not find_violations(solver.feeder, solver.solve(p, exchange.background_var))
        low, high = (share, high) if fits else (low, share)
    return round((1 - low) * int(exchange.export_wh.sum()))


@pytest.mark.parametrize("k", STRAINED)
def test_the_least_cut_takes_less_than_the_proportional_one(
    solver: PowerFlow, interval: Interval, k: int
) -> None:
    exchange = interval(k)
    untraded = Exchange(
        900,
        exchange.participants,
        exchange.nodes,
        *(np.zeros_like(exchange.sell_wh),) * 2,
        exchange.export_wh,
        exchange.import_wh,
        exchange.background_w,
        exchange.background_var,
    )
    kept = curtail(solver, untraded)
    taken = int((untraded.export_wh - kept.surplus_wh).sum())
    assert 0 < taken < _proportional(solver, exchange)


def test_surplus_goes_before_trade(solver: PowerFlow, interval: Interval) -> None:
    cut_trades = 0
    for k in range(34, 60):
        for seed in (1, 2):
            exchange = interval(k, seed)
            decision = decide(solver, exchange)
            lost = exchange.sell_wh - decision.sell_wh
            if not lost.any():
                continue
            cut_trades += 1
            # no surplus is left that raises the voltage as much as a sale that was cut
            weight = {r.participant: r.per_kw for r in decision.reasons}
            weakest = min(weight[p] for p, x in zip(exchange.participants, lost, strict=True) if x)
            for p, surplus in zip(exchange.participants, decision.surplus_wh, strict=True):
                assert surplus == 0 or weight.get(p, 0.0) < weakest
    assert cut_trades > 0


def test_loads_stay_on(solver: PowerFlow, interval: Interval) -> None:
    exchange = interval(44)
    decision = decide(solver, exchange)
    p = exchange.injection_w(decision.sell_wh, decision.surplus_wh)
    drawn = (p - exchange.background_w)[exchange.nodes] < 0
    consumers = exchange.export_wh == 0
    np.testing.assert_array_equal(drawn, consumers & (exchange.import_wh > 0))


def test_every_cut_names_element_value_limit_and_weight(solver: PowerFlow, interval: Interval) -> None:
    exchange = interval(44)
    decision = decide(solver, exchange)
    cut = {r.participant: r for r in decision.reasons}
    for k, participant in enumerate(exchange.participants):
        lost = exchange.sell_wh[k] - decision.sell_wh[k], exchange.surplus_wh[k] - decision.surplus_wh[k]
        assert (participant in cut) == any(lost)
        if any(lost):
            reason = cut[participant]
            assert (reason.sell_wh, reason.surplus_wh) == lost
            assert reason.value > reason.limit == solver.feeder.limits.v_max_pu
            assert reason.element in solver.feeder.node_index
            assert reason.per_kw > 0


def test_what_the_market_cannot_mend_is_reported_not_voided(solver: PowerFlow, interval: Interval) -> None:
    night = interval(4)
    background = night.background_w.copy()
    background[30] += 120e3  # a generator that does not trade, too large for the feeder
    exchange = Exchange(
        900,
        night.participants,
        night.nodes,
        night.sell_wh,
        night.buy_wh,
        night.export_wh,
        night.import_wh,
        background,
        night.background_var,
    )
    decision = decide(solver, exchange)
    assert decision.verdict == Verdict.ACCEPT
    assert decision.violations_before
    assert decision.flags == ("not_mended_by_market",)


def test_a_cap_is_the_largest_volume_that_fits(solver: PowerFlow, interval: Interval) -> None:
    exchange = interval(44)
    order = np.arange(len(exchange.nodes))

    def fills_at(volume: int) -> tuple[np.ndarray, np.ndarray]:
        fills = []
        for most in (exchange.sell_wh, exchange.buy_wh):
            before = np.concatenate([[0], np.cumsum(most[order])[:-1]])
            fills.append(np.clip(volume - before, 0, most[order]))
        return fills[0], fills[1]

    decision = decide(solver, exchange, fills_at=fills_at)
    assert decision.verdict == Verdict.CAP
    assert decision.violations_after == ()
    assert int(decision.sell_wh.sum()) == int(decision.buy_wh.sum()) == decision.volume_wh
    none = np.zeros_like(exchange.sell_wh)
    more = solver.solve(
        exchange.injection_w(fills_at(decision.volume_wh + 1)[0], none), exchange.background_var
    )
    assert find_violations(solver.feeder, more)


def test_the_same_inputs_give_the_same_bytes(feeder: object, interval: Interval) -> None:
    from peerwatt.grid.feeder import Feeder

    assert isinstance(feeder, Feeder)
    first, second = (decide(PowerFlow(feeder), interval(44)) for _ in range(2))
    for name in ("sell_wh", "buy_wh", "surplus_wh", "loss_wh"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.reasons == second.reasons
    assert interval(44).digest() == interval(44).digest()
    assert interval(44).digest() != interval(45).digest()
