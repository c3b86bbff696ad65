"""Under every pricing rule that runs on chain, chain and twin agree and bills add up."""

import pytest

from peerwatt.chain import open_network
from peerwatt.designs.protocol import ON_CHAIN
from peerwatt.designs.registry import DESIGNS
from peerwatt.errors import InputError
from peerwatt.market.ledger import SystemAccount
from peerwatt.record.derivation import results
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import SWITCH_OF, under

ONE_PRICE = ("mid-market", "sdr", "fixed-price")
MORNING = 40
DAY = 96


def replay(scenario: Scenario, mechanism: str, intervals: int) -> None:
    priced = under(scenario, mechanism)
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        replayed = Replay(priced, network, scenario.seed, intervals).run()
    assert replayed.first_difference == ""
    assert (replayed.mismatches, replayed.conservation_error) == (0, 0)
    found = results(replayed)
    assert found.summary.traded_wh > 0
    assert found.bill_check.differences == ()
    surplus = replayed.final[SystemAccount.COMMUNITY][0] - replayed.initial[SystemAccount.COMMUNITY]
    assert surplus == 0 if mechanism in ONE_PRICE else surplus > 0
    for interval in found.intervals:
        if interval.price is not None and interval.sell_price is not None:
            assert interval.price >= interval.sell_price
            assert (interval.price == interval.sell_price) or mechanism not in ONE_PRICE


def test_a_morning_at_everybodys_own_limit_agrees_with_the_twin(scenario: Scenario) -> None:
    replay(scenario, "pay-as-bid", MORNING)


@pytest.mark.long
@pytest.mark.parametrize("mechanism", [name for name in SWITCH_OF if name != "uniform"])
def test_a_day_agrees_with_the_twin_under(mechanism: str, scenario: Scenario) -> None:
    replay(scenario, mechanism, DAY)


def test_what_is_listed_as_on_chain_is_what_the_replay_takes() -> None:
    assert {name for name, each in DESIGNS.items() if each.runs == ON_CHAIN} == set(SWITCH_OF)


def test_a_mechanism_that_does_not_run_on_chain_is_refused_by_name(scenario: Scenario) -> None:
    with pytest.raises(InputError, match="'vickrey' does not run on chain; choose from uniform, pay-as-bid"):
        under(scenario, "vickrey")
