"""The scenario's data are what its script derives from SimBench, byte for byte. Needs the `grid` extra."""

from __future__ import annotations

import json
from pathlib import Path

import peerwatt
from derive_simbench import SLICES, derive

SCENARIO = Path(peerwatt.__file__).parent / "scenarios" / "brooklyn-10"


def test_the_script_reproduces_every_file(tmp_path: Path) -> None:
    derive("brooklyn-10", SLICES["brooklyn-10"], tmp_path)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert len(made) == 4 + len(SLICES["brooklyn-10"].members)
    for path in made:
        if path.name == "feeder.json":  # the version of pandapower is noted in it
            stored, fresh = (json.loads((root / path).read_text()) for root in (SCENARIO, tmp_path))
            stored["provenance"].pop("pandapower")
            fresh["provenance"].pop("pandapower")
            assert stored == fresh
        else:
            assert (SCENARIO / path).read_bytes() == (tmp_path / path).read_bytes(), path
