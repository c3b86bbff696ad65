"""The scenarios' data are what their script derives from SimBench, byte for byte. Needs the `grid` extra."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import peerwatt
from derive_simbench import SLICES, derive

SCENARIOS = Path(peerwatt.__file__).parent / "scenarios"


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long) if "/" in name else name for name in sorted(SLICES)],
)
def test_the_script_reproduces_every_file(name: str, tmp_path: Path) -> None:
    derive(name, SLICES[name], tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    members = SLICES[name].members
    assert len(made) == 4 + (members if isinstance(members, int) else len(members))
    for path in made:
        stored_path = SCENARIOS / name / path
        if path.name == "feeder.json":  # the version of pandapower is noted in it
            stored, fresh = (json.loads(file.read_text()) for file in (stored_path, tmp_path / path))
            stored["provenance"].pop("pandapower")
            fresh["provenance"].pop("pandapower")
            assert stored == fresh
        else:
            assert stored_path.read_bytes() == (tmp_path / path).read_bytes(), path
