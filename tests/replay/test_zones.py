"""brooklyn-300: three zones, a market each. Noon of every zone; the whole day is for `make test-long`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from peerwatt.cli import app
from peerwatt.replay.run import replay_scenario
from peerwatt.report.zones import SUMMED
from peerwatt.scenario.catalogue import scenario_files
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.loading import load_scenario

ZONES = ("rural", "suburban", "urban")
NOON, QUARTERS = 40, 4


def test_three_zones_of_a_hundred_participants_with_names_of_their_own() -> None:
    zones = [load_scenario(path) for path in scenario_files("brooklyn-300")]
    assert [zone.name for zone in zones] == [f"brooklyn-300/{name}" for name in ZONES]
    assert [len(zone.participants) for zone in zones] == [100, 100, 100]
    assert len({home.name for zone in zones for home in zone.participants}) == 300
    assert len({zone.feeder.feeder_hash for zone in zones}) == 3
    for zone in zones:
        assert "not data of the Brooklyn Microgrid" in zone.provenance


@pytest.mark.parametrize(
    "zone", ["rural", *(pytest.param(zone, marks=pytest.mark.long) for zone in ("suburban", "urban"))]
)
def test_chain_and_reference_agree_on_a_zone_at_noon(zone: str) -> None:
    scenario = from_interval(load_scenario(f"brooklyn-300/{zone}"), NOON)
    summary = replay_scenario(scenario, "eth-tester", scenario.seed, QUARTERS).summary
    assert summary.orders >= 99 * QUARTERS
    assert summary.skipped == 0
    assert summary.traded_wh >= summary.accepted_wh > 0
    assert summary.reference_mismatches == summary.conservation_error == 0
    assert (summary.verdicts["curtail"] > 0) == (zone == "rural")
    assert summary.voltage_max_pu_after <= 1.058 + 5e-5


@pytest.mark.long
def test_the_whole_day_of_all_zones_sums_exactly(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["replay", "brooklyn-300", "--json", "--out", str(tmp_path / "pilot")])
    assert result.exit_code == 0, result.stderr
    document = json.loads(result.stdout)
    assert [zone["zone"] for zone in document["zones"]] == list(ZONES)
    for name in SUMMED:
        assert document["total"][name] == sum(zone[name] for zone in document["zones"])
    total = document["total"]
    assert total["participants"] == 300
    assert total["reference_mismatches"] == total["conservation_error"] == 0
    for zone in document["zones"]:
        summary = json.loads((tmp_path / "pilot" / zone["zone"] / "summary.json").read_text())
        assert all(summary[name] == zone[name] for name in ("orders", "traded_wh", "gas_total"))
