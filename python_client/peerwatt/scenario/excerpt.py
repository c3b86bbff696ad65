"""A scenario from a later interval of its own on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from peerwatt.errors import InputError
from peerwatt.scenario.background import NodePowers
from peerwatt.scenario.scenario import Scenario
from peerwatt.units import DAY_S

DAY: Final = timedelta(seconds=DAY_S)


def from_interval(scenario: Scenario, position: int) -> Scenario:
    """The scenario from a later interval on, with the whole days that are left, the last of them cut or not.

    Args:
        scenario: whose data.
        position: of the interval in its calendar, from 0.
    """

    def later(powers: NodePowers) -> NodePowers:
        return replace(powers, values=powers.values[position:])

    return replace(
        scenario,
        calendar=replace(scenario.calendar, start=scenario.calendar.time(position)),
        participants=tuple(
            replace(home, demand_wh=home.demand_wh[position:], generation_wh=home.generation_wh[position:])
            for home in scenario.participants
        ),
        active=later(scenario.active),
        reactive=later(scenario.reactive),
    )


def starting(scenario: Scenario, start: str) -> Scenario:
    """The scenario from a day or a time on, with the whole days that follow.

    Args:
        scenario: whose data.
        start: a date, for the scenario's day that begins on it, or ISO 8601 with offset.

    Raises:
        InputError: it is neither, or not a whole day of the scenario follows.
    """
    calendar = scenario.calendar
    last = calendar.end - DAY
    try:
        time = datetime.fromisoformat(start)
    except ValueError:
        raise InputError(
            f"--start {start}: is no date such as {calendar.start.date()} and no ISO 8601 time such as "
            f"{calendar.iso(0)}"
        ) from None
    if time.tzinfo is None:
        if len(start) > len("2016-06-17"):
            raise InputError(f"--start {start}: has no offset; write +00:00 for UTC, or a date alone")
        time = datetime.combine(time.date(), calendar.start.timetz())
    position, rest = divmod(
        (time.astimezone(UTC) - calendar.start) // timedelta(seconds=1), calendar.length_s
    )
    if rest:
        raise InputError(f"--start {start}: no interval of {calendar.length_s} s begins then")
    if not calendar.start <= time <= last:
        raise InputError(
            f"--start {start}: scenario {scenario.name} has whole days from {calendar.start.isoformat()} to "
            f"{last.isoformat()}"
        )
    found = from_interval(scenario, position)
    return replace(found, calendar=replace(found.calendar, days=(calendar.end - found.calendar.start) // DAY))
