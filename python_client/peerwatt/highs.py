"""The HiGHS solver, silent: whatever a version of it prints, nothing reaches standard output.

HiGHS 1.16 prints its name once per process on file descriptor 1, when the first solver is constructed and
before any option can be set. `peerwatt … --json` writes to that descriptor.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import highspy

STDOUT: Final = 1


def silent_solver() -> highspy.Highs:
    """A solver with its output off, on one thread: the same input gives the same output."""
    _print_banner_to_nowhere()
    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


@functools.cache
def _print_banner_to_nowhere() -> None:
    with _stdout_discarded():
        highspy.Highs()  # type: ignore[no-untyped-call]


@contextmanager
def _stdout_discarded() -> Iterator[None]:
    """Discard what native code writes to file descriptor 1 meanwhile; what Python has buffered stays."""
    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(STDOUT)
    except OSError:  # closed: nothing can be printed there
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, STDOUT)
        yield
        _flush_native()
    finally:
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.close(nowhere)


def _flush_native() -> None:
    """Write out what the C library still holds, while it goes nowhere."""
    library = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)
    library.fflush(None)
