"""The page says times of day as people at the place read them, and says which these are."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report.files import write_page, write_results
from peerwatt.report.html import render_page
from peerwatt.report.local_time import in_local_time, shown_in


def beginning(day: ReplayResult, start: str) -> ReplayResult:
    """The day at another time."""
    first = datetime.fromisoformat(start)
    return replace(
        day,
        intervals=tuple(
            replace(i, start=(first + timedelta(minutes=15 * k)).isoformat())
            for k, i in enumerate(day.intervals)
        ),
    )


def test_in_berlin_a_summer_noon_is_two_hours_later_than_in_utc(day: ReplayResult) -> None:
    page = render_page(shown_in(day, "Europe/Berlin"))
    assert "Times are of Europe/Berlin (UTC+02:00), intervals half-open, the files in UTC." in page
    assert '"head":"02:00 UTC+02:00, accept"' in page
    assert "start (UTC+02:00)" in page
    assert "17 June 2016 to 18 June 2016" in page
    assert "start (UTC)" not in page


def test_a_day_that_begins_at_local_midnight_has_one_date(day: ReplayResult) -> None:
    page = render_page(shown_in(beginning(day, "2016-06-16T22:00:00+00:00"), "Europe/Berlin"))
    assert "<h1>brooklyn-10, 17 June 2016</h1>" in page


def test_the_hour_that_comes_twice_has_its_offset(day: ReplayResult) -> None:
    page = render_page(shown_in(beginning(day, "2016-10-29T22:00:00+00:00"), "Europe/Berlin"))
    assert '"head":"02:15 +02:00, ' in page
    assert '"head":"02:15 +01:00, ' in page
    assert "start (UTC+02:00 and UTC+01:00)" in page


@pytest.mark.parametrize("name", ["Europe/Nowhere", "../../etc/passwd", "", "Europe", "/etc/localtime"])
def test_a_zone_that_does_not_exist_is_refused_by_name(name: str, day: ReplayResult) -> None:
    with pytest.raises(InputError, match="is no time zone of the tz database such as Europe/Berlin"):
        in_local_time(shown_in(day, name))


def test_the_page_of_an_export_is_made_again_in_another_zone_and_the_files_stay(
    day: ReplayResult, tmp_path: Path
) -> None:
    write_results(day, tmp_path / "run")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    page = write_page(tmp_path / "run", "Asia/Kathmandu")
    assert "UTC+05:45" in page.read_text(encoding="utf-8")
    write_page(tmp_path / "run")
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before
