"""The shipped scenario loads into the market's integers, and its schema is the published one."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.market.ledger import FIRST_PARTICIPANT
from peerwatt.scenario.catalogue import shipped_scenarios
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError
from peerwatt.scenario.profiles import interval_energy
from peerwatt.scenario.schema import json_schema

SCHEMA = Path(__file__).parents[2] / "docs" / "scenario.schema.json"


def test_every_shipped_scenario_is_free_of_mistakes() -> None:
    assert "brooklyn-10" in shipped_scenarios()
    for name in shipped_scenarios():
        assert load_scenario(name).name == name


def test_the_market_gets_exact_integers() -> None:
    scenario = load_scenario("brooklyn-10")
    assert (scenario.tariff.retail, scenario.tariff.feed_in, scenario.tariff.network_fee) == (320, 82, 15)
    assert (scenario.market.price(0), scenario.market.price_ceiling) == (80, 335)
    assert scenario.market.max_loss_rate == 100_000
    assert (scenario.committee.members, scenario.committee.quorum) == (4, 3)


def test_the_scenario_is_ten_participants_and_a_week() -> None:
    scenario = load_scenario("brooklyn-10")
    assert [p.account for p in scenario.participants] == list(
        range(FIRST_PARTICIPANT, FIRST_PARTICIPANT + 10)
    )
    assert scenario.calendar.count == 7 * 96
    assert scenario.calendar.first * 900 == int(scenario.calendar.start.timestamp())
    for participant in scenario.participants:
        assert len(participant.demand_wh) == len(participant.generation_wh) == 7 * 96
        assert participant.node in scenario.feeder.node_index
        assert (sum(participant.generation_wh) > 0) == (participant.kind == "prosumer")


def test_background_is_signed_power_at_nodes_of_the_feeder() -> None:
    scenario = load_scenario("brooklyn-10")
    noon = scenario.active.at(48)
    assert set(noon) <= set(scenario.feeder.node_names)
    assert min(noon.values()) < 0 < max(noon.values())
    nodal = scenario.active.nodal(scenario.feeder.node_names)
    assert nodal.shape == (7 * 96, len(scenario.feeder.node_names))
    assert {scenario.feeder.node_names[k]: w for k, w in enumerate(nodal[48]) if w} == {
        node: w for node, w in noon.items() if w
    }


def test_background_in_shorter_rows_is_the_mean_of_each_interval(spoil: Callable[..., Path]) -> None:
    quarters = load_scenario("brooklyn-10").active
    hours = load_scenario(spoil("scenario.yaml", "interval_length_s: 900", "interval_length_s: 3600")).active
    assert len(hours.values) == 24
    for hour in range(24):
        rows = quarters.values[4 * hour : 4 * hour + 4]
        sums = [sum(several) for several in zip(*rows, strict=True)]
        assert all(abs(4 * mean - total) <= 2 for mean, total in zip(hours.values[hour], sums, strict=True))


def test_the_published_schema_is_the_one_that_is_checked() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def test_a_scenario_is_found_by_directory_and_by_file(spoil: Callable[..., Path]) -> None:
    village = spoil()
    assert load_scenario(village).name == load_scenario(village / "scenario.yaml").name == "brooklyn-10"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="did you mean brooklyn-10"):
        load_scenario("broklyn-10")


@given(st.lists(st.decimals(min_value=0, max_value=50_000, places=2), min_size=1, max_size=200))
def test_rounded_energy_is_a_register_that_never_drifts(powers: list[Decimal]) -> None:
    energy = interval_energy(powers, 900)
    exact = Decimal(0)
    for k, power in enumerate(powers):
        exact += power / 4
        assert sum(energy[: k + 1]) == int(exact)
    assert all(value >= 0 for value in energy)


def test_envelopes_are_off_unless_the_scenario_says_on(spoil: Callable[..., Path]) -> None:
    assert not load_scenario("brooklyn-10").envelope
    assert load_scenario(spoil("scenario.yaml", "\ncommittee:", "\nenvelope: on\ncommittee:")).envelope
