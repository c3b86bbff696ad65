"""A scenario's market is sealed where it says so, under a bond that is worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.errors import InputError
from peerwatt.market.errors import BadConfig
from peerwatt.scenario.file_units import in_units_of_the_file
from peerwatt.scenario.loading import load_scenario
from peerwatt.scenario.problems import ScenarioError
from peerwatt.scenario.variants import REVEAL_WINDOW_S, opened, sealed, worth_of_an_interval


def test_a_market_is_open_unless_the_scenario_seals_it(spoil: Callable[..., Path]) -> None:
    assert not load_scenario("brooklyn-10").market.is_sealed
    written = "\nsealed:\n  reveal_window_s: 90\n  bond_ct: 250.5\nlosses:"
    market = load_scenario(spoil("scenario.yaml", "\nlosses:", written)).market
    assert (market.reveal_window, market.bond) == (90, 2_505_000)


def test_a_bond_that_is_not_stated_is_all_that_an_interval_of_trades_can_gain(
    spoil: Callable[..., Path],
) -> None:
    stated = load_scenario(spoil("scenario.yaml", "\nlosses:", "\nsealed: {reveal_window_s: 90}\nlosses:"))
    # Exports are the narrower side: each Wh at most at the whole width between the tariffs.
    exported = sum(stated.market.energy_limit(home.export_limit) for home in stated.participants)
    imported = sum(stated.market.energy_limit(home.import_limit) for home in stated.participants)
    assert stated.market.bond == min(exported, imported) * (320 - 82)


def test_a_scenario_is_sealed_and_opened_by_a_switch() -> None:
    scenario = load_scenario("brooklyn-10")
    under_seal = sealed(scenario)
    assert under_seal.market == replace(
        scenario.market,
        reveal_window=REVEAL_WINDOW_S,
        bond=worth_of_an_interval(scenario.market, scenario.tariff, scenario.participants),
    )
    assert sealed(under_seal) == under_seal
    assert opened(under_seal) == scenario


def test_how_long_a_reveal_window_may_be_is_the_markets_rule_for_a_scenario_and_for_the_switch(
    spoil: Callable[..., Path],
) -> None:
    def stated(window: int) -> Path:
        return spoil("scenario.yaml", "\nlosses:", f"\nsealed: {{reveal_window_s: {window}}}\nlosses:")

    scenario = load_scenario("brooklyn-10")
    longest = scenario.market.gate_lead - 1
    assert load_scenario(stated(longest)).market.reveal_window == longest
    with pytest.raises(BadConfig) as rule:
        replace(scenario.market, reveal_window=longest + 1, bond=1)
    with pytest.raises(ScenarioError, match=r"scenario\.yaml:\d+: sealed\.reveal_window_s: ") as raised:
        load_scenario(stated(longest + 1))
    assert [problem.message for problem in raised.value.problems] == [in_units_of_the_file(str(rule.value))]

    late = replace(scenario, market=replace(scenario.market, gate_lead=REVEAL_WINDOW_S))
    with pytest.raises(InputError, match=r"reveal_window is 60: .* gate_lead = 60 .* market\.gate_lead_s"):
        sealed(late)
    assert sealed(replace(late, market=replace(late.market, gate_lead=REVEAL_WINDOW_S + 1))).market.is_sealed
