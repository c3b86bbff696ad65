"""Tables in a terminal: at 80 columns every name is whole, in a pipe nothing is cut, in any encoding."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from peerwatt.record.results import AccountResult, BillDifference, ReplayResult
from peerwatt.report import words
from peerwatt.report.files import write_results
from peerwatt.report.tables import community_row, household_tables, summary_table
from peerwatt.report.terminal import PIPED_WIDTH, show, table
from peerwatt.report.zones import zone_figures, zones_tables
from tests.cli.test_command_line import run

HOMES, LONGEST = 100, 32
NARROW, SCREEN = 40, 80


def name(k: int) -> str:
    """A household's name, as long as is permitted."""
    return f"household-{k:03d}-".ljust(LONGEST, "x")


@pytest.fixture(scope="module")
def crowd(day: ReplayResult) -> ReplayResult:
    """A hundred households with the longest names, each with a difference in its bill."""
    homes = [day.participants[k % len(day.participants)] for k in range(HOMES)]
    found = tuple(BillDifference(name(k), 1628784, -1_234_567, -1_250_000) for k in range(HOMES))
    return replace(
        day,
        participants=tuple(replace(home, participant=name(k)) for k, home in enumerate(homes)),
        bill_check=replace(day.bill_check, differences=found),
    )


def rendered(content: object, width: int) -> list[str]:
    """What `show` writes on a screen of a width, without styles."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, markup=False)
    show(content, console)  # type: ignore[arg-type]
    assert isinstance(console.file, io.StringIO)
    return re.sub(r"\x1b\[[\d;]*m", "", console.file.getvalue()).splitlines()


@pytest.mark.parametrize("width", [NARROW, SCREEN, PIPED_WIDTH])
def test_every_household_is_named_in_full_on_a_line_of_its_own(crowd: ReplayResult, width: int) -> None:
    bills, consumed, generated = household_tables(crowd)
    for content in (bills, consumed):
        lines = rendered(content, width)
        assert len(lines) == HOMES + 2
        assert [line.split()[0] for line in lines[2:]] == [name(k) for k in range(HOMES)]
    producers = [p.participant for p in crowd.participants if p.production_wh]
    assert [line.split()[0] for line in rendered(generated, width)[2:]] == producers
    for content in (bills, consumed, generated):
        lines = rendered(content, width)
        assert max(map(len, lines)) <= SCREEN
        assert not [line for line in lines if "…" in line]


def test_figures_of_a_year_do_not_push_a_name_off_the_screen(crowd: ReplayResult) -> None:
    year = replace(crowd.participants[4], own_wh=99_999_999, exported_wh=999_999_999, curtailed_wh=99_999_999)
    for content in household_tables(replace(crowd, participants=(year,))):
        assert max(map(len, rendered(content, SCREEN))) <= SCREEN


def test_every_line_of_the_summary_is_whole(crowd: ReplayResult) -> None:
    wrapped = rendered(summary_table(crowd), SCREEN)
    assert max(map(len, wrapped)) <= SCREEN
    text = " ".join(" ".join(wrapped).split())
    for value in rendered(summary_table(crowd), PIPED_WIDTH):
        assert " ".join(value.split()) in text
    assert name(0) in text
    assert (
        "interval 1628784: the bill credits −1.234567 EUR, the chain booked −1.250000; 0.015433 apart" in text
    )
    assert "and 80 more bills, all in summary.json" in text


@pytest.mark.parametrize("width", [NARROW, SCREEN, PIPED_WIDTH])
def test_every_zone_is_named_in_full(day: ReplayResult, width: int) -> None:
    verdicts = dict.fromkeys(day.summary.verdicts, 99)
    zones = [
        zone_figures(name(k), replace(day, summary=replace(day.summary, verdicts=verdicts)))
        for k in range(12)
    ]
    for content in zones_tables(zones):
        lines = rendered(content, width)
        assert max(map(len, lines)) <= SCREEN
        assert [line.split()[0] for line in lines[-13:]] == [name(k) for k in range(12)] + ["all"]


@pytest.mark.parametrize(
    "name",
    ["n" * 100, "a feeder's node with many words in its name " * 3, "家庭 " * 40],
    ids=["one-word", "many-words", "wide-letters"],
)
@pytest.mark.parametrize("width", [NARROW, SCREEN])
def test_a_table_that_is_wider_than_the_screen_goes_over_its_edge_and_loses_nothing(
    name: str, width: int
) -> None:
    wide = table("node", "short-circuit\npower (MVA)", "why", long=1)
    wide.add_row(name, "1.25", "because of a reason")
    lines = rendered(wide, width)
    assert any(name.strip() in line and "1.25" in line for line in lines)
    assert "power (MVA)" in lines[1]
    assert "…" not in "".join(lines)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_a_console_that_lacks_a_character_shows_another_and_a_minus_stays_a_minus(
    encoding: str, day: ReplayResult, tmp_path: Path
) -> None:
    write_results(replace(day, summary=replace(day.summary, scenario="Łódź")), tmp_path / "run")
    shown = run("report", str(tmp_path / "run"), encoding=encoding, PYTHONIOENCODING=encoding)
    assert shown.returncode == 0, shown.stderr
    bill = next(words.money(p.bill_market) for p in day.participants if p.bill_market < 0)
    assert (bill if encoding == "utf-8" else bill.replace("−", "-")) in shown.stdout
    assert ("Łódź" in shown.stdout) == (encoding == "utf-8")
    assert ("?" in shown.stdout) == (encoding != "utf-8")


def test_the_terminal_says_what_the_community_kept_or_paid_back(day: ReplayResult) -> None:
    kept = replace(day, accounts=(*day.accounts, AccountResult("community", 7_180_000, 0)))
    one = day.participants[0]
    got = replace(one, lines=replace(one.lines, community=-7_180_000))
    shared = replace(day, participants=(got, *day.participants[1:]))
    assert list(community_row(day)) == []
    assert list(community_row(kept)) == [("community", "7.18 EUR kept by its account")]
    assert list(community_row(shared)) == [("community", "7.18 EUR kept and paid back per Wh traded")]
