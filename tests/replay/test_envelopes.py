"""With operating envelopes the network carries what is traded, and nobody is cut afterwards."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import Sender, open_network
from peerwatt.client import MarketClient, published_limits
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import Side, Verdict
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.forecast_file import ForecastDirectory, NodePower
from peerwatt.record.derivation import results
from peerwatt.record.replayed import Replayed
from peerwatt.replay.cast import Stage, committee_members
from peerwatt.replay.founding import deploy_scenario
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.keys import PilotKeys
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
    assert results(replayed).bill_check.differences == ()


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


def test_where_the_forecast_has_no_power_flow_nothing_is_signed_and_the_member_goes_on(
    scenario: Scenario, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "peerwatt.oracle")
    scenario, interval = replace(scenario, envelope=True), scenario.calendar.first
    forecast = ScenarioForecasts(scenario, scenario.seed).forecast(interval)
    node = NodePower(node=scenario.feeder.node_names[-1], active_w=1e6, reactive_var=0.0)
    forecasts = ForecastDirectory(tmp_path)
    forecasts.write(forecast.model_copy(update={"nodes": (node,)}))
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        keys = PilotKeys(scenario.seed)
        deployment = deploy_scenario(network, scenario, keys)
        client = MarketClient(network, deployment, Sender(network, keys.relayer))
        stage = Stage(scenario, network, deployment, client.watch(), scenario.seed, interval)
        now = scenario.market.gate_closure(interval) - 61
        network.advance_to(now)
        with committee_members(stage, forecasts, Derivations(PowerFlow(scenario.feeder))) as members:
            for member in members * 3:
                member.step(now)
        assert published_limits(client, interval) == {}
    said = [line for line in caplog.messages if "feeder brooklyn-10: the power flow" in line]
    assert len(said) == len(members)
