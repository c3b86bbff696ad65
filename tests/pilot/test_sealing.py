"""A scenario's market is sealed where it says so, under a bond that is worth keeping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.errors import InputError
from peerwatt.pilot.scenario import load_scenario
from peerwatt.pilot.sealing import REVEAL_WINDOW_S, opened, sealed, worth_of_an_interval


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


def test_a_gate_that_closes_too_late_for_a_sealed_phase_is_told() -> None:
    scenario = load_scenario("brooklyn-10")
    late = replace(scenario, market=replace(scenario.market, gate_lead=REVEAL_WINDOW_S))
    with pytest.raises(InputError, match=r"do not end before the interval starts.*raise market\.gate_lead_s"):
        sealed(late)
