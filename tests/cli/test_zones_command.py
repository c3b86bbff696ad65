"""A folder of scenarios is a pilot of several zones: each is checked and replayed, and figures are summed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
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


def untimed(document: str) -> list[str]:
    """A document's lines without those that say how long something took."""
    return [line for line in document.splitlines() if "seconds" not in line]


def test_an_interrupted_pilot_goes_on_with_the_zones_that_are_left(pilot: Path, tmp_path: Path) -> None:
    def command(out: Path) -> list[str]:
        return ["replay", str(pilot), "--chain", "anvil", "--json", "--out", str(out)]

    whole, out = run(*command(tmp_path / "whole")), tmp_path / "out"
    program = [sys.executable, "-c", "from peerwatt.cli import main; main()"]
    process = subprocess.Popen(
        [*program, *command(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while process.poll() is None and not (out / "east.checkpoint").exists():
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, warned = process.communicate(timeout=240)
    finally:
        process.kill()
    assert process.returncode == 130
    assert said == ""
    assert warned.count("\n") == 1
    assert warned.endswith(f"--out {out} --resume\n")
    assert not (out / "zones.json").exists()

    resumed = run(*command(out), "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert untimed(resumed.stdout) == untimed(whole.stdout)
    for path in (tmp_path / "whole").glob("*/*.csv"):
        assert (out / path.parent.name / path.name).read_bytes() == path.read_bytes()
    assert not list(out.glob("*.checkpoint"))
