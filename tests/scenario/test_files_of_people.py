"""Files as utilities, spreadsheets and portals write them are read exactly, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.scenario.scenario import Scenario
from tests.scenario.street import PARTICIPANTS, PLAIN, SLOTS, checked, clock, profile, stamp, write_street

BEN = "profiles/ben.csv"


def _ben(scenario: Scenario | None) -> tuple[int, int, bool]:
    assert scenario is not None
    [home] = [home for home in scenario.participants if home.name == "ben"]
    return sum(home.demand_wh), sum(home.generation_wh), home.metered


POWER = [f"{stamp(k)},400" for k in range(SLOTS)]

READ: dict[str, tuple[str | bytes, str]] = {
    "byte order mark and CRLF": ("\ufeff" + profile("INTERVAL,POWER(W)", POWER, "\r\n"), "taken as UTC"),
    "UTF-16 with byte order mark": (profile("INTERVAL,POWER(W)", POWER).encode("utf-16"), "UTF-16"),
    "UTF-16 without one": (profile("INTERVAL,POWER(W)", POWER).encode("utf-16-le"), "UTF-16"),
    "Excel's line sep=": (
        "sep=;\r\n" + profile("INTERVAL;POWER(W)", [row.replace(",", ";") for row in POWER], "\r\n"),
        "semicolons",
    ),
    "tabs": (profile("INTERVAL\tPOWER(W)", [row.replace(",", "\t") for row in POWER]), "tabs"),
    "bars": (profile("INTERVAL|POWER(W)", [row.replace(",", "|") for row in POWER]), "vertical bars"),
    "quotes around all": (
        profile('"INTERVAL","POWER(W)"', [f'"{stamp(k)}","400"' for k in range(SLOTS)]),
        "taken as UTC",
    ),
    "empty columns and rows at the end": (
        profile("INTERVAL,POWER(W),,", [*(f"{row},," for row in POWER), ",,,", ""]),
        "taken as UTC",
    ),
    "lines above the header": (
        "Zählpunkt;AT0010000000000000001000000000001\n\n".encode("cp1252")
        + profile("INTERVAL;POWER(W)", [row.replace(",", ";") for row in POWER]).encode("cp1252"),
        "header in row 3",
    ),
    "kilowatts": (profile("INTERVAL,POWER(kW)", [f"{stamp(k)},0.4" for k in range(SLOTS)]), "taken as UTC"),
    "megawatt-hours": (
        profile("INTERVAL,ENERGY(MWh)", [f"{stamp(k)},0.0001" for k in range(SLOTS)]),
        "taken as UTC",
    ),
    "words in another case": (
        profile("Interval,Power [kw]", [f"{stamp(k)},0.4" for k in range(SLOTS)]),
        "UTC",
    ),
    "decimal commas": (
        profile("INTERVAL;ENERGY(kWh)", [f"{stamp(k)};0,1" for k in range(SLOTS)]),
        "decimal commas",
    ),
    "decimal commas in quotes": (
        profile("INTERVAL,ENERGY(kWh)", [f'{stamp(k)},"0,1"' for k in range(SLOTS)]),
        "decimal commas",
    ),
    "five minutes each": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k, 5)},{400 + 3 * (k % 3 - 1)}" for k in range(288)]),
        "every 3 of them make an interval",
    ),
    "five-minute energies": (
        profile("INTERVAL,ENERGY(Wh)", [f"{stamp(k, 5)},{(33, 33, 34)[k % 3]}" for k in range(288)]),
        "every 3 of them make an interval",
    ),
    "the newest first": (profile("INTERVAL,POWER(W)", POWER[::-1]), "they were sorted"),
    "a week around the day": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k)},400" for k in range(-SLOTS, 2 * SLOTS)]),
        "192 rows lie outside",
    ),
}


@pytest.mark.parametrize(("content", "said"), READ.values(), ids=READ.keys())
def test_what_can_be_known_is_read_and_said(tmp_path: Path, content: str | bytes, said: str) -> None:
    found, problems = checked(write_street(tmp_path, {BEN: content}))
    assert not problems
    assert _ben(found) == (9600, 0, False)
    assert found is not None
    assert any(said in remark.message and remark.file.endswith("ben.csv") for remark in found.remarks)


def _one(where: int, cell: str) -> str:
    return profile("INTERVAL,POWER(W)", [f"{stamp(k)},{cell if k == where else 400}" for k in range(SLOTS)])


def _spring(k: int) -> str:
    return stamp(k + 4 * (k >= 8))


REFUSED: dict[str, tuple[str | bytes, int | None, str]] = {
    **{
        f"number {word!r}": (_one(5, word), 7, "not a number of W")
        for word in (
            "1_000",
            "4e2",
            "0x190",
            "٤٠٠",
            "400W",
            "NaN",
            "null",
            "n/a",
            "-",
            "−400",
            "inf",
            "1 000",
            "#N/A",
        )
    },
    "empty cells": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k)},{'' if 40 <= k < 44 else 400}" for k in range(SLOTS)]),
        42,
        "is empty; it needs a number of W (3 more such, the last in row 45)",
    ),
    "a dot among decimal commas": (
        profile("INTERVAL;POWER(W)", [f"{stamp(k)};{'1.250' if k == 9 else '400,5'}" for k in range(SLOTS)]),
        11,
        "'1.250' could be 1250 or 1.25",
    ),
    "a dot that is not explained": (
        profile("INTERVAL;POWER(W)", [f"{stamp(k)};{'1.250' if k == 9 else '400'}" for k in range(SLOTS)]),
        11,
        "'1.250' could be 1250 or 1.25",
    ),
    "points and commas": (
        profile("INTERVAL;POWER(W)", [f"{stamp(k)};{'0.5' if k == 9 else '0,5'}" for k in range(SLOTS)]),
        2,
        "decimal points ('0.5') and decimal commas ('0,5')",
    ),
    "ends of intervals": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k + 1)},400" for k in range(SLOTS)]),
        97,
        "--stamps end",
    ),
    "ends by the clock": (
        profile("INTERVAL,POWER(W)", [f"{clock(k + 1)},400" for k in range(SLOTS)]),
        97,
        "write a day from 00:00 on",
    ),
    "24:00": (
        profile("INTERVAL,POWER(W)", [f"{clock(k + 1) if k < 95 else '24:00'},400" for k in range(SLOTS)]),
        97,
        "write a day from 00:00 on",
    ),
    "the hour that is missing in spring": (
        profile("INTERVAL,POWER(W)", [f"{_spring(k)},400" for k in range(SLOTS - 4)]),
        10,
        "clock is put forward",
    ),
    "the hour that is there twice in autumn": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k - 4 * (k >= 12))},400" for k in range(SLOTS + 4)]),
        14,
        "clock is put back",
    ),
    "local time two hours ahead": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k + 8)},400" for k in range(SLOTS)]),
        2,
        "look local",
    ),
    "half-hours": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k, 30)},400" for k in range(48)]),
        3,
        "rows are 1800 s apart, an interval lasts 900 s",
    ),
    "ten minutes each": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k, 10)},400" for k in range(144)]),
        3,
        "no whole number of them; another interval_length_s is, such as 1800",
    ),
    "a row with a cell too few": (
        profile("INTERVAL,LOAD(W),PV(W)", [f"{stamp(k)},400{',0' * (k != 9)}" for k in range(SLOTS)]),
        11,
        "has 2 cells, the header has 3",
    ),
    "a quote that is not closed": ('INTERVAL,POWER(W)\n"2016,4\n', 2, "is not CSV"),
    "a date as a spreadsheet shows it": (
        profile("INTERVAL;POWER(W)", [f"{stamp(k, style='%d.%m.%Y %H:%M')};400" for k in range(SLOTS)]),
        2,
        "reads other ways of writing (95 more such",
    ),
    "another week": (
        profile("INTERVAL,POWER(W)", [f"{stamp(k + 10 * SLOTS)},400" for k in range(SLOTS)]),
        2,
        "none of the scenario's time",
    ),
    "a register": (
        profile("INTERVAL,ENERGY(kWh)", [f"{stamp(k)},{k / 20:.3f}" for k in range(SLOTS)]),
        3,
        "a register's readings",
    ),
    "the inverter's own use at night": (
        profile("INTERVAL,LOAD(W),PV(W)", [f"{stamp(k)},400,-4" for k in range(SLOTS)]),
        2,
        "-4 W is negative; give 0 or more; an inverter's own use at night belongs to LOAD (95 more such",
    ),
    "milliwatts": (profile("INTERVAL,POWER(mW)", POWER), 1, "unknown header"),
    "a workbook": (b"PK\x03\x04" + bytes(40), None, "save the sheet as CSV"),
    "a web page": ("<!DOCTYPE html><html></html>", None, "is a web page"),
    "Green Button": (
        '<?xml version="1.0"?>\n<feed xmlns:e="http://naesb.org/espi"/>',
        None,
        "Green Button data",
    ),
    "nothing": ("", 1, "is empty"),
    "zero bytes": (bytes(64), None, "is not text"),
    "a header alone": ("INTERVAL,POWER(W)\n", 1, "has a header and no rows"),
    "a number of 5,000 digits": (_one(5, "4" * 5000), 7, "(5000 characters)"),
}


@pytest.mark.parametrize(("content", "line", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_known_is_refused_in_one_line_with_its_cause(
    tmp_path: Path, content: str | bytes, line: int | None, says: str
) -> None:
    found, problems = checked(write_street(tmp_path, {BEN: content}))
    assert found is None
    [problem] = problems
    assert problem.file == str(tmp_path / BEN)
    assert problem.line == line
    assert says in str(problem)
    assert len(str(problem)) < 400


def test_two_registers_are_not_netted(tmp_path: Path) -> None:
    rows = [f"{stamp(k)},0.100,0.050" for k in range(SLOTS)]
    found, problems = checked(
        write_street(tmp_path, {BEN: profile("INTERVAL,IMPORT(kWh),EXPORT(kWh)", rows)})
    )
    assert not problems
    assert _ben(found) == (9600, 4800, True)


def _replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def test_participants_from_a_german_spreadsheet_are_read(tmp_path: Path) -> None:
    rows = [row.replace(",", ";").replace(".1;", ",1;") for row in PARTICIPANTS.splitlines()]
    rows[1:] = [row.replace("24.1", "24,1").replace("22.6", "22,6").replace("9.8", "9,8") for row in rows[1:]]
    rows[1:] = [row.replace("11.0", "11,0") for row in rows[1:]]
    content = "\ufeff" + "\r\n".join(rows).replace("LV2,101", "LV2.101")
    plain, _ = checked(write_street(tmp_path / "plain"))
    found, problems = checked(write_street(tmp_path / "german", {"participants.csv": content}))
    assert not problems
    assert found is not None
    assert plain is not None
    assert found.participants == plain.participants
    assert "semicolons, decimal commas" in found.remarks[0].message


def test_a_table_of_names_in_another_encoding_is_refused_by_its_name(tmp_path: Path) -> None:
    content = PARTICIPANTS.replace("large roof", "großes Dach über der Straße, schön").encode("cp1252")
    content = content.replace(b"stra\xdfe,", b"stra\xdfe")
    found, [problem] = checked(write_street(tmp_path, {"participants.csv": content}))
    assert found is None
    assert problem.file.endswith("participants.csv")
    assert "cp1252" in problem.message


@pytest.mark.parametrize("name", ["~$ben.csv", "._ben.csv", ".~lock.ben.csv#"])
def test_what_programs_leave_beside_profiles_is_no_profile(tmp_path: Path, name: str) -> None:
    found, problems = checked(write_street(tmp_path, {f"profiles/{name}": b"\0"}))
    assert not problems
    assert found is not None


@pytest.mark.parametrize("name", ["BEN.CSV", "ben.CSV", "Ben.csv"])
def test_a_profile_is_found_whatever_the_case_of_its_name(tmp_path: Path, name: str) -> None:
    found, problems = checked(write_street(tmp_path, {BEN: None, f"profiles/{name}": PLAIN}))
    assert not problems
    assert _ben(found) == (9600, 0, False)


def test_two_files_of_one_participant_are_refused(tmp_path: Path) -> None:
    _, [problem] = checked(write_street(tmp_path, {"profiles/BEN.CSV": PLAIN}))
    assert "remove one" in problem.message


def test_mistakes_of_settings_and_of_tables_are_told_in_one_go_each_kind_once(tmp_path: Path) -> None:
    street = write_street(
        tmp_path, {BEN: _one(5, "much"), "profiles/ada.csv": profile("INTERVAL,POWER(W)", [])}
    )
    settings = street / "scenario.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("retail_ct_per_kwh: 32.0", "retail_ct_per_kwh: .nan"), encoding="utf-8")
    _, problems = checked(street)
    assert [(Path(problem.file).name, problem.field) for problem in problems] == [
        ("scenario.yaml", "tariff.retail_ct_per_kwh"),
        ("ada.csv", ""),
        ("ben.csv", "POWER(W)"),
    ]


def test_another_start_and_more_days_give_a_line_per_file(tmp_path: Path) -> None:
    street = write_street(tmp_path)
    settings = street / "scenario.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(
        text.replace("2016-06-17T00:00:00", "2017-06-17T00:00:00").replace("days: 1", "days: 6"),
        encoding="utf-8",
    )
    _, problems = checked(street)
    assert [Path(problem.file).name for problem in problems] == ["ada.csv", "ben.csv", "chloe.csv"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "retail_ct_per_kwh: 32.0",
            "retail_ct_per_kwh: 32,0",
            "decimal comma, and YAML's numbers have a point: write 32.0",
        ),
        ("retail_ct_per_kwh: 32.0", "retail_ct_per_kwh: 32.37", "0.1 ct/kWh"),
        ("retail_ct_per_kwh: 32.0", "retail_ct_per_kwh: 3_2.0", "not a plain decimal number"),
        ("retail_ct_per_kwh: 32.0", f"retail_ct_per_kwh: {'9' * 5000}", "(5000 characters)"),
        ("feed_in_ct_per_kwh: 8.2", "feed_in_ct_per_kwh: -2.0", "knows no negative prices"),
        ("base_price_ct_per_kwh: 8.0", "base_price_ct_per_kwh: -5.0", "knows no negative prices"),
        ("currency: EUR", "currency: €", "ISO 4217 code"),
        ("start: 2016-06-17T00:00:00+00:00", "start: 2016-06-17 00:00:00", "write +00:00 for UTC"),
        ("start: 2016-06-17T00:00:00+00:00", "start: 20160617", "put it in quotes"),
        (
            "margin_price_ct_per_kwh: 38.2",
            "margin_price_ct_per_kwh: 30",
            "margin_price_ct_per_kwh 30.0 does not cover",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_once_in_its_own_unit(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    street = write_street(tmp_path)
    settings = street / "scenario.yaml"
    text = settings.read_text(encoding="utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), encoding="utf-8")
    _, [problem] = checked(street)
    assert says in problem.message
    assert problem.line is not None
    assert "base units per Wh" not in problem.message.replace("1 base unit per Wh", "")


@pytest.mark.parametrize(
    "encode", [lambda text: ("\ufeff" + text).encode(), lambda text: text.encode("utf-16")]
)
def test_settings_and_feeder_are_read_as_an_editor_of_windows_saves_them(
    tmp_path: Path, encode: Callable[[str], bytes]
) -> None:
    street = write_street(tmp_path)
    for name in ("scenario.yaml", "feeder.json"):
        text = (street / name).read_text(encoding="utf-8").replace("\n", "\r\n")
        (street / name).write_bytes(encode(text))
    found, problems = checked(street)
    assert not problems
    assert found is not None
