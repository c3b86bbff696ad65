"""`peerwatt grid …` says in the trade's words what the library finds, and refuses bad tables by row."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import peerwatt
from peerwatt.cli.grid import app
from peerwatt.errors import InputError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.power_flow import PowerFlow

FEEDER = str(Path(peerwatt.__file__).parent / "scenarios" / "brooklyn-10" / "feeder.json")
SUNNY = """node,kW,participant,zone,export_limit_kw,import_limit_kw
LV2.101 Bus 40,25,ada,east,30,20
LV2.101 Bus 10,15,ben,east,30,20
LV2.101 Bus 41,20,dario,west,30,20
LV2.101 Bus 44,-12.5,bakery,west,0,40
LV2.101 Bus 71,-8,,west,,
"""


@pytest.fixture
def sunny(tmp_path: Path) -> str:
    (tmp_path / "sunny.csv").write_text(SUNNY)
    return str(tmp_path / "sunny.csv")


def _json(*arguments: str, code: int = 0) -> dict:  # type: ignore[type-arg]
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return dict(json.loads(result.stdout))


def test_check_is_the_power_flow(sunny: str, feeder: Feeder, solver: PowerFlow) -> None:
    found = _json("check", FEEDER, sunny, code=3)
    p = solver.zero()
    for node, kw in ((40, 25), (10, 15), (41, 20), (44, -12.5), (71, -8)):
        p[feeder.node(f"LV2.101 Bus {node}")] += kw * 1e3
    flow = solver.solve(p)
    assert found["feeder_hash"] == feeder.feeder_hash.hex()
    assert [n["u_pu"] for n in found["nodes"]] == pytest.approx(flow.u_pu.tolist())
    assert found["losses_kw"]["total"] == pytest.approx(
        found["losses_kw"]["load_dependent"] + found["losses_kw"]["no_load"]
    )
    assert found["violations"][0]["quantity"] == "overvoltage"
    assert found["violations"][0]["value"] > found["violations"][0]["limit"] == 1.058


def test_check_in_words_names_units_and_violations(sunny: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", FEEDER, sunny, "--draw", str(tmp_path / "f.svg")])
    assert result.exit_code == 3
    for word in ("voltage", "pu at LV2.101 Bus", "no-load", "loading (%)", "overvoltage", "> 1.058 pu"):
        assert word in result.stdout
    assert (tmp_path / "f.svg").read_text().lstrip().startswith("<?xml")


def test_within_limits_is_exit_code_0(tmp_path: Path) -> None:
    (tmp_path / "calm.csv").write_text("node,kw\nLV2.101 Bus 40,1\n")
    assert _json("check", FEEDER, str(tmp_path / "calm.csv"))["violations"] == []


@pytest.mark.parametrize("policy", ["least", "fair"])
def test_curtail_is_feasible_and_gives_reasons(sunny: str, policy: str) -> None:
    found = _json("curtail", FEEDER, sunny, "--policy", policy)
    assert found["feasible"]
    assert found["voltage_max_pu_before"] > 1.058 >= found["voltage_max_pu_after"]
    lost = sum(row["asked_kw"] - row["allowed_kw"] for row in found["injections"])
    assert lost == pytest.approx(found["cut_kw"])
    assert sum(reason["cut_kw"] for reason in found["reasons"]) == pytest.approx(lost)
    assert {reason["participant"] for reason in found["reasons"]} <= {"ada", "ben", "dario"}


@pytest.mark.parametrize("rule", ["aumann_shapley", "marginal", "pro_rata", "tracing"])
def test_losses_sum_to_the_check(sunny: str, rule: str) -> None:
    found = _json("losses", FEEDER, sunny, "--rule", rule)
    state = _json("check", FEEDER, sunny, code=3)
    assert sum(row["loss_wh"] for row in found["shares"]) == found["load_loss_wh"]
    assert found["load_loss_wh"] == round(state["losses_kw"]["load_dependent"] * 1e3)


@pytest.mark.parametrize("rule", ["uniform", "distance_thevenin", "distance_ptdf", "zone"])
def test_charges_sum_to_the_total(sunny: str, rule: str) -> None:
    found = _json("charges", FEEDER, sunny, "--total", "1000003", "--rule", rule)
    assert sum(row["charge"] for row in found["charges"]) == found["total"] == 1000003
    assert (
        sum(row["sold_w"] for row in found["charges"])
        == sum(row["bought_w"] for row in found["charges"])
        == 20500
    )


def test_envelope_is_feasible_when_used(sunny: str, feeder: Feeder, solver: PowerFlow) -> None:
    found = _json("envelope", FEEDER, sunny)
    assert [row["participant"] for row in found["envelope"]] == ["ada", "ben", "dario", "bakery"]
    p = solver.zero()
    p[feeder.node("LV2.101 Bus 71")] = -8e3
    for row, node in zip(found["envelope"], (40, 10, 41, 44), strict=True):
        p[feeder.node(f"LV2.101 Bus {node}")] = row["injection_kw"] * 1e3
    assert solver.solve(p).u_pu.max() <= feeder.limits.v_max_pu
    assert np.all([row["injection_kw"] < 30 for row in found["envelope"]])


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("node,MW\nLV2.101 Bus 40,1\n", ":1: kw: column is missing"),
        ("node\nLV2.101 Bus 40\n", ":1: kw: column is missing"),
        ("node,kw\nnowhere,1\n", ":2: node: 'nowhere' is no node"),
        ("node,kw\nLV2.101 Bus 40,much\n", ":2: kw: 'much' is not a number of kW"),
        ("node,kw\nLV2.101 Bus 40,nan\n", ":2: kw: 'nan' is not a number of kW"),
        ("node,kw,phase\nLV2.101 Bus 40,1,a\n", ":2: phase: a phase, but feeder brooklyn-10 is balanced"),
        ("node,kw\n\nLV2.101 Bus 40,1,2\n", ":3: has 3 cells"),
        ("", "empty"),
    ],
)
def test_a_bad_table_is_refused_by_row(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=named) as refusal:
        CliRunner().invoke(app, ["check", FEEDER, str(tmp_path / "bad.csv")], catch_exceptions=False)
    assert str(refusal.value).startswith(str(tmp_path / "bad.csv"))


def test_an_unknown_rule_is_refused(sunny: str) -> None:
    with pytest.raises(InputError, match="--rule 'fairest': choose one of"):
        CliRunner().invoke(app, ["losses", FEEDER, sunny, "--rule", "fairest"], catch_exceptions=False)


def test_volt_var_cuts_less(sunny: str, tmp_path: Path) -> None:
    rated = "\n".join(
        line + ("," if k > 3 else ",30") if k else line + ",rating_kva"
        for k, line in enumerate(SUNNY.splitlines())
    )
    (tmp_path / "rated.csv").write_text(rated + "\n")
    plain = _json("curtail", FEEDER, sunny)
    helped = _json("curtail", FEEDER, str(tmp_path / "rated.csv"), "--volt-var")
    assert helped["feasible"]
    assert helped["cut_kw"] < plain["cut_kw"]
    assert set(helped["support_kvar"]) == {"ada", "ben", "dario"}
    assert all(x < 0 for x in helped["support_kvar"].values())


def test_strength_names_the_weak_node(tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text("node,kw,rating_kva\nLV2.101 Bus 40,0,600\nLV2.101 Bus 6,0,20\n")
    found = _json("strength", FEEDER, str(tmp_path / "i.csv"), "--source-mva", "100", code=3)["nodes"]
    assert [(s["node"], s["weak"]) for s in found] == [("LV2.101 Bus 40", True), ("LV2.101 Bus 6", False)]
    assert found[0]["short_circuit_ratio"] == pytest.approx(found[0]["short_circuit_mva"] / 0.6)


def test_what_flows_back_is_an_export(sunny: str) -> None:
    result = CliRunner().invoke(app, ["check", FEEDER, sunny], catch_exceptions=False)
    assert re.search(r"export      3\d\.\d{3} kW to the upstream grid", result.output)
    assert "import " not in result.output
