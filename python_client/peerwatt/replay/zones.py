"""The zones of a pilot, replayed in worker processes: each has a chain of its own."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from peerwatt.chain.networks import EMBEDDED
from peerwatt.chain.nodes import NODES
from peerwatt.errors import InputError, PeerwattError
from peerwatt.record.results import ReplayResult
from peerwatt.replay.interruption import Interruption, ReplayInterrupted
from peerwatt.replay.run import replay_scenario
from peerwatt.scenario.scenario import Scenario

GRACE_SECONDS: Final = 10.0
"""How long a worker that is told to end may take to end the step at hand, and its node."""
POLL_SECONDS: Final = 0.2
"""How often it is asked whether to stop."""


@dataclass(frozen=True)
class ZoneJob:
    """One zone to replay.

    Attributes:
        scenario: what to replay.
        seed: of every draw and key.
        intervals: how many.
        committee: folder for the states of a committee of processes; without it, it is in the zone's process.
        checkpoint: file for its checkpoints.
        resume: whether to go on from the last of these.
    """

    scenario: Scenario
    seed: int
    intervals: int
    committee: Path | None = None
    checkpoint: Path | None = None
    resume: bool = False


@dataclass(frozen=True)
class _Progress:
    done: int
    of: int


@dataclass(frozen=True)
class _Failure:
    line: str
    expected: bool


Keep = Callable[[int, ReplayResult], None]
"""What is done with the result of a job by its number, in the process that has it; can be pickled."""


def replay_zones(
    jobs: Sequence[ZoneJob],
    chain: str,
    *,
    workers: int | None = None,
    progress: Callable[[int, int, int], None] = lambda job, done, of: None,
    keep: Keep | None = None,
    chain_id: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[ReplayResult]:
    """Replay zones; the results are those of replaying them one after another.

    Args:
        jobs: what to replay.
        chain: as for `replay_scenario`; each zone gets a chain of its own. A node behind a URL has one clock,
            so that zones on it go one after another.
        workers: how many zones at a time; as many as there are cores by default, 1 for all in this process.
        progress: told after every settled interval of which job, how many and of how many.
        keep: called with each result as it comes, where it is.
        chain_id: the chain that must be found; any is fine without it.
        stop: asked again and again; if so, every zone ends after the step at hand, with a checkpoint.

    Returns:
        The results in the order of the jobs.

    Raises:
        InputError: there are to be no workers.
        PeerwattError: one zone could not be replayed; the others were ended.
        ReplayInterrupted: they were to stop.
    """
    workers = len(os.sched_getaffinity(0)) if workers is None else workers
    if workers < 1:
        raise InputError(f"workers {workers}: give at least 1")
    if min(workers, len(jobs)) > 1 and chain in (EMBEDDED, *NODES):
        return _side_by_side(jobs, chain, workers, progress, keep, chain_id, stop)
    results = []
    for number, job in enumerate(jobs):

        def advance(done: int, of: int, number: int = number) -> None:
            progress(number, done, of)

        results.append(_replay(job, chain, chain_id, advance, stop))
        if keep is not None:
            keep(number, results[-1])
    return results


def _replay(
    job: ZoneJob,
    chain: str,
    chain_id: int | None,
    progress: Callable[[int, int], None],
    stop: Callable[[], bool],
) -> ReplayResult:
    return replay_scenario(
        job.scenario,
        chain,
        job.seed,
        job.intervals,
        progress,
        chain_id=chain_id,
        committee=job.committee,
        checkpoint=job.checkpoint,
        resume=job.resume,
        stop=stop,
    )


def _side_by_side(
    jobs: Sequence[ZoneJob],
    chain: str,
    workers: int,
    progress: Callable[[int, int, int], None],
    keep: Keep | None,
    chain_id: int | None,
    stop: Callable[[], bool],
) -> list[ReplayResult]:
    context, level = get_context("spawn"), logging.getLogger(__name__).getEffectiveLevel()
    waiting = list(enumerate(jobs))
    running: dict[Connection, tuple[int, BaseProcess]] = {}
    results: dict[int, ReplayResult] = {}
    settled = dict.fromkeys(range(len(jobs)), 0)

    def begin(number: int, job: ZoneJob) -> None:
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(theirs, number, job, chain, chain_id, keep, level))
        with _interrupts_for_this_process_only():
            process.start()
        theirs.close()
        running[ours] = (number, process)

    try:
        while waiting or running:
            while waiting and len(running) < workers:
                begin(*waiting.pop(0))
            if stop():
                raise ReplayInterrupted(sum(settled.values()), sum(job.intervals for job in jobs))
            for connection in wait(list(running), POLL_SECONDS):
                assert isinstance(connection, Connection)
                number, process = running[connection]
                try:
                    said = connection.recv()
                except EOFError:
                    del running[connection]
                    process.join()
                    if number not in results:
                        raise PeerwattError(
                            f"{jobs[number].scenario.name}: its process ended with exit code "
                            f"{process.exitcode}: "
                            "free memory, or use fewer workers"
                        ) from None
                    continue
                match said:
                    case _Progress():
                        settled[number] = said.done
                        progress(number, said.done, said.of)
                    case logging.LogRecord():
                        logger = logging.getLogger(said.name)
                        if logger.isEnabledFor(said.levelno):
                            logger.handle(said)
                    case _Failure(line, expected):
                        name = jobs[number].scenario.name
                        raise (PeerwattError if expected else RuntimeError)(f"{name}: {line}")
                    case ReplayResult():
                        results[number] = said
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.join(GRACE_SECONDS)
            if process.is_alive():
                process.kill()
                process.join()
    return [results[number] for number in range(len(jobs))]


def _work(
    parent: Connection,
    number: int,
    job: ZoneJob,
    chain: str,
    chain_id: int | None,
    keep: Keep | None,
    level: int,
) -> None:
    """One worker's whole life. It is ended with SIGTERM, the first of which lets it keep a checkpoint."""
    signal.signal(signal.SIGTERM, _leave)
    _log_to(parent, job.scenario.name, level)
    try:
        with Interruption(signal.SIGTERM) as stop:
            result = _replay(job, chain, chain_id, lambda done, of: parent.send(_Progress(done, of)), stop)
        if keep is not None:
            keep(number, result)
        parent.send(result)
    except (BrokenPipeError, ReplayInterrupted):
        # Whoever started it is gone, or told it to stop.
        pass
    except PeerwattError as error:
        parent.send(_Failure(str(error), expected=True))
    except Exception as error:
        parent.send(_Failure(f"{type(error).__name__}: {error}", expected=False))
        raise
    finally:
        parent.close()


class _ToParent(logging.handlers.QueueHandler):
    """Sends log records to the process that started this one, with the zone's name before them."""

    def __init__(self, parent: Connection, zone: str) -> None:
        super().__init__(queue.SimpleQueue())
        self._parent = parent
        self._zone = zone

    def enqueue(self, record: logging.LogRecord) -> None:
        record.msg = f"{self._zone}: {record.msg}"
        self._parent.send(record)


def _log_to(parent: Connection, zone: str, level: int) -> None:
    """Let the package's log go to the process that started this one."""
    package = logging.getLogger("peerwatt")
    package.handlers = [_ToParent(parent, zone)]
    package.setLevel(level)
    package.propagate = False


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


@contextmanager
def _interrupts_for_this_process_only() -> Iterator[None]:
    """What is started here does not hear Ctrl-C: whoever started it tells it when to end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
