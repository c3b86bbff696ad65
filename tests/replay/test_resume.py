"""A replay that was interrupted, or killed, goes on to the very results of one that was not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.replay.interruption import ReplayInterrupted
from peerwatt.replay.run import replay_scenario
from peerwatt.report.files import write_results
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import sealed

INTERVALS = 4
LATE_MORNING = 40
"""Trades are cut from then on."""
MARKETS: dict[str, Callable[[Scenario], Scenario]] = {
    "open": lambda scenario: scenario,
    "sealed": sealed,
    "enveloped": lambda scenario: replace(scenario, envelope=True),
}


class StopAfter:
    """Asks a replay to stop after some of its appointments, counted over all its parts."""

    def __init__(self, appointments: Collection[int]) -> None:
        self.kept = 0
        self._appointments = appointments

    def __call__(self) -> bool:
        self.kept += 1
        return self.kept in self._appointments


def replayed(
    scenario: Scenario,
    chain: str,
    checkpoint: Path | None = None,
    resume: bool = False,
    stop: StopAfter | None = None,
) -> ReplayResult:
    return replay_scenario(
        scenario,
        chain,
        scenario.seed,
        INTERVALS,
        checkpoint=checkpoint,
        resume=resume,
        stop=stop or StopAfter(()),
    )


def tables(result: ReplayResult, directory: Path) -> dict[str, bytes]:
    """The exported CSVs by name."""
    write_results(result, directory)
    return {path.name: path.read_bytes() for path in directory.glob("*.csv")}


@pytest.mark.parametrize(
    ("chain", "market"),
    [
        ("eth-tester", "open"),
        ("anvil", "open"),
        ("anvil", "sealed"),
        ("anvil", "enveloped"),
        pytest.param("eth-tester", "sealed", marks=pytest.mark.long),
        pytest.param("eth-tester", "enveloped", marks=pytest.mark.long),
    ],
)
def test_an_interrupted_replay_goes_on_to_the_same_tables(
    chain: str, market: str, scenario: Scenario, tmp_path: Path
) -> None:
    played = MARKETS[market](from_interval(scenario, LATE_MORNING))
    whole = tables(replayed(played, chain), tmp_path / "whole")
    stop, checkpoint = StopAfter((1, 6, 11, 17, 18)), tmp_path / "checkpoint"
    for part in range(5):
        with pytest.raises(ReplayInterrupted):
            replayed(played, chain, checkpoint, resume=part > 0, stop=stop)
    resumed = tables(replayed(played, chain, checkpoint, resume=True, stop=stop), tmp_path / "resumed")
    assert len(whole) > 4
    assert resumed == whole


def test_a_checkpoint_of_another_replay_is_refused_by_what_differs(
    scenario: Scenario, tmp_path: Path
) -> None:
    played, checkpoint = from_interval(scenario, LATE_MORNING), tmp_path / "checkpoint"
    with pytest.raises(ReplayInterrupted):
        replayed(played, "anvil", checkpoint, stop=StopAfter((1,)))
    with pytest.raises(InputError, match="chain was anvil and is eth-tester now"):
        replayed(played, "eth-tester", checkpoint, resume=True)
    with pytest.raises(InputError, match="sealed was False and is True now"):
        replayed(sealed(played), "anvil", checkpoint, resume=True)
    with pytest.raises(InputError, match="seed was 1 and is 2 now"):
        replay_scenario(played, "anvil", 2, INTERVALS, checkpoint=checkpoint, resume=True)
    with pytest.raises(InputError, match="intervals was 4 and is 5 now"):
        replay_scenario(played, "anvil", 1, 5, checkpoint=checkpoint, resume=True)


def test_nothing_to_go_on_with_is_said_before_a_chain_is_opened(scenario: Scenario, tmp_path: Path) -> None:
    for text, said in (
        (None, "no checkpoint, nothing to go on with"),
        ("something else\n", "not a checkpoint of this version"),
        ('{"format": "peerwatt-checkpoint-0"}\n', "not a checkpoint of this version"),
    ):
        if text is not None:
            (tmp_path / "checkpoint").write_text(text)
        with pytest.raises(InputError, match=said):
            replayed(scenario, "anvil", tmp_path / "checkpoint", resume=True)
    for chain in ("http://localhost:1", "ganache"):
        with pytest.raises(InputError, match=f"no checkpoints are kept of {chain}: replay on eth-tester or"):
            replayed(scenario, chain, tmp_path / "checkpoint", resume=True)


@pytest.mark.long
def test_members_that_are_processes_begin_again_and_go_on(scenario: Scenario, tmp_path: Path) -> None:
    members, checkpoint = tmp_path / "members", tmp_path / "checkpoint"
    with pytest.raises(ReplayInterrupted):
        replay_scenario(
            scenario, "anvil", 1, INTERVALS, committee=members, checkpoint=checkpoint, stop=StopAfter((9,))
        )
    result = replay_scenario(
        scenario, "anvil", 1, INTERVALS, committee=members, checkpoint=checkpoint, resume=True
    )
    assert result.agrees
    assert result.summary.intervals == INTERVALS
    assert "expired" not in {interval.verdict for interval in result.intervals}
