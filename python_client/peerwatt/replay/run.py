"""A replay from a scenario's name to its results: opens the chain, replays, derives the results."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from peerwatt.chain import DEPLOYMENTS, open_network
from peerwatt.chain.networks import EMBEDDED
from peerwatt.chain.nodes import NODES
from peerwatt.chain.redaction import without_urls
from peerwatt.errors import InputError
from peerwatt.record.derivation import Derivation
from peerwatt.record.results import ReplayResult
from peerwatt.replay.checkpoint import CheckpointFile
from peerwatt.replay.committee_processes import CommitteeProcesses
from peerwatt.replay.identity import identity
from peerwatt.replay.replay import Progress, Replay
from peerwatt.scenario import variants
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.market_clock import SETUP_S
from peerwatt.scenario.scenario import Scenario

RESUMABLE: Final = (EMBEDDED, "anvil")
"""Chains that come to the same state again by the same blocks. Ganache orders a block's transactions by a
rule of its own, and the chain of a node behind a URL goes on by itself."""


def replay_scenario(
    scenario: Scenario,
    chain: str,
    seed: int,
    intervals: int,
    progress: Progress = lambda done, of: None,
    *,
    chain_id: int | None = None,
    committee: Path | None = None,
    checkpoint: Path | None = None,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
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
        checkpoint: file for the replay's checkpoints, on a chain of `RESUMABLE`; whoever has written down the
            results removes it.
        resume: go on from the file's last checkpoint.
        stop: asked after every step; if so, the replay ends there, with a checkpoint.

    Raises:
        PeerwattError: the chain cannot be opened, it or the feeder refused, or there is no checkpoint.
        ReplayInterrupted: it was to stop.
    """
    file = None
    if checkpoint is not None and chain in RESUMABLE:
        file = CheckpointFile(checkpoint, identity(scenario, chain, seed, intervals, committee))
        if resume:
            file.require()
    elif resume:
        shown = without_urls(chain)
        raise InputError(f"--resume: no checkpoints are kept of {shown}: replay on {' or '.join(RESUMABLE)}")
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with ExitStack() as stack:
        if file is not None:
            stack.enter_context(file)
        network = stack.enter_context(
            open_network(chain, genesis_time=genesis, sealed=True, chain_id=chain_id)
        )
        if chain not in (EMBEDDED, *NODES) and network.latest_timestamp() < genesis:
            # A node that was started for another day: the first orders come by its clock.
            network.advance_to(genesis)
        processes = None
        if committee is not None:
            processes = stack.enter_context(CommitteeProcesses(network, scenario, PilotKeys(seed), committee))
        # A chain that is started here ends with the replay; at a node's, the market is there afterwards.
        kept = None if chain in (EMBEDDED, *NODES) else DEPLOYMENTS
        replay = Replay(scenario, network, seed, intervals, processes, deployments=kept)
        derivation = Derivation(scenario, seed)
        replayed = replay.run(progress, take=derivation.take, checkpoints=file, resume=resume, stop=stop)
        return derivation.results(replayed)


def replay(
    scenario: Scenario | str | Path,
    *,
    chain: str = "eth-tester",
    days: int = 1,
    seed: int | None = None,
    mechanism: str | None = None,
    sealed: bool | None = None,
    envelope: bool | None = None,
    progress: Progress | None = None,
) -> ReplayResult:
    """Replay a neighbourhood's market on a real EVM, as `peerwatt replay` does.

    Args:
        scenario: what to replay, or what `load_scenario` takes.
        chain: `eth-tester` (in this process), `ganache`, `anvil`, or the URL of a node whose clock may be
            set.
        days: how many of the scenario's days, from its first on.
        seed: of every draw and key; the scenario's where None.
        mechanism: pricing rule, by its name in `peerwatt mechanisms`; the scenario's where None.
        sealed: hide orders until gate closure, under a bond; as the scenario says where None.
        envelope: publish operating envelopes before gate closure; as the scenario says where None.
        progress: called with the number of settled intervals and of all intervals.

    Returns:
        Everything that came of it, in Wh and base units; `peerwatt.frames` makes DataFrames of it.

    Raises:
        InputError: an argument cannot be used, or the scenario has fewer days.
        PeerwattError: the chain cannot be opened, or it or the feeder refused.
    """
    found = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    if not 1 <= days <= found.calendar.days:
        raise InputError(f"days is {days}: scenario {found.name} has {found.calendar.days}; ask for fewer")
    found = variants.chosen(found, mechanism, sealed, envelope)
    return replay_scenario(
        found,
        chain,
        found.seed if seed is None else seed,
        days * found.calendar.per_day,
        progress or (lambda done, of: None),
    )
