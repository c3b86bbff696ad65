"""Forecasts and inputs as documents: read back they give the same report, and a mistake is located."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from peerwatt.errors import InputError
from peerwatt.grid.errors import FeederError
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.grid.gate.rules import GridRules
from peerwatt.market.auction import clear
from peerwatt.market.tick_book import TickBook
from peerwatt.messages import Domain, Record, encode_records
from peerwatt.oracle import judge
from peerwatt.oracle.forecast_file import ForecastDirectory, ForecastDocument, parse_document
from peerwatt.oracle.report_inputs import PostedInterval, ReportInputs, parse_rules
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.forecasts import Neighbourhood, ScenarioForecasts
from peerwatt.scenario.scenario import Scenario

DOMAIN = Domain(31337, "0x" + "11" * 20)
NOON = 44


@pytest.fixture(scope="module")
def forecast(scenario: Scenario) -> ForecastDocument:
    source = ScenarioForecasts(scenario, scenario.seed)
    return source.forecast(source.first + NOON)


@pytest.fixture(scope="module")
def inputs(scenario: Scenario, forecast: ForecastDocument) -> ReportInputs:
    """What the homes really bid at noon, in one batch."""
    book = TickBook()
    orders = [order_of(scenario, home, NOON, scenario.seed) for home in scenario.participants]
    records = [Record(o.participant, book.post(o.steps)) for o in orders if o is not None]
    clearing, _ = clear(book, scenario.market, scenario.tariff)
    posted = PostedInterval(forecast.interval, 900, clearing.pack(), (encode_records(records),))
    return ReportInputs(DOMAIN, posted, forecast, GridRules(losses="tracing", curtailment="fair"))


def test_a_forecast_in_a_file_is_the_forecast_itself(
    scenario: Scenario, inputs: ReportInputs, solver: PowerFlow, tmp_path: Path
) -> None:
    directory = ForecastDirectory(tmp_path)
    assert directory.forecast(inputs.interval.number) is None
    directory.write(inputs.forecast)
    assert directory.forecast(inputs.interval.number) == inputs.forecast
    direct = judge(
        inputs.interval.decoded, Neighbourhood(scenario, scenario.seed).forecast(NOON), solver, inputs.rules
    )
    assert inputs.judge(solver).report == direct.report


def test_the_forecast_in_the_guide_is_one(scenario: Scenario) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "oracle.md").read_text(encoding="utf-8")
    example = guide.split("```json\n")[1].split("```")[0]
    found = parse_document(ForecastDocument, example, "docs/oracle.md").on(scenario.feeder)
    assert found.export_wh == {4: 1250}
    assert found.background_w.sum() == -1840


def test_the_inputs_document_derives_the_same_bytes(inputs: ReportInputs, solver: PowerFlow) -> None:
    read = ReportInputs.from_json(inputs.to_json(), "document")
    assert read == inputs
    assert read.to_json() == inputs.to_json()
    first, second = inputs.judge(solver), read.judge(PowerFlow(solver.feeder))
    assert first.report.digest(DOMAIN) == second.report.digest(DOMAIN)
    assert first.decisions == second.decisions


def test_every_forecast_number_is_an_input_of_the_report(inputs: ReportInputs, solver: PowerFlow) -> None:
    truth = inputs.judge(solver).report.inputs_hash
    document = json.loads(inputs.to_json())
    for change in (
        ("participants", 0, "import_wh", 77),
        ("participants", 0, "export_wh", 77),
        ("nodes", 0, "active_w", 77.5),
        ("nodes", 0, "reactive_var", 77.5),
    ):
        part, place, name, value = change
        changed = json.loads(json.dumps(document))
        changed["forecast"][part][place][name] = value
        other = ReportInputs.from_json(json.dumps(changed), "changed")
        assert other.judge(solver).report.inputs_hash != truth, change


def _changed(forecast: ForecastDocument, **changes: Any) -> str:
    return json.dumps({**json.loads(forecast.model_dump_json()), **changes})


def test_a_mistake_in_a_forecast_file_is_located(forecast: ForecastDocument, tmp_path: Path) -> None:
    directory, number = ForecastDirectory(tmp_path), forecast.interval
    rows = json.loads(forecast.model_dump_json())["participants"]
    for text, message in {
        "{": "Invalid JSON",
        _changed(forecast, interval=number + 1): f"interval: is {number + 1}, not that of the file's name",
        _changed(forecast, colour="red"): "colour: Extra inputs",
        _changed(forecast, participants=[{**rows[0], "import_wh": -1}]): "participants.0.import_wh: Input",
        _changed(forecast, participants=[{**rows[0], "import_wh": 1.5}]): "participants.0.import_wh: Input",
        _changed(forecast, participants=[rows[0], rows[0]]): f"account {rows[0]['account']} is listed twice",
    }.items():
        directory.file(number).write_text(text)
        with pytest.raises(InputError) as caught:
            directory.forecast(number)
        assert str(directory.file(number)) in str(caught.value)
        assert message in str(caught.value)


def test_a_forecast_that_does_not_fit_the_interval_or_the_feeder_is_refused(
    inputs: ReportInputs, solver: PowerFlow
) -> None:
    document = json.loads(inputs.to_json())
    document["forecast"]["nodes"][0]["node"] = "nowhere"
    with pytest.raises(FeederError, match="no node named 'nowhere'"):
        ReportInputs.from_json(json.dumps(document), "document").judge(solver)
    document = json.loads(inputs.to_json())
    gone = document["forecast"]["participants"].pop(0)["account"]
    with pytest.raises(InputError, match=f"lacks account {gone}, which has an order in it"):
        ReportInputs.from_json(json.dumps(document), "document").judge(solver)


def test_rules_are_stated_by_name() -> None:
    assert parse_rules("losses=tracing, volt_var=true") == GridRules("tracing", volt_var=True)
    for text, message in {
        "loses=tracing": "loses: no such rule: the rules are losses, ",
        "losses=none": "losses: 'none': choose aumann_shapley, marginal, pro_rata, tracing",
        "volt_var=perhaps": "volt_var: Input should be a valid boolean",
    }.items():
        with pytest.raises(InputError, match=message):
            parse_rules(text)
