"""An exit code has one meaning: 1 that chain and reference disagree, and never anything else."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml

import peerwatt.cli
from peerwatt.chain import Deployment
from peerwatt.cli.exit_codes import DEBUG, MEANINGS, ExitCode
from peerwatt.record import bill_check, bills
from peerwatt.record.bills import bill_lines
from peerwatt.record.household_results import BillLines
from peerwatt.scenario import catalogue
from peerwatt.scenario.loading import load_scenario
from tests.cli.conftest import Here
from tests.cli.test_command_line import run

ROOT = Path(__file__).parents[2]
FEEDER = str(load_scenario("brooklyn-10").directory / "feeder.json")


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `peerwatt scenarios` end in an error that nobody expects."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(catalogue, "shipped_scenarios", fail)


def one_line(result: subprocess.CompletedProcess[str]) -> str:
    """What is said of an error: one line, and nothing on stdout."""
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_documented_table_is_the_one_of_the_program() -> None:
    text = (ROOT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| (\d+) \| ([^|]+) \|", text, re.MULTILINE))
    assert documented == {str(code.value): meaning for code, meaning in MEANINGS.items()}
    assert set(MEANINGS) == set(ExitCode)


def test_the_help_lists_every_code() -> None:
    shown = " ".join(run("--help").stdout.split())
    for code, meaning in MEANINGS.items():
        assert f"{code.value} {meaning}" in shown


def test_no_verb_ends_with_a_number_of_its_own() -> None:
    for path in Path(peerwatt.cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit", "Exit"):
                assert not any(isinstance(argument, ast.Constant) for argument in node.args), path


def test_0_where_everything_is_fine(here: Here) -> None:
    assert here("scenarios").returncode == ExitCode.FINE
    assert here("--version").returncode == ExitCode.FINE


def test_1_where_a_bill_is_not_what_the_chain_booked(
    pilot: Path, tmp_path: Path, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_fee(*arguments: object) -> BillLines:
        lines = bill_lines(*arguments)  # type: ignore[arg-type]
        return lines + BillLines(0, 0, -lines.network_fee, 0, 0, 0, 0, 0)

    out = tmp_path / "out"
    for module in (bills, bill_check):
        monkeypatch.setattr(module, "bill_lines", without_fee)
    replayed = here("replay", str(pilot / "east"), "--out", str(out))
    assert replayed.returncode == ExitCode.DISAGREE
    checks = yaml.safe_load((out / "summary.json").read_text(encoding="utf-8"))["checks"]
    assert not checks["agrees"]
    assert (checks["reference_mismatches"], checks["conservation_error"]) == (0, 0)
    page = (out / "report.html").read_text(encoding="utf-8")
    of_homes = [found for found in checks["bill_differences"] if found["interval"] is not None]
    assert of_homes
    for found in of_homes[:5]:
        place = f"{found['account']}, interval {found['interval']}: the bill credits"
        assert place in replayed.stdout
        assert place in page
    assert {found["account"] for found in checks["bill_differences"]} >= {"grid operator"}
    assert f"{len(checks['bill_differences'])} that differ from the chain" in " ".join(
        replayed.stdout.split()
    )

    # The export has the mistaken bills: whoever reads it with the right rules is told, too.
    monkeypatch.undo()
    assert run("report", str(out)).returncode == ExitCode.DISAGREE


def test_1_where_an_export_contradicts_its_accounts(pilot: Path, tmp_path: Path, here: Here) -> None:
    out = tmp_path / "out"
    assert here("replay", str(pilot / "east"), "--out", str(out)).returncode == ExitCode.FINE
    assert here("report", str(out)).returncode == ExitCode.FINE
    accounts = out / "accounts.csv"
    text = accounts.read_text(encoding="utf-8")
    accounts.write_text(re.sub(r"^ada,(-?\d+)\.(\d{5})\d", r"ada,\1.\g<2>7", text, flags=re.MULTILINE))
    assert accounts.read_text(encoding="utf-8") != text
    told = here("report", str(out))
    assert told.returncode == ExitCode.DISAGREE
    assert "ada, all intervals: the bill credits" in " ".join(told.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "--days", "none"),
        ("grid", "chekc"),
        ("clear-book",),
        ("check", "atlantis"),
        ("report", "/nowhere"),
        ("replay", "--chain", "http://127.0.0.1:9", "--out", "/tmp/never-made"),
    ],
)
def test_2_where_input_is_refused(arguments: tuple[str, ...], here: Here) -> None:
    result = here(*arguments)
    assert result.returncode == ExitCode.REFUSED
    one_line(result)


def test_2_where_a_chain_that_is_to_be_verified_does_not_answer(tmp_path: Path, here: Here) -> None:
    Deployment(31337, 1, {"EnergyMarket": "0x" + "11" * 20}).save(tmp_path / "d.json")  # type: ignore[dict-item]
    public = ["--chain", "http://127.0.0.1:9", "--deployment", str(tmp_path / "d.json")]
    for verb in ("verify", "envelope"):
        result = here(
            "oracle", verb, "--interval", "1628784", "--feeder", FEEDER, *public, "--scenario", "brooklyn-10"
        )
        assert result.returncode == ExitCode.REFUSED
        assert "http://127.0.0.1:9" in one_line(result)


def test_2_where_a_node_says_what_nobody_expects(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from web3.exceptions import ExtraDataLengthError

    fail_with(ExtraDataLengthError("The field extraData is 97 bytes, but should be 32."), monkeypatch)
    result = here("scenarios")
    assert result.returncode == ExitCode.REFUSED
    assert (
        one_line(result)
        == "error: the chain's node refused: The field extraData is 97 bytes, but should be 32."
    )


def test_2_where_a_node_is_lost_and_its_address_is_not_told(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(requests.ConnectionError("Max retries exceeded with url: /v3/secret-key"), monkeypatch)
    result = here("scenarios")
    assert result.returncode == ExitCode.REFUSED
    assert one_line(result) == "error: the chain's node cannot be reached (ConnectionError)"


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied", "/etc"), OSError("disk full")])
def test_2_where_the_machine_says_no(error: OSError, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(error, monkeypatch)
    result = here("scenarios")
    assert result.returncode == ExitCode.REFUSED
    one_line(result)


def test_3_where_the_answer_is_no(tmp_path: Path, here: Here) -> None:
    (tmp_path / "hot.csv").write_text(
        "node,kw,rating_kva,export_limit_kw,import_limit_kw\n"
        "LV2.101 Bus 40,60,600,60,60\nLV2.101 Bus 10,-2,20,,\n"
    )
    (tmp_path / "loads.csv").write_text(
        "node,kw,export_limit_kw,import_limit_kw\nLV2.101 Bus 40,1,9,9\nLV2.101 Bus 40,-250,,\n"
    )
    hot, loads = str(tmp_path / "hot.csv"), str(tmp_path / "loads.csv")
    for arguments in (
        ("check", FEEDER, hot),
        ("check", FEEDER, hot, "--json"),
        ("strength", FEEDER, hot, "--source-mva", "100"),
        ("curtail", FEEDER, loads),
        ("envelope", FEEDER, loads),
    ):
        result = here("grid", *arguments)
        assert result.returncode == ExitCode.VERDICT, arguments
        assert result.stdout


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), KeyError("ada"), RecursionError()])
def test_70_is_a_mistake_in_peerwatt_said_in_one_line(
    error: Exception, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DEBUG, "")
    fail_with(error, monkeypatch)
    result = here("scenarios", "--json")
    assert result.returncode == ExitCode.BUG
    line = one_line(result)
    for word in (
        "a mistake in Peerwatt",
        "peerwatt scenarios",
        type(error).__name__,
        f"{DEBUG}=1",
        "--debug",
    ):
        assert word in line


def test_70_shows_its_traceback_on_request(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(ZeroDivisionError("division by zero"), monkeypatch)
    monkeypatch.setenv(DEBUG, "1")
    by_environment = here("scenarios")
    monkeypatch.setenv(DEBUG, "")
    by_option = here("--debug", "scenarios")
    for result in (by_environment, by_option):
        assert result.returncode == ExitCode.BUG
        assert "Traceback (most recent call last)" in result.stderr
        assert result.stderr.splitlines()[-1].startswith("error: this is a mistake in Peerwatt")


def test_130_where_it_was_interrupted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)
    assert here("scenarios").returncode == ExitCode.INTERRUPTED


def test_141_where_nobody_reads_the_output() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = subprocess.run(
            [sys.executable, "-c", "from peerwatt.cli import main; main()", "mechanisms", "--json"],
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (ExitCode.CLOSED_PIPE, "")


def test_every_script_ends_like_the_command() -> None:
    result = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "wallet_balance.py"), "--unknown"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == ExitCode.REFUSED
    assert "wallet_balance.py --help" in one_line(result)
