"""Where the CPU time of this process goes, by part, and what the nodes that it started take."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

EVERY_SECONDS = 0.004
NODES = ("anvil", "ganache")
LOOK_SECONDS = 0.5

PARTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "py-evm",
        ("/site-packages/eth/", "/trie/", "/rlp/", "/eth_tester/", "/chain/interpreter", "/eth_bloom/"),
    ),
    ("ABI", ("/eth_abi/", "/peerwatt/chain/abi", "/peerwatt/chain/contract")),
    ("signing", ("/eth_keys/", "/eth_account/", "/coincurve/", "/messages/signature", "/chain/demo_keys")),
    ("HTTP", ("/requests/", "/urllib3/", "/http/client", "/web3/", "/peerwatt/chain/")),
    ("power flow and gate", ("/power_grid_model/", "/highspy/", "/peerwatt/grid/", "/peerwatt/highs")),
    ("twin", ("/peerwatt/market/",)),
    ("messages", ("/peerwatt/messages/",)),
    ("report", ("/peerwatt/report/", "/peerwatt/record/", "/matplotlib/")),
    ("scenario and homes", ("/peerwatt/scenario/", "/peerwatt/agents/")),
    ("rest of peerwatt", ("/peerwatt/",)),
)
"""A sample belongs to the first part that the innermost frame of any part has in its file's path."""


def part_of(frame: FrameType | None) -> str:
    """The part that a stack is in."""
    while frame is not None:
        path = frame.f_code.co_filename.replace(os.sep, "/")
        for part, marks in PARTS:
            if any(mark in path for mark in marks):
                return part
        frame = frame.f_back
    return "other"


@contextmanager
def sampled() -> Iterator[Counter[str]]:
    """Samples by part, one every `EVERY_SECONDS` of this process's CPU time."""
    counts: Counter[str] = Counter()

    def take(_: int, frame: FrameType | None) -> None:
        counts[part_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, take)
    signal.setitimer(signal.ITIMER_PROF, EVERY_SECONDS, EVERY_SECONDS)
    try:
        yield counts
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


class NodeSeconds:
    """CPU seconds of the nodes among this process's descendants, read every half second.

    A node is ended by signal and its time never reaches its parent, hence the reading.
    """

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> NodeSeconds:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def total(self) -> float:
        """Of all nodes, s."""
        return sum(self._seconds.values())

    def _follow(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            self._look()

    def _look(self) -> None:
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if process.name() in NODES:
                    spent = process.cpu_times()
                    self._seconds[process.pid] = spent.user + spent.system
