"""What a report says follows from the cleared interval, the forecast and the feeder alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.auction import clear
from peerwatt.market.tick_book import TickBook
from peerwatt.messages import (
    Clearing,
    Domain,
    PlacedStep,
    Record,
    Side,
    Step,
    Verdict,
    decode_decisions,
)
from peerwatt.oracle import ClearedInterval, GridForecast, allowed_without_market, expired, judge
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
    allowed = judgement.allowed_export()
    assert allowed is not None
    assert sum(allowed.values()) < sum(forecast.export_wh.values())


def test_decisions_name_the_allowed_surplus_where_nothing_is_accepted(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    accounts = sorted(forecast.export_wh)
    step = PlacedStep(Step(Side.SELL, 9, 100), 0)
    batches = tuple((Record(account, (step,)),) for account in accounts)
    judgement = judge(replace(nothing_traded, batches=batches), forecast, solver)
    assert (judgement.report.verdict, judgement.report.volume) == (Verdict.VOID, 0)
    decided = [decode_decisions(packed) for packed in judgement.decisions]
    assert {a: one.surplus for a, [one] in zip(accounts, decided, strict=True)} == judgement.allowed_export()
    assert 0 < sum(one.surplus for [one] in decided) < sum(forecast.export_wh.values())


def test_of_a_fill_counts_what_was_offered_within_the_forecast(scenario: Scenario) -> None:
    """The best asks up to the forecast, and of the step that passes it a part."""
    book = TickBook()
    seller = (Step(Side.SELL, 3, 60), Step(Side.SELL, 7, 100))
    records = (
        Record(4, book.post(seller)),
        Record(5, book.post((Step(Side.BUY, 9, 110),))),
    )
    clearing = clear(book, scenario.market, scenario.tariff).clearing
    cleared = ClearedInterval(7, 900, clearing, b"\x07" * 32, (records,))
    assert cleared.fills(Side.SELL) == {4: 110, 5: 0}
    for expected, backed in ((0, 0), (60, 60), (100, 60 + 50 * 40 // 100), (160, 110), (900, 110)):
        assert cleared.backed({4: expected}) == {4: backed, 5: 0}


def test_without_a_report_nothing_is_traded_and_exports_are_limited_as_without_a_market(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    allowed = allowed_without_market(forecast, nothing_traded.length_s, solver, GridRules())
    for policy in ("fair", "least"):
        silent = expired(judge(nothing_traded, forecast, solver, GridRules(curtailment=policy)))
        assert silent.report.verdict == Verdict.EXPIRED
        assert silent.allowed_export() == allowed is not None
        assert silent.grid.violations_after == ()
        assert not silent.decisions


def test_a_report_is_about_one_clearing(
    nothing_traded: ClearedInterval, forecast: GridForecast, solver: PowerFlow
) -> None:
    other = replace(nothing_traded, clearing_hash=b"\x08" * 32)
    digests = {judge(c, forecast, solver).report.digest(DOMAIN) for c in (nothing_traded, other)}
    assert len(digests) == 2
