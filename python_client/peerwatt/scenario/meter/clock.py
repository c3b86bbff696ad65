"""Times as meters' files write them, and the moments that they are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from peerwatt.errors import InputError
from peerwatt.tables.problems import quoted

ABBREVIATIONS: Final = (
    {"Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1}
    | {"CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2}
    | {"EET": 2, "EEST": 3}
)
"""Hours ahead of UTC; others (CST, IST) mean several zones."""

_DATE = r"(?P<a>\d{1,4})(?P<mark>[-./])(?P<b>\d{1,2})(?P=mark)(?P<c>\d{2,4})"
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]0+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
)
_ZONE = r"(?P<zone>Z|[A-Z]{3,4}|[+-]\d{2}:?\d{2}|[+-]\d{2})"
_TIME = re.compile(rf"{_DATE}(?:(?:\s*,?\s+|T){_CLOCK}(?:\s*{_ZONE})?)?", re.ASCII)
_STATED_OFFSET = re.compile(
    r"\b(?:UTC|GMT)\b(?:\s*(?P<sign>[+-])\s*(?P<hours>\d{1,2})(?::?(?P<minutes>\d{2}))?(?!\d))?",
    re.ASCII | re.IGNORECASE,
)
_UNIX = re.compile(r"[0-9]{10}|[0-9]{13}")

DMY, MDY, YMD = "dmy", "mdy", "ymd"


class TimeCellError(ValueError):
    """A cell is no time; the message does not repeat the place."""


def order_of_dates(cells: Sequence[str], stated: str | None = None) -> str | None:
    """Whether the day or the month comes first in a file's dates; None where there are none with slashes.

    Dots are day first. Slashes and dashes are either, and shown by a number above 12.

    Raises:
        InputError: they could be either.
    """
    if stated is not None:
        return stated
    first = second = False
    unclear = ""
    for cell in cells:
        found = _TIME.fullmatch(cell)
        if found is None or found["mark"] == "." or len(found["a"]) == 4:
            continue
        unclear = unclear or cell
        first = first or int(found["a"]) > 12
        second = second or int(found["b"]) > 12
    if not unclear:
        return None
    if first == second:
        raise InputError(
            f"{quoted(unclear)} has the day or the month first: say which with --dates dmy or --dates mdy"
        )
    return DMY if first else MDY


def read_time(cell: str, order: str | None) -> datetime:
    """A cell as a time: aware where it has an offset, else naive.

    24:00 is the next midnight.

    Raises:
        TimeCellError: it is none.
    """
    if _UNIX.fullmatch(cell):
        return datetime.fromtimestamp(int(cell[:10]), UTC)
    found = _TIME.fullmatch(cell)
    if found is None:
        raise TimeCellError(f"{quoted(cell)} is no time")
    year, month, day = _date(found, order)
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if found["half"]:
        if not 1 <= hour <= 12:
            raise TimeCellError(f"{quoted(cell)} is no time of a twelve-hour clock")
        hour = hour % 12 + 12 * (found["half"][0] in "Pp")
    late = hour == 24 and minute == second == 0
    try:
        time = datetime(year, month, day, 0 if late else hour, minute, second)
    except ValueError:
        raise TimeCellError(f"{quoted(cell)} is no time that there is") from None
    time += timedelta(days=late)
    return time if found["zone"] is None else time.replace(tzinfo=_offset(found["zone"]))


def is_midnight_24(cell: str) -> bool:
    """Whether a cell says 24:00, which only the end of an interval can be."""
    found = _TIME.fullmatch(cell)
    return found is not None and found["hour"] == "24"


def _date(found: re.Match[str], order: str | None) -> tuple[int, int, int]:
    a, b, c = (int(found[name]) for name in "abc")
    if len(found["a"]) == 4:
        return a, b, c
    if len(found["a"]) > 2 or len(found["c"]) == 3:
        raise TimeCellError(f"{quoted(found[0])} is no time")
    year = c if len(found["c"]) == 4 else 2000 + c
    return (year, a, b) if order == MDY and found["mark"] != "." else (year, b, a)


def _offset(zone: str) -> timezone:
    if zone in ABBREVIATIONS:
        return timezone(timedelta(hours=ABBREVIATIONS[zone]))
    if zone[0] not in "+-":
        raise TimeCellError(f"{zone!r} names several time zones; write the offset, or state --tz")
    hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > 3 else 0
    return timezone((-1 if zone[0] == "-" else 1) * timedelta(hours=hours, minutes=minutes))


def zone_named(name: str) -> ZoneInfo:
    """A time zone of the tz database.

    Raises:
        InputError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"--tz {name}: there is no such time zone; Europe/Berlin and UTC are two") from None


def offset_in(header: str) -> timezone | None:
    """The offset from UTC that a header states, as in `Time (UTC)` and `Zeit [UTC+1]`; None without one."""
    found = _STATED_OFFSET.search(header)
    if found is None:
        return None
    ahead = timedelta(hours=int(found["hours"] or 0), minutes=int(found["minutes"] or 0))
    return timezone(-ahead if found["sign"] == "-" else ahead)


def in_zone(times: Sequence[datetime], zone: ZoneInfo) -> list[datetime]:
    """Local times of one zone as moments, UTC.

    The hour that the clock repeats in autumn has every time twice: the first is before the change.

    Raises:
        InputError: a time does not exist there, or the repeated hour is given once: nobody knows which.
    """
    counted = Counter(times)
    seen: Counter[datetime] = Counter()
    moments = []
    for time in times:
        early, late = (time.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        if early.utcoffset() != late.utcoffset():
            if early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != time:
                raise InputError(f"{time} does not exist in {zone.key}: the clock is put forward over it")
            if counted[time] < 2:
                raise InputError(
                    f"{time} is given once, and the clock of {zone.key} shows it twice: an hour is "
                    "missing, or "
                    "the times are of a zone without summer time (--tz Etc/GMT-1 is UTC+1 all year)"
                )
            moments.append((late if seen[time] else early).astimezone(UTC))
            seen[time] += 1
        else:
            moments.append(early.astimezone(UTC))
    return moments
