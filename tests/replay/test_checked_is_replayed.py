"""What `check` passes, `replay` runs, and its books agree: for scenarios drawn from all the schema allows."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from peerwatt.replay.run import replay_scenario
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError
from tests.scenario.generated import KINDS, NODES, SETTINGS, Drawn, Home, scenarios, write

INTERVALS = 3
DRAWN = settings(
    deadline=None,
    derandomize=True,
    database=None,
    # Shrinking replays a hundred times over; the falling scenario is printed as it was drawn.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def agrees(drawn: Drawn, intervals: int = INTERVALS) -> bool | None:
    """Whether a replay of a scenario agrees with its reference; None where `check` refuses it."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            scenario = load_scenario(write(drawn, Path(folder) / "drawn"))
        except ScenarioError:
            return None
        return replay_scenario(scenario, "eth-tester", scenario.seed, intervals).agrees


@settings(DRAWN, max_examples=20)
@given(scenarios())
def test_what_check_passes_replays(drawn: Drawn) -> None:
    assert agrees(drawn) in (True, None)


@pytest.mark.long
@settings(DRAWN, max_examples=400, derandomize=False)
@given(scenarios())
def test_what_check_passes_replays_over_many(drawn: Drawn) -> None:
    assert agrees(drawn, 6) in (True, None)


HOME = Home("home-0", NODES[0], "6.6", "7.2", "5.0", "prosumer", KINDS[0], 400, 700, "")
IDLE = replace(HOME, load_w=0, pv_w=0)
PLAIN = {**SETTINGS, "days": 1, "system_strength": {}}
BARE = {"background_active": None, "background_reactive": None}


def _with(**changed: object) -> dict[str, object]:
    return {**PLAIN, "files": BARE, **changed}


def _market(**changed: int) -> dict[str, object]:
    return {**SETTINGS["market"], **changed}


@pytest.mark.parametrize(
    ("drawn", "passes"),
    [
        (Drawn(_with(), (HOME,), None), True),
        (Drawn(_with(), (IDLE,), None), True),
        (Drawn(_with(market=_market(gate_lead_s=1800)), (HOME,), None), False),
        (Drawn(_with(market=_market(gate_lead_s=1700)), (HOME,), None), True),
        (Drawn(_with(market=_market(report_window_s=1)), (HOME,), None), False),
        (Drawn(_with(market=_market(overrule_window_s=0)), (HOME,), None), False),
        (Drawn(_with(market=_market(attest_window_s=86_400)), (HOME,), None), False),
    ],
    ids=[
        "nothing else on the feeder",
        "nobody orders",
        "a gate that closes before orders are taken",
        "a gate that closes an interval before",
        "no time to report",
        "readings are lost and nobody may overrule",
        "more intervals unsettled than the ring has slots",
    ],
)
def test_a_setting_either_replays_or_is_refused(drawn: Drawn, passes: bool) -> None:
    assert agrees(drawn) is (True if passes else None)
