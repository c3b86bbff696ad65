"""What tests of the command need: a pilot that is replayed within seconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.cli import main
from peerwatt.scenario.catalogue import SHIPPED

HOURS = 24
HOMES = ("ada", "works", "bakery")


Here = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs `peerwatt` in this process, for the sake of time; see `here`."""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """Run `peerwatt` in this process: what is on its file descriptors, and its exit code."""

    def run_here(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["peerwatt", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out, err)

    return run_here


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    """A pilot that a test may spoil."""
    return small_pilot(tmp_path / "pilot")


def small_pilot(directory: Path) -> Path:
    """Two zones with a day of hours: three homes of brooklyn-10, and the same with another seed."""
    for zone, seed in (("east", 1), ("west", 2)):
        folder = directory / zone
        shutil.copytree(SHIPPED / "brooklyn-10", folder)
        for path in folder.rglob("*.csv"):
            header, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
            if header.startswith("TIME,"):
                path.write_text(header + "".join(rows[: 4 * HOURS : 4]), encoding="utf-8")
        table = folder / "participants.csv"
        header, *rows = table.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [row for row in rows if row.startswith(HOMES)]
        table.write_text(header + "".join(kept), encoding="utf-8")
        for path in (folder / "profiles").iterdir():
            if path.stem not in HOMES:
                path.unlink()
        file = folder / "scenario.yaml"
        text = file.read_text(encoding="utf-8")
        for old, new in (("days: 7", "days: 1"), ("_s: 900", "_s: 3600"), ("seed: 1\n", f"seed: {seed}\n")):
            assert text.count(old) == 1
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
    return directory
