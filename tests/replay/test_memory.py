"""What a replay holds does not grow with the days that are over, but for the rows of its results."""

from __future__ import annotations

import pickle

import pytest

from peerwatt.chain import open_network
from peerwatt.record.interval_log import IntervalLog
from peerwatt.replay.course import Course
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.replay.scheduler import Role, Saving
from peerwatt.replay.watched import Watched
from peerwatt.scenario.scenario import Scenario

FIRST, LAST = 20, 60
"""Intervals between which it must not grow; by the first, rings and views are full."""


def test_what_is_kept_after_an_interval_does_not_grow(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: dict[int, int] = {}

    def measure(course: Course, market: Watched, roles: list[Role]) -> None:
        saved = [role.save() for role in roles if isinstance(role, Saving)]
        sizes[course.settled] = len(pickle.dumps((market.save(), saved)))

    monkeypatch.setattr(Course, "keep", measure)
    monkeypatch.setattr(Course, "is_due", property(lambda course: course.settled in (FIRST, LAST)))
    logs: list[IntervalLog] = []
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("anvil", genesis_time=genesis, sealed=True) as network:
        replayed = Replay(scenario, network, scenario.seed, LAST).run(take=logs.append)
    assert replayed.logs == ()
    assert len(logs) == LAST
    # Orders have other numbers of steps by day than by night.
    assert sizes[LAST] < sizes[FIRST] * 1.3
