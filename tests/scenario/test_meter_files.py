"""A meter's file is understood as its meter meant it, or refused with the option that says what it cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from peerwatt.scenario.meter.meter_file import understand
from peerwatt.scenario.meter.profile_writer import write_profile
from peerwatt.scenario.meter.understood import MeterFile, Stated
from peerwatt.scenario.quantity_columns import Counted
from tests.scenario.street import checked, write_street

BERLIN = ZoneInfo("Europe/Berlin")
DAY = datetime(2016, 6, 17)
Read = Callable[..., MeterFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function from a file's lines, and what is stated, to what was understood."""

    def run(header: str, rows: list[str], encoding: str = "utf-8", **stated: object) -> MeterFile:
        path = tmp_path / "meter.csv"
        path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
        return understand(path, Stated(**stated))  # type: ignore[arg-type]

    return run


def local(day: datetime, count: int, minutes: int = 15, end: bool = False) -> list[datetime]:
    """What a clock in Berlin shows at the starts, or ends, of intervals from a local midnight on."""
    first = day.replace(tzinfo=BERLIN).astimezone(UTC)
    return [
        (first + timedelta(minutes=minutes * (k + end))).astimezone(BERLIN).replace(tzinfo=None)
        for k in range(count)
    ]


def _german(time: datetime) -> str:
    return f"{time:%d.%m.%Y %H:%M}"


def _day(*cells: str) -> list[str]:
    """Quarter hours of a day, UTC, each with the same cells."""
    return [";".join((f"{DAY + timedelta(minutes=15 * k):%Y-%m-%dT%H:%M:%SZ}", *cells)) for k in range(96)]


@pytest.mark.parametrize(
    ("header", "cells", "energies_wh"),
    [
        ("Load [kWh/h]", ["0,4"], {Counted.LOAD: 9_600}),
        ("Import (Wh/h);Export (Wh/h)", ["400", "100"], {Counted.IMPORT: 9_600, Counted.EXPORT: 2_400}),
        ("Usage kWh;Solar feed in kWh", ["0,4", "0,1"], {Counted.IMPORT: 38_400, Counted.EXPORT: 9_600}),
        ("Produced (Wh);Consumed (Wh)", ["100", "50"], {Counted.PV: 9_600, Counted.LOAD: 4_800}),
        ("From Grid (kW);To Grid (kW)", ["0,4", "0,1"], {Counted.IMPORT: 9_600, Counted.EXPORT: 2_400}),
        ("Gas consumption (kWh);Bezug (kWh)", ["9", "0,1"], {Counted.IMPORT: 9_600}),
        ("Self consumption (kWh);Import kWh", ["9", "0,1"], {Counted.IMPORT: 9_600}),
        ("Price ct/kWh;Usage kWh", ["30", "0,1"], {Counted.IMPORT: 9_600}),
        ("Import kWh 15min", ["0,1"], {Counted.IMPORT: 9_600}),
        ("OBIS;Wert;Einheit", ["1-1:1.29.0", "0,1", "kWh"], {Counted.IMPORT: 9_600}),
    ],
)
def test_headers_mean_what_portals_and_inverters_mean_by_them(
    read: Read, header: str, cells: list[str], energies_wh: dict[Counted, int]
) -> None:
    found = read(f"Timestamp;{header}", _day(*cells))
    assert found.problems == []
    assert found.series is not None
    totals = {counted: found.series.total_wh(counted) for counted in found.series.energies}
    assert totals == energies_wh


