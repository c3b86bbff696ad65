"""A feeder file is identified by what it says, and refused by the name of the element that is wrong."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder, canonical_bytes
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.feeder_file import load_feeder, write_feeder


@pytest.fixture
def document(feeder: Feeder) -> dict[str, Any]:
    return copy.deepcopy(dict(feeder.document))


def test_hash_is_of_the_content_not_of_the_layout(
    feeder: Feeder, document: dict[str, Any], tmp_path: Path
) -> None:
    assert len(feeder.feeder_hash) == 32
    backwards = dict(reversed(document.items()))
    (tmp_path / "f.json").write_text(json.dumps(backwards, indent=7))
    assert load_feeder(tmp_path / "f.json").feeder_hash == feeder.feeder_hash
    assert write_feeder(document, tmp_path / "g.json").feeder_hash == feeder.feeder_hash
    assert canonical_bytes(json.loads((tmp_path / "g.json").read_text())) == canonical_bytes(document)


def test_one_tap_changes_the_hash(feeder: Feeder, document: dict[str, Any]) -> None:
    document["power_grid_model"]["data"]["transformer"][0]["tap_pos"] += 1
    assert feeder_from_document(document).feeder_hash != feeder.feeder_hash


def _isolate(d: dict[str, Any]) -> None:
    line = d["power_grid_model"]["data"]["line"][-1]
    line["from_status"] = 0


def _unrate(d: dict[str, Any]) -> None:
    del d["power_grid_model"]["data"]["line"][3]["i_n"]


def _unknown_key(d: dict[str, Any]) -> None:
    d["voltage_unit"] = "kV"


def _no_limit(d: dict[str, Any]) -> None:
    del d["limits"]["v_max_pu"]


def _limit_in_percent(d: dict[str, Any]) -> None:
    d["limits"]["v_max_pu"] = 105.8


def _unnamed(d: dict[str, Any]) -> None:
    del d["names"]["9"]


def _twin_names(d: dict[str, Any]) -> None:
    d["names"]["9"] = d["names"]["8"]


def _negative_resistance(d: dict[str, Any]) -> None:
    d["power_grid_model"]["data"]["transformer"][0]["uk"] = -0.06


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (_isolate, "is isolated"),
        (_unrate, "no rated current i_n"),
        (_unknown_key, "unknown key 'voltage_unit'"),
        (_no_limit, "limits.v_max_pu is missing"),
        (_limit_in_percent, "per unit"),
        (_unnamed, "id 9"),
        (_twin_names, "two nodes are named"),
        (_negative_resistance, "uk"),
    ],
)
def test_a_faulty_feeder_is_refused_by_name(
    document: dict[str, Any], break_it: Callable[[dict[str, Any]], None], named: str
) -> None:
    break_it(document)
    with pytest.raises(FeederError, match=named) as refusal:
        feeder_from_document(document, "f.json")
    assert str(refusal.value).startswith("f.json: ")
    assert "\n" not in str(refusal.value)


def test_what_is_no_feeder_is_refused(tmp_path: Path) -> None:
    for text in ("[]", "{}", "not json", '{"format": "peerwatt-feeder-0"}'):
        (tmp_path / "f.json").write_text(text)
        with pytest.raises(FeederError, match=r"f\.json"):
            load_feeder(tmp_path / "f.json")
    with pytest.raises(FeederError, match="no such file"):
        load_feeder(tmp_path / "missing.json")


def test_a_feeder_that_does_not_solve_names_the_node_that_fails(
    document: dict[str, Any], tmp_path: Path
) -> None:
    far = next(int(k) for k, name in document["names"].items() if name == "LV2.101 Bus 40")
    document["names"]["999"] = "smelter"
    load = {"id": 999, "node": far, "status": 1, "type": 0, "p_specified": 5e6, "q_specified": 0.0}
    document["power_grid_model"]["data"]["sym_load"] = [load]
    (tmp_path / "f.json").write_text(json.dumps(document))
    with pytest.raises(FeederError, match=r"does not converge; at \d+ % of its loads node 'LV2.101 Bus 40'"):
        load_feeder(tmp_path / "f.json")
