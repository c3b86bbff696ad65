"""With operating envelopes the network carries what is traded, and nobody is cut afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import open_network
from peerwatt.errors import InputError
from peerwatt.messages import Side, Verdict
from peerwatt.pilot.outcome import bill_error, results
from peerwatt.pilot.replay import Replay, Replayed
from peerwatt.pilot.run import SETUP_S, replay_scenario
from peerwatt.pilot.scenario import Scenario

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


def test_members_as_processes_do_not_publish_envelopes_and_say_so(scenario: Scenario, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="members do not publish operating envelopes"):
        replay_scenario(replace(scenario, envelope=True), "anvil", 1, 1, committee=tmp_path)
