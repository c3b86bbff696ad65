"""Profiles as meters and other programs export them become the market's whole Wh, exactly or not at all."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.scenario.calendar import Calendar
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.profiles import read_profile
from peerwatt.tables.problems import Problem

START = datetime(2016, 6, 17, tzinfo=UTC)
DAY = Calendar(START, 1, 900)
HOME = Participant("ada", 4, "n", "prosumer", 241, 226, 22_600, "home")

Read = Callable[..., tuple[tuple[tuple[int, ...], tuple[int, ...]] | None, list[Problem]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """A function from a profile's header and rows to what was read and what was wrong."""

    def run(header: str, rows: list[str], calendar: Calendar = DAY):  # type: ignore[no-untyped-def]
        path = tmp_path / "ada.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        problems: list[Problem] = []
        return read_profile(path, HOME, calendar, problems), problems

    return run


def _clock(k: int, days: int = 0) -> str:
    return (START + timedelta(minutes=15 * k, days=days)).strftime("%H:%M")


WRITINGS: dict[str, Callable[[int], str]] = {
    "times of day": _clock,
    "times of day with seconds": lambda k: f"{_clock(k)}:00",
    "ISO without offset is UTC": lambda k: (START + timedelta(minutes=15 * k)).strftime("%Y-%m-%dT%H:%M"),
    "ISO with another offset": lambda k: (
        f"2016-06-17T{_clock(k, 0)}:00+00:00" if k else "2016-06-17T02:00+02:00"
    ),
    "numbers from 0": str,
    "numbers from 1": lambda k: str(k + 1),
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS.keys())
@pytest.mark.parametrize("separator", [",", ";"])
def test_power_is_read_however_the_interval_is_written(
    read: Read, write: Callable[[int], str], separator: str
) -> None:
    powers = [400 - 20 * k for k in range(96)]
    rows = [f"{write(k)}{separator}{power}" for k, power in enumerate(powers)]
    found, problems = read(f"INTERVAL{separator}POWER(W)", rows)
    assert problems == []
    assert found is not None
    assert found[:2] == (
        tuple(max(power, 0) // 4 for power in powers),
        tuple(max(-power, 0) // 4 for power in powers),
    )


@given(
    st.lists(
        st.decimals(min_value="-5.5", max_value="6", places=5, allow_nan=False), min_size=96, max_size=96
    )
)
def test_energy_is_counted_as_two_registers_count_it(
    tmp_path_factory: pytest.TempPathFactory, energies: list[object]
) -> None:
    path = tmp_path_factory.mktemp("meter") / "ada.csv"
    rows = [f"{_clock(k)},{energy}" for k, energy in enumerate(energies)]
    path.write_text("\n".join(["INTERVAL,ENERGY(kWh)", *rows]), encoding="utf-8")
    problems: list[Problem] = []
    found = read_profile(path, HOME, DAY, problems)
    assert found is not None, problems
    for sign, counted in zip((1, -1), found[:2], strict=True):
        exact = Fraction(0)
        for k, energy in enumerate(energies):
            exact += max(sign * Fraction(str(energy)) * 1000, Fraction(0))
            assert sum(counted[: k + 1]) == exact.numerator // exact.denominator


def test_a_day_by_the_clock_repeats_on_every_day(read: Read) -> None:
    rows = [f"{_clock(k)},{k / 1000}" for k in range(96)]
    found, problems = read("INTERVAL,ENERGY(kWh)", rows, Calendar(START, 3, 900))
    assert problems == []
    assert found is not None
    assert found[:2] == (tuple(range(96)) * 3, (0,) * 288)


@pytest.mark.parametrize(
    ("header", "row", "field", "says"),
    [
        ("INTERVAL,ENERGY(kWh)", "12:00,abc", "ENERGY(kWh)", "'abc' is not a number of kWh"),
        ("INTERVAL,ENERGY(kWh)", "12:00,6.5", "ENERGY(kWh)", "26000 W exceeds import_limit_kw 24.1 of ada"),
        ("INTERVAL,POWER(W)", "12:00,-30000", "POWER(W)", "30000 W exceeds export_limit_kw 22.6 of ada"),
        ("INTERVAL,POWER(W)", "12:10,5", "INTERVAL", "12:10 is no interval of the scenario"),
        ("INTERVAL,POWER(W)", "noon,5", "INTERVAL", "'noon' is no interval of the scenario"),
        ("INTERVAL,POWER(W)", "11:45,5", "INTERVAL", "given twice"),
        ("INTERVAL,POWER(W)", "12:00", "", "has 1 cells"),
    ],
)
def test_what_cannot_be_read_is_named_by_row_and_column(
    read: Read, header: str, row: str, field: str, says: str
) -> None:
    rows = [f"{_clock(k)},0" for k in range(96)]
    rows[48] = row
    found, problems = read(header, rows)
    assert found is None
    assert any(p.line == 50 and p.field == field and says in p.message for p in problems), problems


@pytest.mark.parametrize("count", [95, 97])
def test_numbers_cover_the_scenario_and_no_more(read: Read, count: int) -> None:
    found, problems = read("INTERVAL,POWER(W)", [f"{k},0" for k in range(count)])
    assert found is None
    [problem] = problems
    assert problem.field == "INTERVAL"


def test_a_header_that_is_none_of_the_known_is_refused_with_all_of_them(read: Read) -> None:
    found, problems = read("INTERVAL,POWER(kV)", ["00:00,1"])
    assert found is None
    [problem] = problems
    assert problem.line == 1
    assert "unknown header 'INTERVAL,POWER(kV)'" in problem.message
    for known in ("TIME,LOAD(W),PV(W)", "INTERVAL,POWER(W)", "INTERVAL,ENERGY(kWh)"):
        assert known in problem.message


def test_a_scenario_mixes_both_kinds_of_profile(spoil: Callable[..., Path]) -> None:
    village = spoil()
    before = load_scenario(village)
    [bakery] = [home for home in before.participants if home.name == "bakery"]
    rows = [f"{_clock(k)};{wh / 1000}" for k, wh in enumerate(bakery.demand_wh)]
    (village / "profiles" / "bakery.csv").write_text("\n".join(["INTERVAL;ENERGY(kWh)", *rows]) + "\n")
    assert load_scenario(village).participants == before.participants
