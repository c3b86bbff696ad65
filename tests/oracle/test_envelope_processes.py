"""Members as processes publish one envelope before gate closure, or none: never two; nothing waits for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from peerwatt.client import EnvelopeBoard, published_limits
from peerwatt.client.operating_envelopes import Publication
from peerwatt.messages import Verdict
from peerwatt.oracle import EnvelopeInputs
from peerwatt.oracle.envelope_record import EnvelopeRecord, OwnEnvelope
from peerwatt.oracle.forecast_file import ForecastDirectory, ForecastDocument
from peerwatt.oracle.report_bytes import as_hex
from peerwatt.oracle.state import read_state
from tests.oracle.processes import MEMBERS, PATIENCE_S, CommitteeOnChain, MemberProcess, committee_on_chain


@pytest.fixture(scope="module")
def running() -> Iterator[CommitteeOnChain]:
    with committee_on_chain(envelope=True) as committee:
        yield committee


@pytest.fixture
def committee(running: CommitteeOnChain) -> CommitteeOnChain:
    """Four honest members, whatever the test before did to them."""
    running.all_honest()
    return running


def _begin(committee: CommitteeOnChain, interval: int) -> None:
    """Come to the moment from which the envelope is signed."""
    committee.tick(committee.scenario.market.gate_closure(interval) - committee.lead_s)


def _published(committee: CommitteeOnChain, interval: int) -> list[Publication]:
    client = committee.client
    return EnvelopeBoard(client).publications(interval, client.deployment.block)


def _until_published(committee: CommitteeOnChain, interval: int, at_most: int = 40) -> Publication:
    for _ in range(at_most):
        if found := _published(committee, interval):
            [publication] = found
            return publication
        committee.tick()
    said = "\n".join(f"member {member.index}: {member.said()}" for member in committee.members)
    raise AssertionError(f"interval {interval} has no envelope after {at_most} blocks\n{said}")


def _publisher(committee: CommitteeOnChain, publication: Publication) -> int:
    sender = committee.network.web3.eth.get_transaction(publication.transaction)["from"]
    return [committee.keys.committee_member(index).address for index in range(MEMBERS)].index(sender)


def _signed(member: MemberProcess, interval: int) -> list[OwnEnvelope]:
    with closing(read_state(member.state)) as database:
        return EnvelopeRecord(database).of_interval(interval)


def _digest(member: MemberProcess, interval: int) -> bytes:
    [own] = _signed(member, interval)
    return own.digest


def _other(committee: CommitteeOnChain, interval: int) -> ForecastDocument:
    """The forecast of an interval, with 5 kWh of sun that nobody else expects."""
    document = json.loads(committee.source.forecast(interval).model_dump_json())
    document["participants"][0]["export_wh"] += 5000
    return ForecastDocument.model_validate_json(json.dumps(document))


def test_the_leader_publishes_what_everybody_derived(committee: CommitteeOnChain) -> None:
    interval = committee.next_interval(leader=2)
    forecast = committee.source.forecast(interval)
    committee.forecasts.write(forecast)
    _begin(committee, interval)
    publication = _until_published(committee, interval)
    assert _publisher(committee, publication) == 2
    assert publication.signers.bit_count() == committee.scenario.committee.quorum
    connections = EnvelopeBoard(committee.client).connections()
    inputs = EnvelopeInputs(interval, 900, connections, forecast.on(committee.scenario.feeder))
    assert [publication.envelope] == list(inputs.envelopes(committee.solver))
    digest = publication.envelope.digest(EnvelopeBoard(committee.client).domain)
    assert {_digest(member, interval) for member in committee.members} == {digest}
    [shown] = httpx.get(f"{committee.members[0].url}/envelopes/{interval}", trust_env=False).json()
    assert shown["digest"] == as_hex(digest)


def test_one_dead_is_not_missed_even_as_the_leader(committee: CommitteeOnChain) -> None:
    committee.members[1].kill()
    interval = committee.next_interval(leader=1)
    committee.forecasts.write(committee.source.forecast(interval))
    _begin(committee, interval)
    for _ in range(PATIENCE_S - 2):
        committee.tick()
    assert not _published(committee, interval)
    publication = _until_published(committee, interval)
    assert (_publisher(committee, publication), publication.signers) == (2, 0b1101)


def test_a_late_forecast_is_waited_for_until_the_last_turn(committee: CommitteeOnChain) -> None:
    interval, closure = committee.next_interval(), committee.scenario.market.gate_closure
    _begin(committee, interval)
    assert f"interval {interval}: no forecast yet: no envelope signed" in committee.members[0].said()
    committee.forecasts.write(committee.source.forecast(interval))
    _until_published(committee, interval)

    late = committee.next_interval()
    _begin(committee, late)
    committee.tick(closure(late) - PATIENCE_S)
    committee.forecasts.write(committee.source.forecast(late))
    committee.tick()
    assert not any(_signed(member, late) for member in committee.members)
    committee.close_gate_after(late, committee.orders(late))
    assert committee.until_decided(late) != Verdict.EXPIRED


def test_members_with_different_forecasts_publish_nothing_and_nothing_expires(
    committee: CommitteeOnChain, tmp_path: Path
) -> None:
    for index in (2, 3):
        committee.restart(index, forecasts=str(tmp_path))
    interval = committee.next_interval(leader=0)
    committee.forecasts.write(committee.source.forecast(interval))
    ForecastDirectory(tmp_path).write(_other(committee, interval))
    _begin(committee, interval)
    for _ in range(MEMBERS * PATIENCE_S):
        committee.tick()
    assert len({_digest(member, interval) for member in committee.members}) == 2
    assert f"interval {interval}: member 2 signed another envelope 0" in committee.members[0].said()
    # The two are told, and put it right before they judge.
    ForecastDirectory(tmp_path).write(committee.source.forecast(interval))
    committee.close_gate_after(interval, committee.orders(interval))
    assert committee.until_decided(interval) != Verdict.EXPIRED
    assert published_limits(committee.client, interval) == {}


def test_a_member_stands_by_its_envelope_when_it_is_killed_and_its_forecast_changes(
    committee: CommitteeOnChain, tmp_path: Path
) -> None:
    interval = committee.next_interval(leader=0)
    committee.forecasts.write(committee.source.forecast(interval))
    for member in committee.members[1:3]:
        member.kill()
    _begin(committee, interval)
    committee.tick()
    digest = _digest(committee.members[0], interval)
    ForecastDirectory(tmp_path).write(_other(committee, interval))
    committee.restart(0, forecasts=str(tmp_path))
    committee.tick()
    assert _digest(committee.members[0], interval) == digest
    committee.start([1])
    publication = _until_published(committee, interval)
    assert publication.envelope.digest(EnvelopeBoard(committee.client).domain) == digest
    assert publication.signers == 0b1011
    assert _digest(committee.members[0], interval) == digest
