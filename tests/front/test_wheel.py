"""The wheel holds what git has of the package, data files and all, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from email.parser import Parser
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

import peerwatt

ROOT = Path(__file__).parents[2]
PACKAGES = PurePosixPath("python_client")


def tracked(*paths: str) -> list[PurePosixPath]:
    """Files that git has in this tree, and new ones that it does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *paths],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [PurePosixPath(name) for name in filter(None, listed.stdout.split("\0")) if (ROOT / name).exists()]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    """Built from a copy, so that no leftover of an earlier build gets in."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for file in tracked("python_client", "pyproject.toml", "README.md", "LICENSE"):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / file, source / file)
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--retries", "0", "--wheel-dir", str(out)],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    [file] = out.iterdir()
    return ZipFile(file)


def test_the_wheel_has_the_packages_files_and_no_others(wheel: ZipFile) -> None:
    ours = {str(file.relative_to(PACKAGES)) for file in tracked("python_client/peerwatt")}
    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert shipped == ours
    for kind in (".yaml", ".csv", ".json", ".css", ".js", "py.typed"):
        assert any(name.endswith(kind) for name in shipped), f"no {kind} at all: is this the right folder?"


def test_the_wheel_says_the_version_and_names_no_address(wheel: ZipFile) -> None:
    [metadata] = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    fields = Parser().parsestr(wheel.read(metadata).decode())
    assert fields["Version"] == peerwatt.__version__
    assert fields["License-Expression"] == "MIT"
    assert fields.get_all("Project-URL") is None
    assert {"contracts", "grid", "oracle", "pandas", "parquet"} <= set(fields.get_all("Provides-Extra"))
    [scripts] = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "peerwatt = peerwatt.cli:main" in wheel.read(scripts).decode()
