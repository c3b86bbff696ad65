"""A replay from a scenario's name to its results: opens the chain, replays, derives the results."""

from __future__ import annotations

from pathlib import Path

from peerwatt.chain import open_network
from peerwatt.record.derivation import results
from peerwatt.record.results import ReplayResult
from peerwatt.replay.committee_processes import CommitteeProcesses
from peerwatt.replay.replay import Progress, Replay
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

SETUP_S = 86_400
"""A chain that is started here begins a day before the scenario: time to deploy, register and deposit."""


def replay_scenario(
    scenario: Scenario,
    chain: str,
    seed: int,
    intervals: int,
    progress: Progress = lambda done, of: None,
    *,
    chain_id: int | None = None,
    committee: Path | None = None,
) -> ReplayResult:
    """Replay a scenario from its first interval on.

    Args:
        scenario: what to replay.
        chain: `eth-tester`, `ganache`, `anvil`, or the URL of a node whose clock may be set.
        seed: of every draw and key.
        intervals: how many.
        progress: told after every settled interval.
        chain_id: the chain that must be found; any is fine without it.
        committee: folder for the states of a committee of processes; without it, it is in this process.

    Raises:
        PeerwattError: the chain cannot be opened, or it or the feeder refused.
    """
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network(chain, genesis_time=genesis, sealed=True, chain_id=chain_id) as network:
        if committee is None:
            return results(Replay(scenario, network, seed, intervals).run(progress))
        with CommitteeProcesses(network, scenario, PilotKeys(seed), committee) as processes:
            return results(Replay(scenario, network, seed, intervals, processes).run(progress))
