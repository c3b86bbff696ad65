"""Progress is drawn on a terminal alone; elsewhere it is a plain line now and then."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

import peerwatt
from peerwatt.cli.progress import EVERY_S, PlainLines

COMPARE = ("compare", "--mechanisms", "uniform,mid-market", "--no-grid")
DAY_S, MONTH = 86_400, 2_880


class VirtualClock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_day_of_work_writes_dozens_of_lines_and_half_a_minute_none() -> None:
    clock, lines = VirtualClock(), list[str]()
    work = PlainLines(["rural on anvil", "urban on anvil"], "intervals", lines.append, clock)
    for k in range(MONTH):
        clock.now = 1_000.0 + DAY_S * k / MONTH
        work.advance(0, k, MONTH)
        work.advance(1, k // 2, MONTH)
        if clock.now - 1_000 < EVERY_S:
            assert lines == []
    assert 20 < len(lines) < 100
    assert lines[0] == "after 30 s rural on anvil: 1 of 2880 intervals, urban on anvil: 0 of 2880 intervals"
    assert re.fullmatch(
        r"after \d+ s rural on anvil: \d+ of 2880 intervals, urban on anvil: \d+ of 2880 intervals", lines[-1]
    )


def on_a_screen(*arguments: str, **environment: str) -> tuple[str, str]:
    """What `peerwatt` writes to standard output and to standard error, which is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "peerwatt", *arguments],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        env={**os.environ, "PYTHONPATH": str(Path(peerwatt.__file__).parents[1]), **environment},
    )
    os.close(slave)
    assert process.stdout is not None
    parts = []
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:  # its other end is closed
            break
        if not part:
            break
        parts.append(part)
    out = process.stdout.read().decode()
    assert process.wait() == 0
    os.close(master)
    return out, b"".join(parts).decode()


@pytest.mark.parametrize(("term", "drawn"), [("xterm", True), ("dumb", False)])
def test_a_terminal_that_cannot_move_its_cursor_is_not_asked_to(
    term: str, drawn: bool, tmp_path: Path
) -> None:
    out, err = on_a_screen(*COMPARE, "--out", str(tmp_path), TERM=term)
    assert ("\x1b" in err) == drawn
    assert f"page: {tmp_path / 'compare.html'}" in err.replace("\r\n", "\n")
    assert "\x1b" not in out
