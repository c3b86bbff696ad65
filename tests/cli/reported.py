"""A market on a node of our own, whose committee has published an envelope and reported an interval."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from peerwatt.chain import Sender, open_network
from peerwatt.chain.rpc import RpcNetwork
from peerwatt.client import EnvelopeBoard, MarketClient, published_limits
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.messages.signature import sign_digest
from peerwatt.oracle.envelope import EnvelopeInputs
from peerwatt.oracle.forecast_file import ForecastDirectory
from peerwatt.oracle.judgement import DEFAULT_RULES
from peerwatt.oracle.public_record import posted_interval
from peerwatt.oracle.report_inputs import ReportInputs
from peerwatt.replay.founding import deploy_scenario, fund_market
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.bidding import order_of
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.loading import load_scenario

NOON = 44


@contextmanager
def reported_market(folder: Path) -> Iterator[list[str]]:
    """The options that let anybody check the interval: its number, the chain, and everything public."""
    scenario = replace(load_scenario("brooklyn-10"), envelope=True)
    keys, solver = PilotKeys(scenario.seed), PowerFlow(scenario.feeder)
    interval, quorum = scenario.calendar.first + NOON, scenario.committee.quorum
    forecast = ScenarioForecasts(scenario, scenario.seed, None).forecast(interval)
    assert forecast is not None
    ForecastDirectory(folder).write(forecast)
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("anvil", genesis_time=genesis, sealed=True) as network:
        assert isinstance(network, RpcNetwork)
        deployment = deploy_scenario(network, scenario, keys)
        fund_market(network, scenario, deployment, keys, 1)
        deployment.save(folder / "deployment.json")
        client = MarketClient(network, deployment, Sender(network, keys.relayer))
        board = EnvelopeBoard(MarketClient(network, deployment, Sender(network, keys.operator)))
        members = [bytes(keys.committee_member(k).key) for k in range(quorum)]
        signers = (1 << quorum) - 1
        inputs = EnvelopeInputs(interval, 900, board.connections(), forecast.on(scenario.feeder))
        [envelope] = inputs.envelopes(solver)
        closure = scenario.market.gate_closure(interval)
        network.set_next_timestamp(closure - 100)
        board.publish(envelope, signers, b"".join(envelope.sign(board.domain, key) for key in members))

        network.set_next_timestamp(closure - 50)
        orders = [
            order.signed(client.domain, bytes(keys.order_key(home.account).key))
            for home in scenario.participants
            if (order := order_of(scenario, home, NOON, scenario.seed, None)) is not None
        ]
        client.post(interval, orders)
        network.set_next_timestamp(closure + 1)
        client.clear(interval)
        inputs_of_report = ReportInputs(
            client.domain,
            posted_interval(client, interval),
            forecast.within(published_limits(client, interval)),
            DEFAULT_RULES,
        )
        judgement = inputs_of_report.judge(solver)
        digest = judgement.report.digest(client.domain)
        signatures = b"".join(sign_digest(digest, key) for key in members)
        network.set_next_timestamp(closure + 2)
        client.report(judgement.report, judgement.decisions, signers, signatures)
        options = {
            "--interval": interval,
            "--chain": network.url,
            "--deployment": folder / "deployment.json",
            "--forecasts": folder,
        }
        yield [str(part) for option in options.items() for part in option]
