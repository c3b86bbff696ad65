"""brooklyn-10-month is brooklyn-10 over the whole of June, and files may be packed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.scenario.catalogue import SHIPPED
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError

BEFORE, WEEK = 16 * 96, 7 * 96
DAYS_17_TO_23 = slice(BEFORE, BEFORE + WEEK)


def document(scenario: str) -> dict[str, object]:
    """A shipped feeder's file."""
    found: dict[str, object] = json.loads((SHIPPED / scenario / "feeder.json").read_text())
    return found


def test_a_week_of_the_month_is_brooklyn_10() -> None:
    month, week = load_scenario("brooklyn-10-month"), load_scenario("brooklyn-10")
    assert month.calendar.count == 30 * 96
    assert month.calendar.iso(BEFORE) == week.calendar.iso(0)
    assert {**document("brooklyn-10-month"), "name": "brooklyn-10"} == document("brooklyn-10")
    for one, other in zip(month.participants, week.participants, strict=True):
        assert one.demand_wh[DAYS_17_TO_23] == other.demand_wh
        assert one.generation_wh[DAYS_17_TO_23] == other.generation_wh
    nodes = week.feeder.node_names
    for one, other in ((month.active, week.active), (month.reactive, week.reactive)):
        assert (one.nodal(nodes)[DAYS_17_TO_23] == other.nodal(nodes)).all()
    assert (month.seed, month.market, month.tariff, month.rules, month.switches) == (
        *(week.seed, week.market, week.tariff, week.rules, week.switches),
    )
    assert (month.committee, month.bidding, month.lost_readings_permille) == (
        *(week.committee, week.bidding, week.lost_readings_permille),
    )


def packed(spoil: Callable[..., Path]) -> tuple[Path, Path]:
    """A scenario whose active background is packed, and that file."""
    scenario = spoil("scenario.yaml", "background_active.csv", "background_active.csv.gz")
    plain = scenario / "background_active.csv"
    file = scenario / "background_active.csv.gz"
    file.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return scenario, file


def test_a_packed_file_is_read_as_what_is_in_it(spoil: Callable[..., Path]) -> None:
    plain = load_scenario(spoil())
    scenario, _ = packed(spoil)
    assert load_scenario(scenario).active == plain.active


@pytest.mark.parametrize(
    ("spoiled", "said"),
    [
        (lambda content: content[:-20], "cannot be unpacked: it is damaged, cut short"),
        (lambda content: b"TIME,x\n", "cannot be unpacked: .* not packed with gzip"),
        (lambda content: content[:200] + bytes(100) + content[300:], "cannot be unpacked"),
    ],
)
def test_a_packed_file_that_is_damaged_is_named(
    spoil: Callable[..., Path], spoiled: Callable[[bytes], bytes], said: str
) -> None:
    scenario, file = packed(spoil)
    file.write_bytes(spoiled(file.read_bytes()))
    with pytest.raises(ScenarioError, match=f"background_active.csv.gz.*{said}"):
        load_scenario(scenario)