@pytest.mark.parametrize(
    ("header", "cells", "why"),
    [
        ("Energy Produced (Wh)", ["100"], "say which columns with --columns"),
        ("Market price (EUR/MWh)", ["0,1"], "says how much"),
        ("Power max (W)", ["100"], "says how much"),
        ("Solar consumption (kWh)", ["0,1"], "says how much"),
        ("Usage (x 0.1 kWh)", ["1"], "has no unit"),
        ("Import [kWh/100]", ["1"], "has no unit"),
        ("Netzbezug (kWh);PV-Erzeugung (kWh)", ["0,4", "0,2"], "say which columns with --columns"),
        ("Bezug (kWh);Bezug (kWh)", ["0,1", "0,2"], "is the name of several columns"),
        ("OBIS;Wert;Einheit", ["1-1:2.29.0", "0,1", "kWh"], "say which columns with --columns"),
        ("OBIS;Wert;Einheit", ["1-1:3.29.0", "0,1", "kWh"], "is no code of energy"),
    ],
)
def test_what_is_no_reading_of_a_homes_connection_is_not_taken_for_one(
    read: Read, header: str, cells: list[str], why: str
) -> None:
    [problem] = read(f"Timestamp;{header}", _day(*cells)).problems
    assert why in problem.message


def test_rows_of_two_meters_are_not_taken_for_repetitions(read: Read) -> None:
    rows = [f"{meter};{row}" for meter in "AB" for row in _day("0,4")]
    [problem] = read("Meter;Timestamp;kWh", rows).problems
    assert "column 'Meter' differs; split the file by it" in problem.message


def test_a_counter_that_begins_every_day_anew_is_no_energy_of_intervals(read: Read) -> None:
    rows = [f"{DAY + timedelta(minutes=15 * k):%Y-%m-%dT%H:%M:%SZ};{k % 96}" for k in range(960)]
    [problem] = read("Timestamp;Import today (Wh)", rows).problems
    assert "begins every day anew" in problem.message


def test_a_profile_of_a_counter_that_begins_anew_is_refused(tmp_path: Path) -> None:
    rows = [f"{DAY + timedelta(minutes=15 * k):%Y-%m-%dT%H:%M:%SZ},{(k + 8) % 96 * 10}" for k in range(96)]
    directory = write_street(tmp_path, {"profiles/ada.csv": "\n".join(["TIME,IMPORT(Wh)", *rows, ""])})
    [problem] = checked(directory)[1]
    assert problem.file.endswith("ada.csv")
    assert "readings of a counter that begins anew" in problem.message


@pytest.mark.parametrize(
    ("header", "hours"), [("Time (UTC)", 0), ("Zeit [UTC+1]", 1), ("Time GMT-03:00", -3)]
)
def test_an_offset_in_the_header_is_the_offset_of_the_times(read: Read, header: str, hours: int) -> None:
    rows = [f"{_german(DAY + timedelta(minutes=15 * k))};0,25" for k in range(96)]
    found = read(f"{header};Bezug kWh", rows)
    assert found.series is not None
    assert found.series.first == DAY.replace(tzinfo=UTC) - timedelta(hours=hours)
    [problem] = read(f"{header};Bezug kWh", rows, tz="Europe/Berlin").problems
    assert "leave --tz out, or correct the header" in problem.message


@pytest.mark.parametrize("end", [False, True], ids=["starts", "ends"])
@pytest.mark.parametrize(
    ("day", "count"),
    [(DAY, 96), (datetime(2016, 3, 27), 92), (datetime(2016, 10, 30), 100)],
    ids=["an ordinary day", "23 hours", "25 hours"],
)
def test_every_local_quarter_hour_of_a_day_is_an_interval(
    read: Read, day: datetime, count: int, end: bool
) -> None:
    rows = [f"{_german(time)};0,25" for time in local(day, count, end=end)]
    found = read("Datum/Zeit;Bezug kWh", rows, tz="Europe/Berlin")
    assert not found.problems
    assert found.series is not None
    assert found.series.first == day.replace(tzinfo=BERLIN).astimezone(UTC)
    assert (found.series.count, found.series.missing) == (count, ())
    assert found.series.total_wh(Counted.IMPORT) == 250 * count
    assert found.stamps == ("end" if end else "start")


