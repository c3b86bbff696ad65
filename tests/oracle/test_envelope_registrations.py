"""An envelope is for those who are registered when it is derived, whoever was before a reorganisation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from peerwatt.chain import Sender, open_network
from peerwatt.client import EnvelopeBoard, Head, MarketClient
from peerwatt.client.market import Registration
from peerwatt.client.supplier import cover_with
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.market.participant_registry import Participant
from peerwatt.oracle.derivations import Derivations
from peerwatt.oracle.envelope_publisher import EnvelopePublisher
from peerwatt.oracle.envelope_record import EnvelopeRecord
from peerwatt.oracle.forecast_file import ForecastDirectory, ForecastDocument
from peerwatt.oracle.peers import PeerList, Peers
from peerwatt.oracle.seat import Habits, Seat
from peerwatt.oracle.state import Identity, open_state
from peerwatt.replay.founding import cover_all, deploy_scenario
from peerwatt.replay.run import SETUP_S
from peerwatt.scenario.forecasts import ScenarioForecasts
from peerwatt.scenario.keys import PilotKeys
from peerwatt.scenario.scenario import Scenario

NOON = 44


@pytest.fixture(scope="module")
def client(scenario: Scenario) -> Iterator[MarketClient]:
    """A market with operating envelopes, through the first member's key."""
    keys = PilotKeys(scenario.seed)
    with open_network(genesis_time=int(scenario.calendar.start.timestamp()) - SETUP_S) as network:
        deployment = deploy_scenario(network, replace(scenario, envelope=True), keys)
        yield MarketClient(network, deployment, Sender(network, keys.operator))


def _with_newcomer(forecast: ForecastDocument, account: int) -> ForecastDocument:
    newcomer = forecast.participants[0].model_copy(update={"account": account})
    return forecast.model_copy(update={"participants": (*forecast.participants, newcomer)})


def test_registration_that_a_reorganisation_takes_back_is_in_no_later_envelope(
    client: MarketClient, scenario: Scenario, solver: PowerFlow, tmp_path: Path
) -> None:
    keys, network = PilotKeys(scenario.seed), client.network
    first, newcomer = scenario.calendar.first + NOON, client.account_count()
    source, forecasts = ScenarioForecasts(scenario, scenario.seed), ForecastDirectory(tmp_path)
    (tmp_path / "peers.txt").write_text("")
    member = keys.committee_member(0)
    identity = Identity(member.address, network.chain_id, client.market.address)
    with closing(open_state(Path(":memory:"), identity)) as database:
        record = EnvelopeRecord(database)
        seat = Seat(client, member, Habits())
        peers = Peers(PeerList(tmp_path / "peers.txt"))
        publisher = EnvelopePublisher(seat, Derivations(solver), forecasts, record, peers)

        def accounts_in_the_envelope_of(interval: int) -> int:
            time = scenario.market.gate_closure(interval) - Habits().envelope_lead_s
            publisher.attend(interval, Head(0, bytes(32), time))
            [own] = record.of_interval(interval)
            return len(own.envelope.limits)

        before = network.snapshot()
        joins = Participant(keys.order_key(newcomer).address, keys.meter_key(newcomer).address, 100, 100)
        registration = [Registration(keys.wallet(newcomer).address, joins, node=0)]
        cover_all(network, client.deployment, keys.system_wallet(0), cover_with(client, registration))
        client.register(registration)
        forecasts.write(_with_newcomer(source.forecast(first), newcomer))
        assert accounts_in_the_envelope_of(first) == newcomer + 1

        network.revert(before)
        forecasts.write(source.forecast(first + 1))
        assert accounts_in_the_envelope_of(first + 1) == newcomer == client.account_count()
        assert newcomer not in EnvelopeBoard(client).connections()
