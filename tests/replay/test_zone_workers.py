"""Zones in worker processes: the results of one after another, and one end for all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.errors import InputError, PeerwattError
from peerwatt.record.results import ReplayResult
from peerwatt.replay.zones import ZoneJob, replay_zones
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario
from tests.processes import all_end, bearing, descendants

INTERVALS = 3
SECONDS = 60.0
MARK = "PEERWATT_TEST_OF"

DAYS_OF_TWO = """
from peerwatt.replay.zones import ZoneJob, replay_zones
from peerwatt.scenario.loading import load_scenario

if __name__ == "__main__":
    scenario = load_scenario("brooklyn-10")
    jobs = [ZoneJob(scenario, seed, 96) for seed in (1, 2)]
    replay_zones(jobs, "anvil", workers=2, progress=lambda job, done, of: print(job, done, flush=True))
"""


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


def note(folder: Path, number: int, result: ReplayResult) -> None:
    (folder / str(number)).write_text(str(os.getpid()))


class Note:
    """Says in which process a result was kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, number: int, result: ReplayResult) -> None:
        note(self.folder, number, result)


@pytest.mark.parametrize("chain", ["anvil", "eth-tester"])
def test_results_are_those_of_one_zone_after_another(scenario: Scenario, chain: str, tmp_path: Path) -> None:
    jobs = [ZoneJob(scenario, seed, INTERVALS) for seed in (1, 2, 3)]
    told: list[tuple[int, int, int]] = []
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    alone = replay_zones(jobs, chain, workers=1, keep=Note(tmp_path / "one"))
    together = replay_zones(
        jobs,
        chain,
        workers=2,
        progress=lambda job, done, of: told.append((job, done, of)),
        keep=Note(tmp_path / "two"),
    )
    for ours, theirs in zip(together, alone, strict=True):
        assert replace(ours.summary, wall_seconds=0.0) == replace(theirs.summary, wall_seconds=0.0)
        assert (ours.orders, ours.intervals) == (theirs.orders, theirs.intervals)
    assert [result.summary.seed for result in together] == [1, 2, 3]
    for job in range(3):
        assert [done for number, done, of in told if (number, of) == (job, INTERVALS)] == [1, 2, 3]
    assert {(tmp_path / "one" / str(job)).read_text() for job in range(3)} == {str(os.getpid())}
    assert str(os.getpid()) not in {(tmp_path / "two" / str(job)).read_text() for job in range(3)}


def test_error_of_one_zone_names_it_in_one_line_and_ends_the_others(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two of three members are no quorum: the contract refuses the deployment.
    broken = replace(scenario, name="east", committee=replace(scenario.committee, quorum=1))
    jobs = [ZoneJob(scenario, 1, 96), ZoneJob(broken, 1, 96)]
    # Nodes are told by their environment: one that is left behind has another parent by then.
    monkeypatch.setenv(MARK, str(tmp_path))
    began = time.monotonic()
    with pytest.raises(PeerwattError, match=r"^east: the contract refused: \w+") as caught:
        replay_zones(jobs, "anvil", workers=2)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < SECONDS
    assert all_end(bearing(MARK, str(tmp_path), "anvil"))


def test_interrupt_ends_all_zones_and_their_nodes(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(DAYS_OF_TWO)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        seen: set[str] = set()
        while len(seen) < 2:
            seen.add(process.stdout.readline().split()[0])
        nodes = descendants(process.pid, "anvil")
        assert len(nodes) == 2
        # As a terminal does on Ctrl-C: to everybody in the group.
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
        process.wait()
    assert said.count("Traceback") == 1
    assert said.rstrip().endswith("KeyboardInterrupt")
    assert all_end(nodes)


def test_worker_that_dies_is_told_of(scenario: Scenario) -> None:
    jobs = [ZoneJob(scenario, seed, INTERVALS) for seed in (1, 2)]
    with pytest.raises(PeerwattError, match=r"^brooklyn-10: its process ended with exit code 9: free memory"):
        replay_zones(jobs, "anvil", workers=2, keep=die)


def die(number: int, result: ReplayResult) -> None:
    """What a result may be kept by: nothing good."""
    os._exit(9)


def test_no_workers_are_too_few(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="workers 0: give at least 1"):
        replay_zones([ZoneJob(scenario, 1, 1)], "anvil", workers=0)
