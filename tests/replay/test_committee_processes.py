"""A replay whose committee is four processes gives what a replay with the committee inside gives."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from peerwatt.record.results import ReplayResult
from peerwatt.replay.run import replay_scenario
from peerwatt.scenario.loading import load_scenario
from peerwatt.verdict import Verdict

INTERVALS = 3
STARTED = re.compile(r"oracle member (\d): process (\d+), (http://\S+),")
AGAIN = re.compile(r"oracle member (\d) died; started again as process (\d+)")


def _members(said: str) -> dict[str, tuple[int, str]]:
    """The newest process of each member, and its address, which stays."""
    newest = {index: int(process) for index, process, _ in STARTED.findall(said)}
    newest |= {index: int(process) for index, process in AGAIN.findall(said)}
    return {index: (newest[index], url) for index, _, url in STARTED.findall(said)}


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).json()["block"] is not None
    except httpx.HTTPError:
        return False


def _replay(folder: Path | None, *, envelope: bool = False) -> ReplayResult:
    scenario = replace(load_scenario("brooklyn-10"), envelope=envelope)
    return replay_scenario(scenario, "anvil", scenario.seed, INTERVALS, committee=folder)


class _Spoil(logging.Handler):
    """Takes the peers' addresses away as soon as members are heard of."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.peers = folder / "peers.txt"

    def emit(self, record: logging.LogRecord) -> None:
        self.peers.write_text("")


def test_members_as_processes_report_what_the_committee_inside_does(tmp_path: Path) -> None:
    _same(_replay(None), _replay(tmp_path / "committee"))


def test_members_as_processes_publish_the_envelopes_that_the_committee_inside_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inside, processes = _replay(None, envelope=True), _replay(tmp_path / "committee", envelope=True)
    _same(inside, processes)
    assert inside.summary.envelopes == processes.summary.envelopes == INTERVALS
    assert "no operating envelope" not in caplog.text


def _same(inside: ReplayResult, processes: ReplayResult) -> None:
    assert processes.summary.reference_mismatches == inside.summary.reference_mismatches == 0
    assert processes.summary.conservation_error == 0
    for outside, own in zip(processes.intervals, inside.intervals, strict=True):
        assert (outside.verdict, outside.accepted_wh, outside.price) == (
            own.verdict,
            own.accepted_wh,
            own.price,
        )
    assert [p.lines for p in processes.participants] == [p.lines for p in inside.participants]


@pytest.mark.long
def test_a_committee_that_cannot_agree_expires_and_the_books_still_match(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Without each other's addresses nobody ever has a quorum.
    caplog.set_level(logging.INFO, "peerwatt.replay")
    spoil = _Spoil(tmp_path / "committee")
    logging.getLogger("peerwatt.replay").addHandler(spoil)
    try:
        result = _replay(tmp_path / "committee")
    finally:
        logging.getLogger("peerwatt.replay").removeHandler(spoil)
    assert {interval.verdict for interval in result.intervals} == {Verdict.EXPIRED}
    silent = [line for line in caplog.messages if "the committee was silent, it expires" in line]
    assert len(silent) == INTERVALS
    assert result.summary.reference_mismatches == 0
    assert result.summary.conservation_error == 0


@pytest.mark.long
def test_a_day_of_envelopes_by_processes_is_the_day_with_the_committee_inside(tmp_path: Path) -> None:
    scenario = replace(load_scenario("brooklyn-10"), envelope=True)
    result = replay_scenario(scenario, "anvil", scenario.seed, 96, committee=tmp_path / "committee")
    summary = result.summary
    assert summary.reference_mismatches == summary.conservation_error == 0
    assert {interval.verdict for interval in result.intervals} == {Verdict.ACCEPT}
    assert (summary.envelopes, summary.traded_wh, summary.accepted_wh) == (96, 107_538, 107_538)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_a_day_with_members_killed_at_random_is_the_same_day(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    log = tmp_path / "stderr"
    with log.open("wb") as stderr:
        replay = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-c",
                    "from peerwatt.cli import main; main()",
                    "replay",
                    "--chain",
                    "anvil",
                ),
                *("--committee", "processes", "--out", str(tmp_path / "report"), "--json"),
            ],
            stdout=subprocess.PIPE,
            stderr=stderr,
            cwd=Path(__file__).parents[2],
        )
    kills = 0
    try:
        while replay.poll() is None:
            # Whoever was killed comes back first: what is down for good is another test's subject.
            members = _members(log.read_text())
            if len(members) == 4 and all(_answers(url) for _, url in members.values()):
                time.sleep(draw.uniform(0, 2))
                for index in draw.sample(sorted(members), draw.choice((1, 1, 2))):
                    with suppress(ProcessLookupError):
                        os.kill(members[index][0], signal.SIGKILL)
                        kills += 1
            time.sleep(0.1)
        output = replay.stdout.read() if replay.stdout is not None else b""
    finally:
        if replay.poll() is None:
            replay.kill()
        replay.wait()
        if replay.stdout is not None:
            replay.stdout.close()
    assert replay.returncode == 0, log.read_text()
    assert kills > 10
    summary = json.loads(output)
    assert summary["reference_mismatches"] == summary["conservation_error"] == 0
    assert summary["verdicts"]["expired"] == 0
    assert (summary["verdicts"]["accept"], summary["verdicts"]["curtail"]) == (71, 25)
