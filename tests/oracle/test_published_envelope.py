"""A published envelope is derived again from public data, and the gate counts on it being kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from peerwatt.chain import Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import EnvelopeBoard, MarketClient, published_limits
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.market.participant_registry import EnergyLimits
from peerwatt.oracle import EnvelopeInputs
from peerwatt.oracle.forecast_file import ForecastDirectory, ForecastDocument
from peerwatt.replay.founding import deploy_scenario
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario
from tests.cli.test_command_line import run

NOON = 44


@dataclass(frozen=True)
class Published:
    """A market at noon, whose committee has published an envelope."""

    client: MarketClient
    interval: int
    forecast: ForecastDocument
    command: list[str]


@pytest.fixture(scope="module")
def published(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Published]:
    folder, keys = tmp_path_factory.mktemp("public"), PilotKeys(scenario.seed)
    interval = scenario.calendar.first + NOON
    forecast = ScenarioForecasts(scenario, scenario.seed, None).forecast(interval)
    assert forecast is not None
    ForecastDirectory(folder).write(forecast)
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("anvil", genesis_time=genesis, sealed=True) as network:
        assert isinstance(network, RpcNetwork)
        deployment = deploy_scenario(network, replace(scenario, envelope=True), keys)
        deployment.save(folder / "deployment.json")
        client = MarketClient(network, deployment, Sender(network, keys.operator))
        board, solver = EnvelopeBoard(client), PowerFlow(scenario.feeder)
        inputs = EnvelopeInputs(interval, 900, board.connections(), forecast.on(scenario.feeder))
        [envelope] = inputs.envelopes(solver)
        signers = [bytes(keys.committee_member(index).key) for index in range(scenario.committee.quorum)]
        signatures = b"".join(envelope.sign(board.domain, key) for key in signers)
        network.set_next_timestamp(scenario.market.gate_closure(interval) - 100)
        board.publish(envelope, (1 << len(signers)) - 1, signatures)
        command = ["oracle", "envelope", "--interval", str(interval), "--chain", network.url]
        command += ["--deployment", str(folder / "deployment.json")]
        command += ["--feeder", str(scenario.directory / "feeder.json"), "--forecasts", str(folder)]
        yield Published(client, interval, forecast, command)


def test_anybody_derives_the_envelope_that_was_published(published: Published) -> None:
    said = run(*published.command, "--json")
    assert said.returncode == 0, said.stderr
    document = json.loads(said.stdout)
    assert document["same"]
    assert len(document["published"]) == 1
    [envelope] = EnvelopeBoard(published.client).published(published.interval)
    for account, limits in document["limits"].items():
        assert limits["import_w"] == 100 * envelope.limits[int(account)].imported
        assert limits["export_w"] == 100 * envelope.limits[int(account)].exported
    assert "the same as on chain, 0x" in run(*published.command).stdout


def test_an_envelope_that_follows_from_another_forecast_is_told(published: Published, tmp_path: Path) -> None:
    first, *others = published.forecast.participants
    other = first.model_copy(update={"import_wh": first.import_wh + 1})
    changed = published.forecast.model_copy(update={"participants": (other, *others)})
    ForecastDirectory(tmp_path).write(changed)
    said = run(*published.command[:-1], str(tmp_path))
    assert said.returncode == 1
    assert "others were published" in said.stdout


def test_the_gate_counts_on_inverters_that_keep_to_the_envelope(
    published: Published, scenario: Scenario
) -> None:
    limits = published_limits(published.client, published.interval)
    kept = published.forecast.within(limits)
    assert any(flow.export_wh > limits[flow.account].exported for flow in published.forecast.participants)
    assert all(flow.export_wh <= limits[flow.account].exported for flow in kept.participants)
    assert published_limits(published.client, published.interval + 1) == {}
    assert published.forecast.within({}) == published.forecast
    alone = published.forecast.within({4: EnergyLimits(0, 0)}).on(scenario.feeder)
    assert alone.export_wh[4] == 0
    assert alone.export_wh[5] == published.forecast.on(scenario.feeder).export_wh[5]
