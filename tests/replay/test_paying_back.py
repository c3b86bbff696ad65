"""What pay-as-bid leaves on the community's account is paid back on chain, and is a line of every bill."""

from __future__ import annotations

from dataclasses import replace

from peerwatt.chain import open_network
from peerwatt.record.derivation import results
from peerwatt.replay.rehearsal import rehearse_scenario
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario import variants
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.scenario import PER_TRADED_KWH, Scenario

NOON, INTERVALS = 40, 4


def test_the_communitys_account_is_empty_again_and_bills_agree_with_the_chain(scenario: Scenario) -> None:
    noon = from_interval(variants.under(scenario, "pay-as-bid"), NOON)
    kept = rehearse_scenario(noon, 1, INTERVALS)
    shared = replace(noon, community=PER_TRADED_KWH)
    genesis = int(noon.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        result = results(Replay(shared, network, 1, INTERVALS).run())
    amounts = {account.account: account.cash for account in kept.accounts}
    assert amounts["community"] > 0
    assert next(a.cash for a in result.accounts if a.account == "community") == 0
    paid = {p.participant: -p.lines.community for p in result.participants}
    assert sum(paid.values()) == amounts["community"]
    traded = {p.participant: 0 for p in result.participants}
    for each in result.settlements:
        traded[each.participant] += each.accepted_sell_wh + each.accepted_buy_wh
    total = sum(traded.values())
    for before, after in zip(kept.participants, result.participants, strict=True):
        name = after.participant
        assert abs(paid[name] * total - amounts["community"] * traded[name]) < total
        assert after.bill_market == before.bill_market - paid[name]
    assert result.agrees
    rehearsed = rehearse_scenario(shared, 1, INTERVALS)
    assert rehearsed.accounts == result.accounts
    assert rehearsed.participants == result.participants
