"""Times of day as people at the place read them; what is computed or written to a file is in UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult


def shown_in(result: ReplayResult, time_zone: str | None) -> ReplayResult:
    """The same result, to be shown in another time zone; in its own where none is given."""
    if time_zone is None:
        return result
    return replace(result, summary=replace(result.summary, time_zone=time_zone))


def in_local_time(result: ReplayResult) -> ReplayResult:
    """The same result with its times, offsets included, in its summary's time zone.

    Raises:
        InputError: there is no such zone.
    """
    name = result.summary.time_zone
    if name == "UTC":
        return result
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"{name!r} is no time zone of the tz database such as Europe/Berlin") from None

    def local(start: str) -> str:
        return datetime.fromisoformat(start).astimezone(zone).isoformat()

    return replace(
        result,
        summary=replace(result.summary, start=local(result.summary.start)),
        intervals=tuple(replace(each, start=local(each.start)) for each in result.intervals),
    )
