"""`peerwatt compare`: the same days for every design, in files that say what the page says."""

from __future__ import annotations

import csv
import io
import json
from html import escape
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from peerwatt.cli.compare import chosen
from peerwatt.compare import Comparison, compare
from peerwatt.compare.neighbourhood import communities, neighbourhood_of
from peerwatt.compare.page import render_page
from peerwatt.designs.registry import DESIGNS, FAMILIES
from peerwatt.errors import InputError
from peerwatt.scenario.counterfactual import counterfactual
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.scenario import Scenario

NAMES = ("uniform", "bill-sharing", "mid-market-ex-post", "shapley", "battery-central", "tokens")


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    return load_scenario("brooklyn-10")


@pytest.fixture(scope="module")
def comparison(scenario: Scenario) -> Comparison:
    return compare(scenario, NAMES)


def test_the_neighbourhood_is_the_scenarios(scenario: Scenario) -> None:
    found = neighbourhood_of(scenario, 1, 1, counterfactual(scenario, 1))
    assert found.demand.shape == (96, 10)
    assert found.demand[:, 3].tolist() == list(scenario.participants[3].demand_wh[:96])
    assert found.terms.retail == scenario.tariff.retail
    noon = found.books[48]
    assert ((noon.asks.price >= found.terms.feed_in) & (noon.asks.price <= found.terms.retail)).all()
    assert sorted(found.terms.community.tolist()) == [0] * 5 + [1] * 5


def test_neighbours_on_one_branch_share_a_community(scenario: Scenario) -> None:
    nodes = [home.node for home in scenario.participants]
    doubled = communities(scenario.feeder, [*nodes, *nodes])
    assert (doubled[:10] == doubled[10:]).sum() >= 8  # the same place, but for the cut in the middle


def test_the_files_say_what_the_comparison_says(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(comparison.csv())))
    assert [row["mechanism"] for row in rows] == ["tariff-only", *NAMES]
    document = json.loads(comparison.json())
    for row, design, found in zip(rows, document["designs"], comparison.rows, strict=True):
        savings = found.measures.savings
        assert float(row["saving_eur"]) == pytest.approx(int(savings.sum()) / 1e6, abs=1e-9)
        assert list(design["savings"].values()) == savings.tolist()
        assert design["runs"] == found.runs
        assert row["settled"] == design["settled"] == found.settled
    assert rows[0]["gini"] == ""  # not defined without savings


def test_bills_and_the_market_add_up(comparison: Comparison) -> None:
    reference = comparison.rows[0].measures.bills.sum()
    for row in comparison.rows:
        assert row.measures.savings.sum() == reference - row.measures.bills.sum()
    shared = {row.name: row.measures.gain for row in comparison.rows}
    assert shared["mid-market-ex-post"] == shared["bill-sharing"] == shared["shapley"]


def test_the_page_says_who_would_leave(scenario: Scenario) -> None:
    found = compare(scenario, ("mid-market-ex-post", "nucleolus", "uniform"), with_grid=False)
    objections = {each.design: each for each in found.objections}
    assert set(objections) == {"mid-market-ex-post", "nucleolus"}  # the auction does not share everything
    assert objections["nucleolus"].gain == 0
    assert objections["mid-market-ex-post"].gain > 0
    names = ", ".join(f"<bdi>{name}</bdi>" for name in objections["mid-market-ex-post"].members)
    assert names in render_page(found)


def test_the_grid_sees_a_difference_only_where_energy_moves(
    comparison: Comparison, scenario: Scenario
) -> None:
    effects = {row.name: row.grid for row in comparison.rows}
    assert effects["uniform"] == effects["tariff-only"]
    assert effects["battery-central"] != effects["tariff-only"]
    assert effects["tariff-only"] is not None
    # Exports are limited by forecasts; what these missed is all that goes beyond.
    limit, highest = scenario.feeder.limits.v_max_pu, effects["tariff-only"].highest
    assert limit < highest < limit + 0.002
    assert 0 < effects["tariff-only"].curtailment < 1000


def test_the_same_seed_gives_the_same_page_and_another_does_not(
    scenario: Scenario, comparison: Comparison
) -> None:
    again = compare(scenario, NAMES)
    assert render_page(again) == render_page(comparison)
    other = compare(scenario, ["uniform"], seed=2, with_grid=False)
    assert not np.array_equal(other.rows[1].measures.bills, comparison.rows[1].measures.bills)


def test_the_page_is_self_contained_and_names_every_design(comparison: Comparison) -> None:
    page = render_page(comparison)
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in page
    assert "src=" not in page
    for row in comparison.rows:
        assert row.name in page
        assert escape(row.source) in page


def test_names_families_and_mistakes() -> None:
    assert chosen("auctions,sdr") == [each.name for each in FAMILIES["auctions"]] + ["sdr"]
    assert set(chosen("all")) == set(DESIGNS)
    with pytest.raises(InputError, match="'mid-markt' does not exist; choose from"):
        chosen("mid-markt")


def test_the_command_writes_three_files(tmp_path: Path) -> None:
    import typer

    from peerwatt.cli.compare import register

    app = typer.Typer()
    register(app)
    runner = CliRunner()
    options = ["--mechanisms", "uniform,mid-market", "--out", str(tmp_path), "--no-grid", "--json"]
    done = runner.invoke(app, ["compare", "brooklyn-10", *options])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == {"compare.csv", "compare.json", "compare.html"}
    assert json.loads(done.stdout) == json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    listed = json.loads(runner.invoke(app, ["mechanisms", "--json"]).stdout)
    assert [row["name"] for row in listed] == list(DESIGNS)
    assert all(row["title"] and row["source"] for row in listed)
    assert isinstance(runner.invoke(app, ["compare", "brooklyn-10", "--days", "99"]).exception, InputError)
