"""The same seed gives the same numbers on every chain, and other seeds hold up as well."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from peerwatt.scenario.scenario import Scenario
from tests.replay.conftest import Day

# Up to the first interval of the day whose trades are cut.
UP_TO_A_CUT = 40


@pytest.fixture(scope="module")
def embedded(replayed_on: Callable[[str, int, int], Day], scenario: Scenario) -> Day:
    return replayed_on("eth-tester", scenario.seed, UP_TO_A_CUT)


@pytest.mark.parametrize("chain", ["ganache", pytest.param("anvil", marks=pytest.mark.long)])
def test_ganache_and_anvil_give_the_numbers_of_the_embedded_chain(
    chain: str, embedded: Day, replayed_on: Callable[[str, int, int], Day], scenario: Scenario
) -> None:
    other = replayed_on(chain, scenario.seed, UP_TO_A_CUT)
    assert other.replayed.first_difference == ""
    assert other.result.summary.reference_mismatches == 0
    assert other.result.summary.conservation_error == 0
    assert other.result.summary.verdicts["curtail"] > 0
    # Gas included.
    assert other.result.intervals == embedded.result.intervals
    assert other.result.settlements == embedded.result.settlements
    assert other.result.accounts == embedded.result.accounts


@pytest.mark.parametrize("seed", [2, pytest.param(20161121, marks=pytest.mark.long)])
def test_other_seeds_equal_the_reference_too(
    seed: int, embedded: Day, replayed_on: Callable[[str, int, int], Day]
) -> None:
    other = replayed_on("anvil", seed, UP_TO_A_CUT)
    assert other.replayed.first_difference == ""
    assert other.result.summary.conservation_error == 0
    assert other.result.settlements != embedded.result.settlements
