"""A one-day copy of the shipped scenario that a test may spoil."""

from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.scenario.catalogue import SHIPPED

DAY = 96


@pytest.fixture(scope="session")
def one_day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of brooklyn-10 by relative path, cut to the first day."""
    source = SHIPPED / "brooklyn-10"
    files = {}
    for path in sorted(source.rglob("*")):
        if path.is_dir():
            continue
        name, content = str(path.relative_to(source)), path.read_text(encoding="utf-8")
        if content.startswith("TIME,"):
            content = "".join(content.splitlines(keepends=True)[: DAY + 1])
        files[name] = content.replace("\ndays: 7\n", "\ndays: 1\n")
    return files


@pytest.fixture
def spoil(tmp_path: Path, one_day: dict[str, str]) -> Callable[..., Path]:
    """A function that writes the scenario with one file changed: `spoil(file, old, new)`."""

    def write(file: str | None = None, old: str = "", new: str | None = "") -> Path:
        for name, content in one_day.items():
            if name == file:
                if new is None:
                    continue
                assert old in content, f"{old!r} is not in {file}"
                content = content.replace(old, new, 1)
            path = tmp_path / "village" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return tmp_path / "village"

    return write
