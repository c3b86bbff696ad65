"""Wherever participants are within their envelopes, all at once, the feeder is within its limits."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.connection import spread
from peerwatt.grid.errors import FlowError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.curtailment_rules import RULES
from peerwatt.grid.gate.operating_envelope import Envelope, operating_envelope
from tests.grid.conftest import Background
from tests.grid.small_feeders import lane, ring, square, street
from tests.grid.test_three_phase_gate import excess


def beyond(
    solver: PowerFlow,
    nodes: Ints,
    phases: Ints | None,
    envelope: Envelope,
    background: Floats,
    drawn: int = 200,
) -> Floats:
    """The largest excess of each constraint, percent, over corners, idle participants and inner states."""
    k, rng = len(nodes), np.random.default_rng(8)
    shares: Floats = rng.uniform(-1, 1, (drawn, k))
    if k <= 5:
        shares = np.concatenate([shares, list(itertools.product((-1.0, 0.0, 1.0), repeat=k))])
    else:
        shares = np.concatenate(
            [shares, rng.choice([-1.0, 0.0, 1.0], (400, k)), rng.choice([-1.0, 1.0], (400, k))]
        )
    power = np.where(shares > 0, envelope.injection_w, envelope.offtake_w) * shares
    states = np.array([background + spread(x, nodes, phases, solver.nodes) for x in power])
    return excess(solver.feeder, solver, states, np.zeros_like(states)).max(axis=0)


@pytest.mark.parametrize("policy", ["fair", "least"])
@pytest.mark.parametrize("build", [street, lane, square, ring], ids=lambda f: f.__name__)
def test_every_corner_of_random_envelopes_is_feasible(build: Callable[[], Feeder], policy: str) -> None:
    feeder = build()
    solver = PowerFlow(feeder)
    n, narrowed = solver.nodes, 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        watts = int((40e3 if feeder.three_phase else 4e6) * rng.choice([0.5, 1.0, 2.0]))
        k = int(rng.integers(2, 8))
        nodes = rng.integers(2, n, k)
        phases = rng.integers(0, 4, k) if feeder.three_phase else None
        export, drawn = (rng.integers(0, watts // 100, k) * 100 for _ in range(2))
        background = np.zeros((n, 3) if feeder.three_phase else n)
        background[2:] = rng.normal(0, watts / 15, background[2:].shape)
        try:
            idle = np.maximum(excess(feeder, solver, background, np.zeros_like(background)), 0.0)
        except FlowError:
            continue
        envelope = operating_envelope(
            solver, nodes, export, drawn, background, phases=phases, rule=RULES[policy]
        )
        assert ((envelope.injection_w <= export) & (envelope.offtake_w <= drawn)).all()
        assert bool(envelope.violations) == bool(idle.any())
        # what the background violates by itself does not get worse
        worse = beyond(solver, nodes, phases, envelope, background) - idle
        assert worse.max() < (3e-3 if idle.any() else 1e-6)
        narrowed += int((envelope.injection_w < export).any() or (envelope.offtake_w < drawn).any())
    assert narrowed >= 4


@pytest.mark.parametrize("policy", ["fair", "least"])
def test_one_phase_and_a_ring_as_first_seen(policy: str) -> None:
    solver = PowerFlow(street())
    nodes, phases = np.array([3, 3, 3, 2]), np.array([1, 2, 3, 1])
    limits = np.array([40_000, 40_000, 40_000, 30_000])
    background = np.zeros((4, 3))
    envelope = operating_envelope(
        solver, nodes, limits, limits, background, phases=phases, rule=RULES[policy]
    )
    assert beyond(solver, nodes, phases, envelope, background).max() < 1e-6
    assert (envelope.injection_w + envelope.offtake_w).sum() > (40_000 if policy == "fair" else 95_000)
    solver, nodes = PowerFlow(ring()), np.array([1, 2, 3])
    limits = np.array([6_000_000] * 3)
    envelope = operating_envelope(solver, nodes, limits, limits, np.zeros(4), rule=RULES[policy])
    assert beyond(solver, nodes, None, envelope, np.zeros(4)).max() < 1e-6
    assert envelope.injection_w.sum() > 3_000_000


def test_no_feasible_box_is_larger_than_the_one_that_cuts_least() -> None:
    """Two participants, every box of a fine grid."""
    for build in (street, ring):
        feeder = build()
        solver = PowerFlow(feeder)
        nodes, most = np.array([2, 3]), 40_000 if feeder.three_phase else 5_000_000
        phases = np.array([1, 1]) if feeder.three_phase else None
        background = np.zeros((4, 3) if feeder.three_phase else 4)
        none, limit = np.zeros(2, dtype=np.int64), np.array([most, most])
        found = operating_envelope(solver, nodes, limit, none, background, phases=phases, rule=RULES["least"])
        best = max(
            a + b
            for a in np.linspace(0, most, 41)
            for b in np.linspace(0, most, 41)
            if beyond(
                solver, nodes, phases, replace(found, injection_w=np.array([a, b])), background, 0
            ).max()
            <= 0
        )
        assert found.injection_w.sum() >= best - 200 * len(nodes)


def test_a_participant_between_its_corners_can_be_the_worst_state() -> None:
    """Behind reactance the voltage is highest at no exchange: the inside of the box is looked at too."""
    data = dict(ring().data)
    lines = data["line"].copy()
    lines["r1"], lines["x1"], lines["i_n"] = 0.02, 3.0, 1e4
    feeder = replace(
        ring(), data=data | {"line": lines}, limits=replace(ring().limits, v_max_pu=1.0402, v_min_pu=0.5)
    )
    source = data["source"].copy()
    source["u_ref"] = 1.04
    feeder = replace(feeder, data=dict(feeder.data) | {"source": source})
    solver, nodes = PowerFlow(feeder), np.array([2, 2])
    limits = np.array([20_000_000, 20_000_000])
    envelope = operating_envelope(solver, nodes, limits, limits, np.zeros(4))
    assert beyond(solver, nodes, None, envelope, np.zeros(4), 2000).max() < 1e-6


def test_fair_envelopes_leave_every_home_the_same_share_and_nobody_nothing(
    solver: PowerFlow, background: Background
) -> None:
    nodes = np.array([solver.feeder.node(f"LV2.101 Bus {k}") for k in (40, 10, 61, 41, 6)])
    export = np.array([22_600, 9_800, 11_000, 27_600, 83_300])
    p, q = background.p_w[44], background.q_var[44]
    found = operating_envelope(solver, nodes, export, np.zeros(5, dtype=np.int64), p, q)
    common = float((found.injection_w / export).max())
    assert 0.05 < common < 0.9
    assert (np.abs(found.injection_w - common * export) <= 100).all()
    assert find_violations(solver.feeder, solver.solve(p + spread(
        found.injection_w.astype(np.float64), nodes, None, solver.nodes), q)) == ()  # fmt: skip


def test_the_load_of_who_cannot_inject_is_counted_on(solver: PowerFlow, background: Background) -> None:
    nodes = np.array([solver.feeder.node(f"LV2.101 Bus {k}") for k in (40, 41)])
    export, drawn = np.array([22_600, 0]), np.array([0, 24_100])
    p, q = background.p_w[44], background.q_var[44]
    expected = np.array([20_000, 0]), np.array([0, 6_000])
    counted = operating_envelope(solver, nodes, export, drawn, p, q, expected_w=expected)
    free = operating_envelope(solver, nodes, export, drawn, p, q)
    assert counted.injection_w[0] > free.injection_w[0]
    for load in (6_000, int(counted.offtake_w[1])):
        state = p + spread(np.array([counted.injection_w[0], -load], float), nodes, None, solver.nodes)
        assert find_violations(solver.feeder, solver.solve(state, q)) == ()


def test_a_load_that_the_network_does_not_carry_is_limited_and_not_counted_on() -> None:
    solver, nodes, phases = PowerFlow(street()), np.array([3, 3]), np.array([1, 1])
    export, drawn = np.array([40_000, 0]), np.array([40_000, 40_000])
    expected = np.array([40_000, 0]), np.array([0, 40_000])
    envelope = operating_envelope(
        solver, nodes, export, drawn, np.zeros((4, 3)), phases=phases, expected_w=expected
    )
    assert envelope.violations == ()
    assert 0 < envelope.offtake_w[1] < 40_000
    assert beyond(solver, nodes, phases, envelope, np.zeros((4, 3))).max() < 1e-6
