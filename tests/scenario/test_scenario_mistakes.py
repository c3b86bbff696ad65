"""Seeded mistakes: each is found, with its file, its line, its key or column, and what would be right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError

MISTAKES = yaml.safe_load((Path(__file__).parent / "mistakes.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake["name"])
def test_a_seeded_mistake_is_located(mistake: dict[str, Any], spoil: Callable[..., Path]) -> None:
    village = spoil(mistake["file"], mistake["old"], mistake["new"])
    with pytest.raises(ScenarioError) as raised:
        load_scenario(village)
    assert len(str(raised.value).splitlines()) == 1
    place = village / mistake.get("in", mistake["file"])
    here = [p for p in raised.value.problems if (p.file, p.field) == (str(place), mistake["field"])]
    assert any(mistake["says"] in problem.message for problem in here), raised.value.problems
    lines = {problem.line for problem in here if mistake["says"] in problem.message}
    if mistake["at"] is None:
        assert lines == {None}
    else:
        text = place.read_text(encoding="utf-8").splitlines()
        assert any(line is not None and mistake["at"] in text[line - 1] for line in lines), (here, lines)


def test_one_mistake_is_reported_once(spoil: Callable[..., Path]) -> None:
    with pytest.raises(ScenarioError) as raised:
        load_scenario(spoil("participants.csv", "LV2.101 Bus 40", "nowhere"))
    assert len(raised.value.problems) == 1


def test_all_mistakes_are_found_at_once(spoil: Callable[..., Path]) -> None:
    village = spoil("scenario.yaml", "quorum: 3", "quorum: 5")
    for file, old, new in (
        ("participants.csv", "LV2.101 Bus 40", "nowhere"),
        ("profiles/ben.csv", "T12:00:00", "T11:45:00"),
        ("background_reactive.csv", "LV2.101 Bus 23,", "LV2.101 Bus 53,"),
    ):
        path = village / file
        path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScenarioError, match="more: run `peerwatt check`") as raised:
        load_scenario(village)
    found = {(Path(p.file).name, p.field) for p in raised.value.problems}
    assert {
        ("scenario.yaml", "committee.quorum"),
        ("participants.csv", "node"),
        ("ben.csv", "TIME"),
        ("background_reactive.csv", "LV2.101 Bus 53"),
    } <= found


def test_volt_var_without_an_inverter_is_refused_where_it_is_switched_on(spoil: Callable[..., Path]) -> None:
    village = spoil("scenario.yaml", "volt_var: off ", "volt_var: on ")
    rules = load_scenario(village).rules
    assert rules.volt_var
    table = village / "participants.csv"
    rows = [row.split(",") for row in table.read_text(encoding="utf-8").splitlines()]
    bare = [rows[0], *([*row[:5], "0", *row[6:]] for row in rows[1:])]
    table.write_text("\n".join(map(",".join, bare)) + "\n", encoding="utf-8")
    with pytest.raises(ScenarioError) as raised:
        load_scenario(village)
    [problem] = raised.value.problems
    assert (Path(problem.file).name, problem.field) == ("scenario.yaml", "curtailment.volt_var")
    line = (village / "scenario.yaml").read_text(encoding="utf-8").splitlines()[(problem.line or 0) - 1]
    assert "volt_var: on" in line
