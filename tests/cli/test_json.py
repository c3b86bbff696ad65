"""`--json` prints JSON and nothing else on file descriptor 1, for every verb; where it fails, nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from pathlib import Path

import pytest
from eth_account import Account

from peerwatt.cli.console import print_json
from peerwatt.oracle.signing_record import SigningRecord
from peerwatt.oracle.state import open_state
from peerwatt.scenario.loading import load_scenario
from tests.cli.conftest import Here, small_pilot
from tests.cli.reported import reported_market
from tests.cli.supplied import FIRST_OF_TARIFF, PROPOSED, send_tokens_to_the_supplier, supplied_market
from tests.cli.test_command_line import run
from tests.cli.verbs import verbs
from tests.oracle.test_signing_record import DOMAIN, IDENTITY, inputs_and_judgement, sign

NO_READER = {"oracle run"}
"""Verbs without --json: a member prints the address of its pages and runs on."""

VERDICTS = {"grid n-1": 3}
"""What is called here and finds something: no outage on a radial feeder leaves everybody supplied."""

FEEDER = str(load_scenario("brooklyn-10").directory / "feeder.json")
INJECTIONS = """node,kw,rating_kva,export_limit_kw,import_limit_kw
LV2.101 Bus 40,9,10,20,20
LV2.101 Bus 10,-2,10,20,20
"""
SERIES = """TIME,LV2.101 Bus 40
2016-06-17T00:00:00+00:00,2000
2016-06-17T00:10:00+00:00,-3000
"""
METER = "\n".join(["time,import (kWh)", *(f"2016-06-17T{hour:02}:00Z,1" for hour in range(24))])
CASE = """function mpc = two
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [
  1 3 0 0 0 0 1 1 0 0.4 1 1.1 0.9;
  2 1 0.01 0 0 0 1 1 0 0.4 1 1.1 0.9;
];
mpc.gen = [ 1 0 0 0 0 1 1 1; ];
mpc.branch = [ 1 2 0.01 0.01 0 1 0 0 0 0 1; ];
"""


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[str]]]:
    """What each verb is called with; every verb that has --json must be here."""
    folder = tmp_path_factory.mktemp("json")
    pilot = small_pilot(folder / "pilot")
    (folder / "i.csv").write_text(INJECTIONS)
    (folder / "series.csv").write_text(SERIES)
    (folder / "case.m").write_text(CASE)
    (folder / "meter.csv").write_text(METER)
    (folder / "password").write_text("geheim\n")
    (folder / "key.json").write_text(json.dumps(Account.encrypt(bytes([7]) * 32, "geheim", iterations=2)))
    (folder / "book.json").write_text('[{"id": "a", "side": "buy", "price": 2, "quantity": 4}]')
    inputs, judgement = inputs_and_judgement()
    (folder / "inputs.json").write_text(inputs.to_json())
    with closing(open_state(folder / "member.sqlite", IDENTITY)) as database:
        SigningRecord(database).sign_once(inputs, judgement, DOMAIN, sign)
    table, export = [FEEDER, str(folder / "i.csv")], str(folder / "out" / "east")
    interval = str(judgement.report.interval)
    with reported_market(folder) as public, supplied_market(folder / "supplied") as (small, market):
        send_tokens_to_the_supplier(small, 10**12)
        supplier = [*market, "--demo-seed", str(small.keys.seed)]
        yield {
            "replay": [str(pilot), "--out", str(folder / "out")],
            "compare": [
                str(pilot / "east"), "--mechanisms", "uniform", "--out", str(folder / "compared")
            ],
            "mechanisms": [],
            "grid import": [
                str(folder / "case.m"), "--out", str(folder / "f.json"), "--v-min", "0.9", "--v-max", "1.1"
            ],
            "grid strength": [*table, "--source-mva", "100"],
            "grid check": table,
            "grid curtail": table,
            "grid losses": table,
            "grid charges": [*table, "--total", "1000"],
            "grid envelope": table,
            "grid hosting": [*table, "--node", "LV2.101 Bus 40", "--draws", "3"],
            "grid n-1": [*table, "--branch", "LV2.101 Line 43"],
            "grid series": [FEEDER, str(folder / "series.csv")],
            "scenarios": [],
            "check": ["brooklyn-10"],
            "import meter": [str(folder / "meter.csv")],
            "report": [export],
            "export": [export, "--out", str(folder / "parquet")],
            "clear-book": [str(folder / "book.json")],
            "key new": [str(folder / "new.json"), "--password-file", str(folder / "password")],
            "key check": [str(folder / "key.json"), "--password-file", str(folder / "password")],
            "settle": public[:6],
            "oracle status": ["--state", str(folder / "member.sqlite")],
            "oracle forecasts": [str(pilot / "east"), "--out", str(folder / "forecasts")],
            "oracle inputs": ["--state", str(folder / "member.sqlite"), "--interval", interval],
            "oracle derive": [str(folder / "inputs.json"), "--feeder", FEEDER],
            "oracle verify": [*public, "--feeder", FEEDER],
            "oracle envelope": [*public, "--feeder", FEEDER],
            "supplier show": market,
            "supplier cover": ["1000000", *supplier],
            "supplier accept-tariff": [
                str(FIRST_OF_TARIFF), *(str(price) for price in astuple(PROPOSED)), *supplier
            ],
        }  # fmt: skip


def test_every_verb_but_the_running_member_has_json() -> None:
    assert {name for name, options in verbs().items() if "--json" not in options} == NO_READER


@pytest.mark.parametrize("verb", sorted(name for name in verbs() if name not in NO_READER))
def test_json_is_all_that_is_on_file_descriptor_1(verb: str, commands: dict[str, list[str]]) -> None:
    assert verb in commands, f"say here what `peerwatt {verb} --json` is to be called with"
    if verb in ("report", "export") and not Path(commands[verb][0]).exists():
        run("replay", *commands["replay"])
    result = run(*verb.split(), *commands[verb], "--json")
    assert result.returncode == VERDICTS.get(verb, 0), result.stderr
    assert json.loads(result.stdout)
    assert "Traceback" not in result.stderr


FAILING = {
    "replay": ["atlantis"],
    "compare": ["atlantis"],
    "mechanisms": ["--unknown"],
    "grid import": ["/nowhere.m", "--out", "/nowhere.json", "--v-min", "0.9", "--v-max", "1.1"],
    "grid strength": [FEEDER, "/nowhere.csv"],
    "grid check": [FEEDER, "/nowhere.csv"],
    "grid curtail": [FEEDER, "/nowhere.csv"],
    "grid losses": [FEEDER, "/nowhere.csv"],
    "grid charges": [FEEDER, "/nowhere.csv", "--total", "1"],
    "grid envelope": [FEEDER, "/nowhere.csv"],
    "grid hosting": [FEEDER, "/nowhere.csv"],
    "grid n-1": [FEEDER, "/nowhere.csv"],
    "grid series": [FEEDER, "/nowhere.csv"],
    "scenarios": ["--unknown"],
    "report": ["/nowhere"],
    "export": ["/nowhere"],
    "clear-book": ["/nowhere.json"],
    "settle": ["--deployment", "/nowhere.json"],
    "oracle status": ["--state", "/nowhere.sqlite"],
    "oracle forecasts": ["atlantis", "--out", "/nowhere"],
    "oracle inputs": ["--interval", "7"],
    "oracle derive": ["/nowhere.json", "--feeder", FEEDER],
    "supplier show": ["--deployment", "/nowhere.json"],
    "supplier cover": ["1", "--deployment", "/nowhere.json"],
    "supplier accept-tariff": ["1", "2", "1", "1", "--deployment", "/nowhere.json", "--demo-seed", "1"],
    "key new": [FEEDER],
    "key check": ["/nowhere.json"],
    "oracle verify": ["--interval", "7", "--feeder", FEEDER, "--deployment", "/nowhere.json"],
    "oracle envelope": ["--interval", "7", "--feeder", FEEDER, "--deployment", "/nowhere.json"],
}


@pytest.mark.parametrize("verb", sorted(name for name in verbs() if name not in NO_READER))
def test_where_it_fails_one_line_is_on_stderr_and_nothing_on_stdout(verb: str, here: Here) -> None:
    if verb == "check":  # its answer is a list of problems
        result = here("check", "atlantis", "--json")
        assert json.loads(result.stdout)["problems"]
        assert (result.returncode, result.stderr) == (2, "")
        return
    if verb == "import meter":  # its answer is a list of files, each with what is wrong with it
        result = here("import", "meter", "/nowhere.csv", "--json")
        assert json.loads(result.stdout)["files"][0]["problems"]
        assert (result.returncode, result.stderr) == (2, "")
        return
    result = here(*verb.split(), *FAILING[verb], "--json")
    assert (result.returncode, result.stdout) == (2, ""), result.stderr
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")


def test_a_drawing_that_cannot_be_made_leaves_stdout_empty(tmp_path: Path, here: Here) -> None:
    (tmp_path / "i.csv").write_text(INJECTIONS)
    result = here("grid", "check", FEEDER, str(tmp_path / "i.csv"), "--json", "--draw", "/nowhere/x.svg")
    assert (result.returncode, result.stdout) == (2, "")


def test_numbers_that_json_does_not_have_are_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"loading": [float("inf"), float("nan"), 1.5], "of": (-float("inf"),)})
    assert json.loads(capsys.readouterr().out) == {"loading": [None, None, 1.5], "of": [None]}


def test_json_says_the_same_in_any_encoding(tmp_path: Path) -> None:
    (tmp_path / "book.json").write_text('[{"id": "Müller − Łódź", "side": "buy", "price": 2, "quantity": 4}]')
    for encoding in ("ascii", "cp1252", "utf-8"):
        shown = run("clear-book", str(tmp_path / "book.json"), "--json", PYTHONIOENCODING=encoding)
        assert json.loads(shown.stdout)["fills"] == {"Müller − Łódź": 0}
