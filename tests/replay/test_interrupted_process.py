"""`peerwatt replay` under Ctrl-C and `kill -9`: it ends cleanly, and `--resume` ends with the same tables."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from peerwatt.scenario.catalogue import SHIPPED
from tests.processes import all_end, descendants

DAYS = 2
HOUR_S = 3600
ROWS = DAYS * 24
COMMAND = (sys.executable, "-c", "from peerwatt.cli import main; main()", "replay")
PATIENCE_S = 240.0


@pytest.fixture(scope="module")
def hourly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """brooklyn-10 by the hour: two days are 48 intervals, and the first checkpoint comes after 24."""
    source, target = SHIPPED / "brooklyn-10", tmp_path_factory.mktemp("scenario") / "hourly"
    for path in source.rglob("*.*"):
        content = path.read_text(encoding="utf-8")
        if content.startswith("TIME,"):
            header, *rows = content.splitlines(keepends=True)
            content = header + "".join(rows[::4][:ROWS])
        content = content.replace("\ndays: 7\n", f"\ndays: {DAYS}\n")
        content = content.replace("interval_length_s: 900", f"interval_length_s: {HOUR_S}")
        written = target / path.relative_to(source)
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(content, encoding="utf-8")
    return target


def command(scenario: Path, chain: str, out: Path) -> list[str]:
    return [*COMMAND, str(scenario), "--days", str(DAYS), "--chain", chain, "--out", str(out)]


def tables(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.glob("*.csv")}


@pytest.fixture(scope="module")
def whole(hourly: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The tables of a replay that nobody interrupted."""
    out = tmp_path_factory.mktemp("whole") / "report"
    subprocess.run(command(hourly, "anvil", out), check=True, capture_output=True)
    return tables(out)


@contextmanager
def at_its_first_checkpoint(scenario: Path, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """A replay that has just kept its first checkpoint; ended afterwards, if it has not ended."""
    process = subprocess.Popen(
        [*command(scenario, "anvil", out), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not kept(out).exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "no checkpoint comes"
            time.sleep(0.05)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def kept(out: Path) -> Path:
    return out.with_name(f"{out.name}.checkpoint")


def resumed(scenario: Path, out: Path) -> dict[str, bytes]:
    """The tables, after it went on."""
    subprocess.run([*command(scenario, "anvil", out), "--resume"], check=True, capture_output=True)
    assert not kept(out).exists()
    return tables(out)


def test_ctrl_c_ends_in_one_line_that_says_how_to_go_on(
    hourly: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    with at_its_first_checkpoint(hourly, out) as process:
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        said, warned = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert said == ""
    [line] = warned.splitlines()
    assert re.match(r"interrupted after \d\d of 48 intervals; to go on: peerwatt replay .* --resume$", line)
    assert started
    assert all_end(started, PATIENCE_S)
    assert not out.exists()
    assert resumed(hourly, out) == whole


@pytest.mark.long
def test_a_killed_replay_goes_on_from_its_last_checkpoint(
    hourly: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "report"
    with at_its_first_checkpoint(hourly, out) as process:
        started = descendants(process.pid)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE_S)
    assert started
    assert all_end(started, PATIENCE_S)
    assert resumed(hourly, out) == whole
