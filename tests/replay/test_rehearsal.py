"""A rehearsal comes to what a replay comes to: every row of its results, to the Wh and the base unit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.record.results import ReplayResult
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.replay.run import replay_scenario
from peerwatt.scenario import variants
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.scenario import Scenario
from tests.replay.conftest import DAY, Day

NOON = 44


def as_rehearsed(result: ReplayResult) -> ReplayResult:
    """A replay's results without what only a chain has: its name, gas and time."""
    summary = replace(
        result.summary, chain="rehearsal", gas_total=0, gas_per_participant_interval=0, wall_seconds=0.0
    )
    intervals = tuple(replace(interval, gas=0) for interval in result.intervals)
    return replace(result, summary=summary, intervals=intervals)


def test_the_default_day_is_the_replayed_one_bill_by_bill(default_day: Day, scenario: Scenario) -> None:
    replayed, rehearsed = default_day.result, rehearse_scenario(scenario, scenario.seed, DAY)
    assert [p.lines for p in rehearsed.participants] == [p.lines for p in replayed.participants]
    assert rehearsed.settlements == replayed.settlements
    assert rehearsed.accounts == replayed.accounts
    assert as_rehearsed(rehearsed) == as_rehearsed(replayed)


@pytest.mark.parametrize(
    ("mechanism", "sealed", "envelope"), [("pay-as-bid", True, False), ("sdr", False, True)]
)
def test_so_is_another_noon_under_another_market(
    scenario: Scenario, mechanism: str, sealed: bool, envelope: bool
) -> None:
    noon = from_interval(variants.chosen(scenario, mechanism, sealed, envelope), NOON)
    rehearsed, replayed = rehearse_scenario(noon, 3, 6), replay_scenario(noon, "eth-tester", 3, 6)
    assert any(interval.verdict.cuts for interval in replayed.intervals) != envelope
    assert as_rehearsed(rehearsed) == as_rehearsed(replayed)


def test_so_is_one_whose_orders_take_several_batches(scenario: Scenario) -> None:
    small = replace(scenario, market=replace(scenario.market, batch_orders=4))
    noon = from_interval(small, NOON)
    rehearsed, replayed = rehearse_scenario(noon, 1, 2), replay_scenario(noon, "eth-tester", 1, 2)
    assert len({step.participant for step in replayed.orders}) == len(scenario.participants)
    assert replayed.summary.reference_mismatches == 0
    assert as_rehearsed(rehearsed) == as_rehearsed(replayed)