def test_the_hour_that_a_clock_shows_twice_is_told_apart_also_in_pairs(read: Read) -> None:
    times = local(datetime(2016, 10, 30), 100)
    values = {time: [] for time in times}  # type: ignore[var-annotated]
    for k, time in enumerate(times):
        values[time].append(k)
    rows = [f"{_german(time)};{k}" for time in sorted(values) for k in values[time]]
    found = read("Zeit;Bezug Wh", rows, tz="Europe/Berlin", register=False)
    assert found.series is not None, found.problems
    assert list(found.series.energies[Counted.IMPORT].values()) == [k * Fraction(3600) for k in range(100)]


def test_24_00_is_the_end_of_a_day(read: Read) -> None:
    times = [f"{(k + 1) // 4:02}:{(k + 1) % 4 * 15:02}" for k in range(96)]
    assert times[-1] == "24:00"
    found = read("Datum;Uhrzeit;Leistung (kW)", [f"17.06.2016;{time};1" for time in times], tz="UTC")
    assert found.series is not None, found.problems
    assert (found.series.first, found.series.last) == (
        datetime(2016, 6, 17, tzinfo=UTC),
        datetime(2016, 6, 17, 23, 45, tzinfo=UTC),
    )


def test_columns_from_and_to_say_what_a_time_is_of(read: Read) -> None:
    clocks = [f"{time:%H:%M}" for time in local(DAY, 97)]
    rows = [f"17.06.2016;{a};{b};0,1" for a, b in pairwise(clocks[:51])]
    found = read("Datum;Zeit von;Zeit bis;Verbrauch [kWh]", rows, "cp1252", tz="UTC")
    assert found.series is not None, found.problems
    assert (found.stamps, found.series.count) == ("start", 50)


def test_a_register_is_subtracted_and_a_fall_is_a_gap(read: Read) -> None:
    def rows(reset: int) -> list[str]:
        readings = [(12345 if k < reset else 0) + k / 8 for k in range(97)]
        times = local(DAY, 97)
        return [f"{_german(time)};{reading:.3f}" for time, reading in zip(times, readings, strict=True)]

    whole = read("Zeit;1-0:1.8.0*255 (kWh)", rows(97), tz="Europe/Berlin")
    assert whole.series is not None, whole.problems
    assert (whole.series.count, whole.series.total_wh(Counted.IMPORT)) == (96, 12_000)
    fallen = read("Zeit;1-0:1.8.0*255 (kWh)", rows(40), tz="Europe/Berlin")
    assert fallen.series is not None, fallen.problems
    assert len(fallen.series.missing) == 1
    assert any("falls" in note for note in fallen.notes)


ISO = [f"{time:%Y-%m-%dT%H:%M}Z" for time in local(DAY, 96)]

REFUSED: dict[str, tuple[str, list[str], str]] = {
    "no time zone": ("Zeit;kWh", [f"{_german(time)};1" for time in local(DAY, 96)], "--tz"),
    "neither whole days from starts nor from ends": (
        "Time,Import kWh",
        [f"{time},1" for time in ISO[5:50]],
        "--stamps",
    ),
    "no unit": ("Time,Import", [f"{time},1" for time in ISO], "--unit"),
    "no words that are known": ("A,B", [f"{time},1" for time in ISO], "--columns"),
    "two columns of one kind": (
        "Time,Import kWh,Verbrauch kWh",
        [f"{time},1,2" for time in ISO],
        "--columns",
    ),
    "import, export and generation": (
        "Time,Import W,Export W,PV W",
        [f"{time},1,0,2" for time in ISO],
        "a profile is import and export, load and pv",
    ),
    "a row for a day": (
        ";".join(["Datum", *(f"{hour:02}:00" for hour in range(24))]),
        [";".join(["17.06.2016", *(["0,1"] * 24)])],
        "export it with a row for each interval",
    ),
    "values that only grow": ("Time,Import kWh", [f"{time},{k}" for k, time in enumerate(ISO)], "--register"),
    "marks of two meanings": ("Time;Import W", [f"{time};1.250" for time in ISO], "--decimal"),
    "dates of two meanings": (
        "Time,Import kWh",
        [f"{time:%m/%d/%Y %H:%M},1" for time in local(datetime(2016, 6, 7), 96)],
        "--dates",
    ),
    "two meters in one file": (
        "Meter,Time,Import kWh",
        [f"{meter},{time},{meter}" for meter in (1, 2) for time in ISO],
        "'Meter' differs; split the file by it (95 more",
    ),
    "two units in one file": (
        "Time,Import,Unit",
        [f"{time},1,{'kWh' if k % 2 else 'Wh'}" for k, time in enumerate(ISO)],
        "several units",
    ),
    "unequal steps": (
        "Time,Import kWh",
        [f"{time},1" for time in (*ISO[:9], "2016-06-17T02:22Z")],
        "no equal",
    ),
    "a negative import": ("Time,Import kWh", [f"{time},-1" for time in ISO], "is negative"),
    "a header alone": ("Time,Import kWh", [], "no rows"),
    "no time at all": ("Time,Import kWh", ["noon,1"], "'noon' is no time"),
    "an hour that the clock leaves out": ("Zeit;kWh", ["27.03.2016 02:15;1"] * 2, "--tz"),
    "a zone of several countries": ("Time,Import kWh", ["2016-06-17 00:00 CST,1"] * 2, "several time zones"),
    "more than a connection carries": (
        "Time,Import MWh",
        [f"{time},{k % 2 * 900}" for k, time in enumerate(ISO)],
        "more",
    ),
}


