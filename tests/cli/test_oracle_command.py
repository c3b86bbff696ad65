"""`peerwatt oracle` before it has a chain: what it asks for, what it refuses, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eth_account import Account
from typer.testing import CliRunner

from peerwatt.chain import Deployment, demo_account
from peerwatt.cli import app
from peerwatt.errors import PeerwattError
from peerwatt.oracle.forecast_file import ForecastDirectory
from peerwatt.scenario.loading import load_scenario
from tests.cli.test_command_line import one_line_error, run

PASSWORD = "correct horse"
MARKET = "0x" + "11" * 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a member needs but a chain; nothing listens at the address that it names."""
    Deployment(31337, 1, {"EnergyMarket": MARKET}).save(tmp_path / "deployment.json")  # type: ignore[dict-item]
    (tmp_path / "peers.txt").write_text("http://127.0.0.1:1\n")
    key = demo_account(1, "committee", 0).key
    (tmp_path / "key.json").write_text(json.dumps(Account.encrypt(key, PASSWORD, iterations=2)))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "member.yaml").write_text(
        "# paths count from this file's directory\n"
        "chain: http://127.0.0.1:1\n"
        "deployment: deployment.json\n"
        "peers: peers.txt\n"
        "state: member.sqlite\n"
        "scenario: brooklyn-10\n"
        "keystore: key.json\n"
        "password_file: password\n"
    )
    return tmp_path


def _with(folder: Path, **settings: str) -> str:
    path = folder / "other.yaml"
    lines = dict(line.split(": ", 1) for line in (folder / "member.yaml").read_text().splitlines()[1:])
    path.write_text("".join(f"{key}: {value}\n" for key, value in (lines | settings).items() if value))
    return str(path)


def test_a_member_is_started_from_one_file_and_its_keystore(folder: Path) -> None:
    # All settings were good, the key was opened, and only the chain is missing.
    error = one_line_error(run("oracle", "run", "--config", str(folder / "member.yaml")))
    assert "http://127.0.0.1:1: no chain answers" in error


def test_what_a_member_cannot_be_started_with_is_said_in_one_line(folder: Path) -> None:
    (folder / "wrong").write_text("battery staple\n")
    (folder / "bad-peers.txt").write_text("http://127.0.0.1:1\nneighbour\n")
    (folder / "list.json").write_text("[]")
    (folder / "old.json").write_text('{"version": 1, "crypto": {}}')
    (folder / "hollow.json").write_text('{"version": 3, "crypto": {}}')
    (folder / "binary").write_bytes(b"\xff\xfe")
    for settings, message in (
        ({"colour": "red"}, "other.yaml: colour: unknown key"),
        ({"password_file": "wrong"}, "key.json: this password does not open it"),
        ({"password_file": "binary"}, "binary: no text"),
        ({"password_file": "none"}, "none: cannot be read"),
        ({"keystore": "list.json"}, "list.json: no keystore of version 3"),
        ({"keystore": "password"}, "password: no keystore of version 3"),
        ({"keystore": "old.json"}, "old.json: no keystore of version 3"),
        ({"keystore": "hollow.json"}, "hollow.json: crypto.cipher: is missing"),
        ({"keystore": "missing.json"}, "missing.json: cannot be read"),
        ({"keystore": "", "password_file": ""}, "name either the --keystore"),
        ({"scenario": ""}, "name either the directory of the --forecasts or the --scenario"),
        ({"forecasts": "."}, "name either the directory of the --forecasts or the --scenario"),
        ({"scenario": "", "forecasts": "."}, "--feeder FILE is missing"),
        ({"scenario": "", "forecasts": "nowhere"}, "nowhere: no such directory of forecasts"),
        ({"deployment": "nowhere.json"}, "nowhere.json: no deployment file"),
        ({"peers": "bad-peers.txt"}, "bad-peers.txt:2: 'neighbour' is no address"),
        ({"listen": "here"}, "--listen 'here': give HOST:PORT"),
        ({"rules": "losses=none"}, "losses: 'none': choose"),
    ):
        # In this process, for the sake of time; the test above starts one of its own.
        result = CliRunner().invoke(app, ["oracle", "run", "--config", _with(folder, **settings)])
        assert isinstance(result.exception, PeerwattError), result
        assert message in str(result.exception)
        assert "\n" not in str(result.exception)


def test_a_demonstration_key_is_labelled_as_one(folder: Path) -> None:
    config = _with(folder, keystore="", password_file="", demo_seed="1", member="2")
    result = run("oracle", "run", "--config", config)
    assert result.returncode == 2
    assert result.stderr.startswith("demonstration key of seed 1: anyone can compute it")


def test_a_scenarios_forecasts_are_written_as_members_read_them(tmp_path: Path) -> None:
    result = run("oracle", "forecasts", "brooklyn-10", "--out", str(tmp_path / "forecasts"))
    assert result.returncode == 0, result.stderr
    calendar = load_scenario("brooklyn-10").calendar
    assert f"96 forecasts in {tmp_path / 'forecasts'}, intervals {calendar.first} to" in result.stdout
    directory = ForecastDirectory(tmp_path / "forecasts")
    noon = directory.forecast(calendar.first + 48)
    assert noon is not None
    assert sum(flow.export_wh for flow in noon.participants) > 0
    assert directory.forecast(calendar.first + 96) is None


def test_a_state_or_a_document_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"format": "peerwatt-oracle-inputs-1"}')
    feeder = str(load_scenario("brooklyn-10").directory / "feeder.json")
    missing = str(tmp_path / "none.sqlite")
    assert "none.sqlite: no state" in one_line_error(run("oracle", "status", "--state", missing))
    assert "name the --state" in one_line_error(run("oracle", "inputs", "--interval", "7"))
    error = one_line_error(run("oracle", "derive", str(tmp_path / "notes.json"), "--feeder", feeder))
    assert "notes.json: chain_id: Field required" in error
