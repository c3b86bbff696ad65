"""A committee reports only what a quorum of it computed, and anyone computes the same bytes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.chain import demo_private_key
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages import Clearing, Domain, Verdict
from peerwatt.oracle import ClearedInterval, CommitteeMember, GridForecast, collect_quorum, judge
from peerwatt.oracle.committee import NoQuorum
from peerwatt.scenario.forecasts import Neighbourhood
from peerwatt.scenario.scenario import Scenario

DOMAIN = Domain(31337, "0x" + "11" * 20)
NOON = 44


@pytest.fixture(scope="module")
def forecast(scenario: Scenario) -> GridForecast:
    return Neighbourhood(scenario, scenario.seed).forecast(NOON)


@pytest.fixture
def nothing_traded() -> ClearedInterval:
    return ClearedInterval(7, 900, Clearing(), b"\x07" * 32, ())


def _member(index: int, solver: PowerFlow) -> CommitteeMember:
    return CommitteeMember(index, demo_private_key(1, "committee", index), solver)


def _with_another_feeder(feeder: Feeder) -> PowerFlow:
    document = {**feeder.document, "name": "somebody else's model"}
    return PowerFlow(feeder_from_document(document))


def test_the_same_inputs_give_the_same_report(
    nothing_traded: ClearedInterval, forecast: GridForecast, scenario: Scenario
) -> None:
    first = judge(nothing_traded, forecast, PowerFlow(scenario.feeder))
    second = judge(nothing_traded, forecast, PowerFlow(scenario.feeder))
    assert first.report == second.report
    assert first.report.digest(DOMAIN) == second.report.digest(DOMAIN)


def test_an_overloaded_feeder_without_trades_is_voided_and_its_surplus_cut(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    judgement = judge(nothing_traded, forecast, solver)
    assert judgement.report.verdict == Verdict.VOID
    assert judgement.decisions == ()
    surplus = {account: judgement.surplus_wh(account) for account in forecast.export_wh}
    assert sum(surplus.values()) < sum(forecast.export_wh.values())


def test_a_quorum_is_exactly_so_many_signatures_in_member_order(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    members = [_member(index, solver) for index in (3, 0, 2)]
    quorum = collect_quorum(members, nothing_traded, forecast, DOMAIN, 3)
    assert quorum.signers == 0b1101
    parts = [quorum.signatures[at : at + 64] for at in range(0, 192, 64)]
    report = quorum.judgement.report
    assert parts == [report.sign(DOMAIN, demo_private_key(1, "committee", index)) for index in (0, 2, 3)]


def test_a_member_with_another_feeder_is_outvoted(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    members = [_member(0, _with_another_feeder(solver.feeder)), *(_member(i, solver) for i in (1, 2, 3))]
    quorum = collect_quorum(members, nothing_traded, forecast, DOMAIN, 3)
    assert quorum.signers == 0b1110
    assert quorum.judgement.report.feeder_hash == solver.feeder.feeder_hash


def test_two_who_disagree_with_two_make_no_report(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    other = _with_another_feeder(solver.feeder)
    members = [_member(0, solver), _member(1, solver), _member(2, other), _member(3, other)]
    with pytest.raises(NoQuorum, match="2 of 4 committee members agree, not 3"):
        collect_quorum(members, nothing_traded, forecast, DOMAIN, 3)


def test_a_report_is_about_one_clearing(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    other = replace(nothing_traded, clearing_hash=b"\x08" * 32)
    digests = {judge(c, forecast, solver).report.digest(DOMAIN) for c in (nothing_traded, other)}
    assert len(digests) == 2