@pytest.mark.parametrize(("header", "rows", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_a_file_cannot_say_is_refused_with_what_says_it(
    read: Read, header: str, rows: list[str], says: str
) -> None:
    found = read(header, rows)
    assert found.series is None
    [problem] = found.problems
    assert says in str(problem)


@pytest.mark.parametrize(
    ("header", "cells", "stated"),
    [
        ("Time,Import", "1", {"unit": "kWh"}),
        ("A,B", "1", {"columns": (("1", "time"), ("B", "import:kWh"))}),
        ("Time;Import W", "4.000", {"decimal": ","}),
        ("Time;Import W", "4.000.000", {"decimal": ",", "columns": (("1", "time"), ("2", "import:W"))}),
    ],
)
def test_what_is_stated_is_taken(read: Read, header: str, cells: str, stated: dict[str, object]) -> None:
    separator = ";" if ";" in header else ","
    found = read(header, [f"{time}{separator}{cells}" for time in ISO], **stated)
    assert found.series is not None, found.problems
    assert found.series.total_wh(Counted.IMPORT) in (96_000, 96_000_000)


def test_quarters_of_an_hour_are_added_up_and_hours_spread_without_losing_energy(read: Read) -> None:
    rows = [f"{time},{k % 7}" for k, time in enumerate(ISO)]
    added = read("Time,Import Wh", rows, interval_s=3600)
    assert added.series is not None, added.problems
    assert added.series.count == 24
    spread = read("Time,Import Wh", rows, interval_s=300)
    assert spread.series is not None, spread.problems
    assert spread.series.count == 288
    assert spread.series.total_wh(Counted.IMPORT) == added.series.total_wh(Counted.IMPORT)
    assert any("the course in between is not" in note for note in spread.notes)


def test_a_written_profile_is_read_by_a_scenario_as_the_meter_counted(read: Read, tmp_path: Path) -> None:
    rows = [f"{_german(time)};0,1;{'0,05' if k % 3 else '0'}" for k, time in enumerate(local(DAY, 200))]
    found = read("Zeit;Bezug (kWh);Einspeisung (kWh)", rows, tz="Europe/Berlin", stamps="start")
    assert found.series is not None, found.problems
    written = write_profile(found.series, tmp_path / "out", "ben")
    scenario, problems = checked(
        write_street(tmp_path / "street", {"profiles/ben.csv": written.read_bytes()})
    )
    assert not problems
    assert scenario is not None
    [ben] = [home for home in scenario.participants if home.name == "ben"]
    assert ben.metered
    assert ben.demand_wh == (100,) * 96
    # the scenario begins at midnight UTC, two hours after Berlin's
    assert ben.generation_wh == tuple(50 * ((k + 8) % 3 > 0) for k in range(96))
