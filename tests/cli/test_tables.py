"""The tables of every verb at 80 columns and in a pipe: a hundred participants with the longest names."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from peerwatt.oracle.signing_record import SigningRecord
from peerwatt.oracle.state import open_state
from peerwatt.scenario.loading import load_scenario
from tests.cli.conftest import Here
from tests.cli.verbs import verbs
from tests.oracle.test_signing_record import DOMAIN, IDENTITY, inputs_and_judgement, sign

WITHOUT_TABLE = {
    "check", "clear-book", "export", "grid import", "grid series", "import meter", "key check", "key new",
    "oracle derive", "oracle envelope", "oracle forecasts", "oracle inputs", "oracle run", "oracle verify",
    "settle", "supplier accept-tariff", "supplier cover", "supplier show",
}  # fmt: skip
OF_A_REPLAY = {"replay", "report"}
"""Tested in tests/report/test_terminal.py."""

SCREEN = 80
FEEDER = str(load_scenario("brooklyn-10").directory / "feeder.json")
NAMES = [f"household-{k:03d}-".ljust(32, "x") for k in range(100)]


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[str], list[str]]]:
    """What each verb is called with, and what must stand whole in what it prints."""
    folder = tmp_path_factory.mktemp("tables")
    nodes = load_scenario("brooklyn-10").feeder.node_names[1:]
    rows = [f"{nodes[k % len(nodes)]},{name},{4 if k % 2 else -1},10,9,9" for k, name in enumerate(NAMES)]
    head = "node,participant,kw,rating_kva,export_limit_kw,import_limit_kw"
    (folder / "i.csv").write_text("\n".join([head, *rows, ""]))
    inputs, judgement = inputs_and_judgement()
    with closing(open_state(folder / "member.sqlite", IDENTITY)) as database:
        SigningRecord(database).sign_once(inputs, judgement, DOMAIN, sign)
    table = [FEEDER, str(folder / "i.csv")]
    return {
        "compare": (
            ["--mechanisms", "uniform,mid-market", "--no-grid", "--out", str(folder / "compared")],
            ["tariff-only", "uniform", "mid-market"],
        ),
        "mechanisms": ([], ["p2p-admm", "virtual-pool"]),
        "scenarios": ([], ["brooklyn-10", "brooklyn-300/suburban"]),
        "grid check": (table, ["LV2.101 Line", "transformer"]),
        "grid strength": ([*table, "--source-mva", "100"], list(nodes[:10])),
        "grid curtail": (table, NAMES[1::2]),
        "grid losses": (table, NAMES),
        "grid charges": ([*table, "--total", "123456789"], NAMES),
        "grid envelope": (table, NAMES),
        "grid hosting": ([*table, "--draws", "3"], list(nodes)),
        "grid n-1": ([*table], ["MV1.101-LV2.101-Trafo 1", "LV2.101 Line 43"]),
        "oracle status": (["--state", str(folder / "member.sqlite")], [str(judgement.report.interval)]),
    }


def test_every_verb_is_known_to_print_a_table_or_not(commands: dict[str, object]) -> None:
    assert set(commands) | WITHOUT_TABLE | OF_A_REPLAY == set(verbs())


@pytest.mark.parametrize("verb", sorted(set(verbs()) - WITHOUT_TABLE - OF_A_REPLAY))
def test_nothing_is_cut(
    verb: str,
    commands: dict[str, tuple[list[str], list[str]]],
    here: Here,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments, whole = commands[verb]
    piped = here(*verb.split(), *arguments).stdout
    for name, value in (("TTY_COMPATIBLE", "1"), ("COLUMNS", str(SCREEN)), ("TERM", "xterm")):
        monkeypatch.setenv(name, value)
    styled = here(*verb.split(), *arguments).stdout
    assert "\x1b" in styled, "this is to look like a terminal"
    screen = re.sub(r"\x1b\[[\d;]*m", "", styled)

    for text in (piped, screen):
        lines = text.splitlines()
        for each in whole:
            assert any(each in line for line in lines), each
    # The ends of hashes are left out on purpose.
    assert not re.search(r"(?<![0-9a-f])…", piped + screen)
    too_long = [line for line in screen.splitlines() if len(line) > SCREEN and not line.startswith("member ")]
    assert too_long == []
    assert sorted(piped.split()) == sorted(screen.split())
