"""With operating envelopes the network carries what is traded, and nobody is cut afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.chain import open_network
from peerwatt.client import published_limits
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import Side, Verdict
from peerwatt.oracle import CommitteeMember
from peerwatt.record.outcome import bill_error, results
from peerwatt.replay.envelopes import publish_envelopes
from peerwatt.replay.interval_log import IntervalLog
from peerwatt.replay.market_setup import open_market
from peerwatt.replay.replay import Replay
from peerwatt.replay.replayed import Replayed
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.neighbourhood import Neighbourhood
from peerwatt.scenario.scenario import Scenario

MORNING = 40


@pytest.fixture(scope="module")
def replayed(scenario: Scenario) -> Replayed:
    """A morning whose committee publishes envelopes; without them the gate would cut in its last hours."""
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        return Replay(replace(scenario, envelope=True), network, scenario.seed, MORNING).run()


def test_chain_and_reference_agree_on_every_interval_with_envelopes(replayed: Replayed) -> None:
    assert replayed.first_difference == ""
    assert replayed.conservation_error == 0
    assert bill_error(replayed, results(replayed).participants) == 0


def test_nothing_is_cut_after_the_auction_where_it_would_have_been(
    replayed: Replayed, scenario: Scenario
) -> None:
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        without = Replay(scenario, network, scenario.seed, MORNING).run()
    assert any(log.verdict != Verdict.ACCEPT for log in without.logs)
    assert all(log.verdict == Verdict.ACCEPT for log in replayed.logs)
    assert not any(log.limits or log.shrunk for log in without.logs)
    assert results(without).summary.envelopes == 0


def test_homes_bid_and_feed_in_within_their_envelopes(replayed: Replayed) -> None:
    summary = results(replayed).summary
    assert summary.envelopes == MORNING
    assert summary.envelope_shrunk > 0 == summary.envelope_skipped
    for log in replayed.logs:
        for signed in log.orders:
            limits = log.limits[signed.order.participant]
            assert signed.order.total(Side.SELL) <= limits.exported
            assert signed.order.total(Side.BUY) <= limits.imported
        for account, flow in log.flows.items():
            assert flow.exported <= log.limits[account].exported


def test_where_the_forecast_has_no_power_flow_nothing_is_published_and_the_day_goes_on(
    scenario: Scenario,
) -> None:
    scenario, keys, said = replace(scenario, envelope=True), PilotKeys(scenario.seed), []
    solver, log = PowerFlow(scenario.feeder), IntervalLog(scenario.calendar.first, scenario.calendar.first, 0)
    members = [CommitteeMember(i, bytes(keys.committee_member(i).key), solver) for i in range(3)]
    forecast = Neighbourhood(scenario, scenario.seed).forecast(0)
    forecast = replace(forecast, background_w=forecast.background_w - 1e6)
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        market = open_market(network, scenario, keys, 1)
        publish_envelopes(
            scenario, members, market.client, market.twin, forecast, log, lambda: 0, said.append
        )
        assert published_limits(market.client, log.number) == log.limits == {}
    [line] = said
    assert "no operating envelope, connection limits count: feeder brooklyn-10: the power flow" in line
