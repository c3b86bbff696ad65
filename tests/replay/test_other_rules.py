"""A scenario with other rules of the grid settles by them, on chain as in the reference."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.chain import open_network
from peerwatt.grid.gate.rules import ChargeRules, GridRules
from peerwatt.market.ledger import SystemAccount
from peerwatt.record.derivation import results
from peerwatt.record.replayed import Replayed
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.scenario import Scenario

MORNING = 34
FEE, MOST = 15, 25


@pytest.fixture(scope="module")
def replayed(scenario: Scenario) -> Replayed:
    """A morning with losses traced and network charges by electrical distance."""
    charges = ChargeRules("distance_ptdf", FEE, MOST)
    other = replace(
        scenario,
        market=replace(scenario.market, max_network_fee=MOST, margin_price=400),
        rules=GridRules(losses="tracing", curtailment="fair", volt_var=True, charges=charges),
    )
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        return Replay(other, network, scenario.seed, MORNING).run()


def test_named_charges_and_losses_are_settled_as_in_the_reference(replayed: Replayed) -> None:
    assert replayed.first_difference == ""
    assert replayed.conservation_error == 0
    assert results(replayed).bill_check.differences == ()


def test_the_grid_operator_recovers_the_stated_total(replayed: Replayed) -> None:
    bought = sum(p.buy for log in replayed.logs for p in log.accepted.values())
    lost = sum(p.loss_cost for log in replayed.logs for p in log.accepted.values())
    assert bought > 0 < lost
    cash = replayed.final[SystemAccount.GRID_OPERATOR][0]
    assert cash == FEE * bought + lost


def test_sellers_bear_their_part_and_the_far_one_more(replayed: Replayed) -> None:
    paid = {
        account: sum(log.accepted[account].charge for log in replayed.logs if account in log.accepted)
        for account in (home.account for home in replayed.scenario.participants)
    }
    sold = {
        account: sum(log.accepted[account].sell for log in replayed.logs if account in log.accepted)
        for account in paid
    }
    per_wh = {a: paid[a] / sold[a] for a in paid if sold[a]}
    names = {home.account: home.name for home in replayed.scenario.participants}
    by_name = {names[a]: x for a, x in per_wh.items()}
    assert len(by_name) > 1
    # the workshop is next to the transformer, ada at the end of the line
    assert by_name["works"] < by_name["ada"]
