"""A scenario states how strong its network must be at inverters, and every node with one is checked."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from peerwatt.grid.feeder import Feeder
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError


def test_every_node_with_inverters_is_checked_weakest_first(spoil: Callable[..., Path]) -> None:
    scenario = load_scenario(spoil())
    with_inverters = {home.node for home in scenario.participants if home.pv_w}
    assert {at.node for at in scenario.strength} == with_inverters
    ratios = [at.ratio for at in scenario.strength]
    assert ratios == sorted(ratios)
    assert all(at.minimum == 3.0 for at in scenario.strength)


def _line_impedance(feeder: Feeder, start: int, node: str) -> complex:
    """Of the lines between a node's id and another one by name on a radial feeder, ohm."""
    lines = [row for row in feeder.data["line"] if row["from_status"] and row["to_status"]]
    reached, front = {start: 0j}, [start]
    while front:
        here = front.pop()
        for line in lines:
            ends = int(line["from_node"]), int(line["to_node"])
            if here in ends:
                there = ends[1] if here == ends[0] else ends[0]
                if there not in reached:
                    reached[there] = reached[here] + complex(line["r1"], line["x1"])
                    front.append(there)
    return reached[int(feeder.data["node"]["id"][feeder.node(node)])]


def test_the_ratio_of_a_home_is_the_one_worked_out_by_hand(spoil: Callable[..., Path]) -> None:
    """The grid above, the transformer and the lines to the workshop, in ohm at 400 V."""
    scenario = load_scenario(spoil())
    feeder, low = scenario.feeder, 400.0
    [transformer] = feeder.data["transformer"]
    [grid] = feeder.data["source"]
    x = low**2 / 100e6 / math.sqrt(1 + 0.1**2)
    total = complex(0.1 * x, x)
    z = transformer["uk"] * low**2 / transformer["sn"]
    r = transformer["pk"] / transformer["sn"] * low**2 / transformer["sn"]
    total += complex(r, math.sqrt(z**2 - r**2))
    assert grid["node"] == transformer["from_node"]
    total += _line_impedance(feeder, int(transformer["to_node"]), "LV2.101 Bus 6")
    [works] = [strength for strength in scenario.strength if strength.node == "LV2.101 Bus 6"]
    assert works.ratio == pytest.approx(low**2 / abs(total) / 83_300, rel=1e-9)
    assert works.ratio == pytest.approx(42.87, abs=0.005)


def test_a_battery_counts_in_the_rating_of_its_node(spoil: Callable[..., Path]) -> None:
    village = spoil()
    plain = {at.node: at for at in load_scenario(village).strength}
    table = village / "participants.csv"
    rows = [row.split(",", 6) for row in table.read_text(encoding="utf-8").splitlines()]
    battery = {"ada": "32.6", "bakery": "15"}
    with_battery = [[*rows[0][:6], "inverter_kva", rows[0][6]]]
    with_battery += [[*row[:6], battery.get(row[0], ""), row[6]] for row in rows[1:]]
    table.write_text("\n".join(map(",".join, with_battery)) + "\n", encoding="utf-8")
    found = {at.node: at for at in load_scenario(village).strength}
    assert found["LV2.101 Bus 40"].rating_va == 32_600
    assert found["LV2.101 Bus 40"].ratio == pytest.approx(plain["LV2.101 Bus 40"].ratio * 22.6 / 32.6)
    assert found["LV2.101 Bus 44"].rating_va == 15_000
    assert found["LV2.101 Bus 10"] == plain["LV2.101 Bus 10"]


def test_every_weak_node_is_named_with_whom_it_serves(spoil: Callable[..., Path]) -> None:
    village = spoil("scenario.yaml", "ratio: 3.0", "ratio: 60")
    with pytest.raises(ScenarioError) as raised:
        load_scenario(village)
    said = [problem.message for problem in raised.value.problems]
    assert len(said) == 2
    for message, home, node in zip(said, ("works", "ada"), ("Bus 6 ", "Bus 40 "), strict=True):
        assert node in message
        assert f"inverters of {home};" in message
        assert "below the minimum of 60" in message


def test_without_a_minimum_nothing_is_checked(spoil: Callable[..., Path]) -> None:
    section = "  minimum_short_circuit_ratio: 3.0\n  upstream_short_circuit_mva: 100\n"
    village = spoil("scenario.yaml", f"system_strength:\n{section}", "")
    assert load_scenario(village).strength == ()
