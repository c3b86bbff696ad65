"""A folder of scenarios is a pilot of several zones: each is checked and replayed, and figures are summed."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_command_line import one_line_error, run


def test_zones_are_replayed_one_after_another_and_summed(pilot: Path, tmp_path: Path) -> None:
    result = run("replay", str(pilot), "--json", "--out", str(tmp_path / "out"))
    assert result.returncode == 0, result.stderr
    document = json.loads(result.stdout)
    assert json.loads((tmp_path / "out" / "zones.json").read_text()) == document
    east, west = document["zones"]
    assert (east["zone"], west["zone"]) == ("east", "west")
    assert east["traded_wh"] != west["traded_wh"]
    assert document["total"]["participants"] == 6
    for name in ("orders", "traded_wh", "accepted_wh", "accept", "curtail", "saved", "gas_total"):
        assert document["total"][name] == east[name] + west[name]
    for zone in (east, west):
        summary = json.loads((tmp_path / "out" / zone["zone"] / "summary.json").read_text())
        assert summary["traded_wh"] == zone["traded_wh"]
        assert summary["reference_mismatches"] == zone["conservation_error"] == 0

    again = run("report", str(tmp_path / "out"), "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == document
    assert run("report", str(tmp_path / "out")).stdout.count("west") == 5


def test_a_mistake_in_any_zone_is_found_before_anything_runs(pilot: Path, tmp_path: Path) -> None:
    file = pilot / "west" / "scenario.yaml"
    file.write_text(file.read_text().replace("quorum: 3", "quorum: 5"))
    checked = run("check", str(pilot))
    assert checked.returncode == 2
    assert "west/scenario.yaml" in checked.stderr
    assert "no mistakes" not in checked.stdout
    line = one_line_error(run("replay", str(pilot), "--out", str(tmp_path / "out")))
    assert "west/scenario.yaml" in line
    assert not (tmp_path / "out").exists()


def test_what_takes_one_scenario_names_the_zones_of_a_pilot() -> None:
    line = one_line_error(run("compare", "brooklyn-300"))
    assert "brooklyn-300/rural, brooklyn-300/suburban or brooklyn-300/urban" in line
