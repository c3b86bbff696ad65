"""`peerwatt replay` on input that it cannot use: one line, exit code 2, nothing written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from peerwatt.scenario.catalogue import SHIPPED
from tests.cli.test_command_line import one_line_error, run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["atlantis"], ["atlantis", "brooklyn-10"]),
        (["--days", "8"], ["--days 8", "brooklyn-10", "7"]),
        (["--chain", "dogecoin"], ["dogecoin"]),
        (["--chain", "http://127.0.0.1:9"], ["http://127.0.0.1:9", "start the node"]),
        (["--chain", "rpc"], ["ETH_RPC_URL"]),
        (["--chain-id", "1"], ["eth-tester", "31337", "1"]),
    ],
)
def test_unusable_arguments_are_named_and_nothing_is_written(
    arguments: list[str], words: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    line = one_line_error(run("replay", *arguments, "--out", str(out), ETH_RPC_URL=""))
    for word in words:
        assert word in line
    assert not out.exists()


def test_directory_with_other_files_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    line = one_line_error(run("replay", "--out", str(tmp_path)))
    assert "thesis.tex" in line
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_gap_in_a_profile_is_located_before_anything_runs(tmp_path: Path) -> None:
    scenario = tmp_path / "mine"
    shutil.copytree(SHIPPED / "brooklyn-10", scenario)
    profile = scenario / "profiles" / "ada.csv"
    lines = profile.read_text().splitlines(keepends=True)
    profile.write_text("".join(lines[:10] + lines[11:]))
    result = run("replay", str(scenario), "--out", str(tmp_path / "report"))
    assert result.returncode == 2
    assert "ada.csv" in result.stderr
    assert "row 11" in result.stderr or ":11" in result.stderr
    assert not (tmp_path / "report").exists()


def test_a_network_too_weak_for_its_inverters_is_not_replayed(tmp_path: Path) -> None:
    scenario = tmp_path / "mine"
    shutil.copytree(SHIPPED / "brooklyn-10", scenario)
    file = scenario / "scenario.yaml"
    file.write_text(file.read_text().replace("circuit_ratio: 3.0", "circuit_ratio: 45"))
    line = one_line_error(run("replay", str(scenario), "--out", str(tmp_path / "report")))
    for word in ("scenario.yaml", "LV2.101 Bus 6", "42.87", "minimum of 45", "works", "inverter_kva"):
        assert word in line
    assert not (tmp_path / "report").exists()


def test_a_gate_that_closes_too_late_to_be_sealed_is_told_in_one_line(tmp_path: Path) -> None:
    scenario = tmp_path / "mine"
    shutil.copytree(SHIPPED / "brooklyn-10", scenario)
    file = scenario / "scenario.yaml"
    file.write_text(file.read_text().replace("gate_lead_s: 300", "gate_lead_s: 60"))
    line = one_line_error(run("replay", str(scenario), "--sealed", "--out", str(tmp_path / "report")))
    for word in ("reveal_window is 60", "market.gate_lead_s", "sealed.reveal_window_s"):
        assert word in line
    assert not (tmp_path / "report").exists()


def test_summary_has_what_the_readme_promises(tmp_path: Path) -> None:
    out = tmp_path / "report"
    result = run("replay", "--out", str(out), "--json", "--chain", "anvil")
    assert result.returncode == 0, result.stderr
    summary = json.loads((out / "summary.json").read_text())
    assert json.loads(result.stdout) == summary
    expected = {
        "scenario", "chain", "seed", "intervals", "participants", "orders", "traded_wh", "accepted_wh",
        "verdicts", "reference_mismatches", "conservation_error", "gas_total", "gas_per_participant_interval",
        "voltage_max_pu_before", "voltage_max_pu_after", "loading_max_percent_after", "losses_wh", "bills",
        "wall_seconds",
    }  # fmt: skip
    assert expected <= summary.keys()
    assert summary["reference_mismatches"] == summary["conservation_error"] == 0
    assert {"market", "without_market", "forecast_error_cost"} == summary["bills"]["ada"].keys()
    names = {path.name for path in out.iterdir()}
    assert {"summary.json", "intervals.csv", "participants.csv", "report.html"} <= names
