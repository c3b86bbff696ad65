"""Four members as processes on a real node: one of them dead, lying, slow or wrong, or two silent."""

from __future__ import annotations

import json
import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from peerwatt.cli import app
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.market.interval_ring import Phase
from peerwatt.messages import Verdict
from peerwatt.messages.signature import recover_signer
from peerwatt.oracle.forecast_file import ForecastDirectory
from peerwatt.oracle.report_bytes import REPORT_BYTES, as_hex
from peerwatt.oracle.report_inputs import ReportInputs
from tests.oracle.processes import MEMBERS, CommitteeOnChain, MemberProcess, committee_on_chain
from tests.oracle.slow_proxy import slow_proxy


@pytest.fixture(scope="module")
def running() -> Iterator[CommitteeOnChain]:
    with committee_on_chain() as committee:
        yield committee


@pytest.fixture
def committee(running: CommitteeOnChain) -> CommitteeOnChain:
    """Four honest members, whatever the test before did to them."""
    running.all_honest()
    return running


def _signers(committee: CommitteeOnChain, interval: int) -> list[int]:
    """Whose signatures the chain took."""
    [event] = committee.client.market.events.Reported().get_logs(
        from_block=committee.client.deployment.block, argument_filters={"interval": interval}
    )
    return [index for index in range(MEMBERS) if event["args"]["signers"] >> index & 1]


def _reporter(committee: CommitteeOnChain, interval: int) -> int:
    """Which member sent the report."""
    [event] = committee.client.market.events.Reported().get_logs(
        from_block=committee.client.deployment.block, argument_filters={"interval": interval}
    )
    sender = committee.network.web3.eth.get_transaction(event["transactionHash"])["from"]
    keys = [committee.keys.committee_member(index).address for index in range(MEMBERS)]
    return keys.index(sender)


def _command(*arguments: object, exit_code: int = 0) -> str:
    """What `peerwatt oracle …` prints."""
    result = CliRunner().invoke(app, ["oracle", *map(str, arguments)])
    assert result.exit_code == exit_code, result
    return result.stdout


def _tampered(committee: CommitteeOnChain, interval: int, folder: Path) -> None:
    """The forecast of an interval, with 5 kWh of sun that nobody expects."""
    document = json.loads(committee.source.forecast(interval).model_dump_json())
    document["participants"][0]["export_wh"] += 5000
    (folder / f"{interval}.json").write_text(json.dumps(document))


def _half_way(committee: CommitteeOnChain, interval: int) -> None:
    """Come to the moment from which a member judges by its own forecast whatever the others have."""
    market = committee.scenario.market
    committee.tick()
    committee.tick(market.book_closure(interval) + market.report_window // 2)


def _once(member: MemberProcess, interval: int) -> bytes:
    """The digest of the one report that a member signed on an interval."""
    [signed] = member.signed(interval)
    return signed.digest


def test_the_leader_reports_what_everybody_derived(committee: CommitteeOnChain) -> None:
    interval = committee.post(leader=2)
    verdict = committee.until_decided(interval)
    assert verdict in (Verdict.ACCEPT, Verdict.CURTAIL)
    assert _reporter(committee, interval) == 2
    [signed] = committee.members[2].signed(interval)
    assert {_once(member, interval) for member in committee.members} == {signed.digest}

    inputs = ReportInputs.from_json(signed.inputs, "stored inputs")
    again = inputs.judge(committee.solver)
    assert (again.report, again.decisions) == (signed.report, signed.decisions)
    assert again.report.digest(committee.client.domain) == signed.digest
    [event] = committee.client.market.events.Reported().get_logs(
        from_block=committee.client.deployment.block, argument_filters={"interval": interval}
    )
    assert bytes(event["args"]["inputsHash"]) == again.report.inputs_hash
    assert recover_signer(signed.digest, signed.signature) == committee.keys.committee_member(2).address


def test_anybody_derives_the_report_from_public_data(committee: CommitteeOnChain, tmp_path: Path) -> None:
    interval = committee.post()
    committee.until_decided(interval)
    member = committee.members[0]
    digest = as_hex(_once(member, interval))
    kept = _command("inputs", "--state", member.state, "--interval", interval)
    public = _command("inputs", *committee.public_data(), "--interval", interval)
    assert public == kept
    (tmp_path / "inputs.json").write_text(public)
    derive = ("derive", tmp_path / "inputs.json", "--feeder", committee.feeder, "--json", "--expect", digest)
    derived = json.loads(_command(*derive))
    status = json.loads(_command("status", "--state", member.state, "--last", 1, "--json"))
    [signed] = status["reports"]
    assert {**derived, "signature": signed["signature"], "on_chain": signed["on_chain"]} == signed
    served = httpx.get(f"{member.url}/intervals/{interval}", trust_env=False).json()
    assert [{**derived, "signature": signed["signature"]}] == served
    _command(*derive[:-1], "0x" + "00" * 32, exit_code=1)

    # And from public data to the transaction, without any member's word.
    verify = ("verify", *committee.public_data(), "--interval", interval, "--feeder", committee.feeder)
    assert f"the same {REPORT_BYTES} bytes of report" in _command(*verify)
    assert json.loads(_command(*verify, "--json"))["on_chain"]["report"] == derived["report"]
    _tampered(committee, interval, tmp_path)
    differing = _command(*verify, "--forecasts", tmp_path, exit_code=1)
    assert "inputs_hash: derived 0x" in differing


def test_one_dead_is_not_missed(committee: CommitteeOnChain) -> None:
    committee.members[1].kill()
    interval = committee.post(leader=3)
    committee.until_decided(interval)
    assert _reporter(committee, interval) == 3
    assert _signers(committee, interval) == [0, 2, 3]


def test_another_member_reports_when_the_leader_is_killed_after_signing(committee: CommitteeOnChain) -> None:
    # Without the others' addresses the leader can sign, when it has waited for them, and not report.
    committee.publish([])
    interval = committee.post(leader=0)
    _half_way(committee, interval)
    while not committee.members[0].signed(interval):
        committee.tick()
    committee.members[0].kill()
    committee.publish(committee.members[1:])
    committee.until_decided(interval)
    assert _reporter(committee, interval) != 0
    assert _signers(committee, interval) == [1, 2, 3]


def test_a_liar_costs_its_own_vote_alone_even_as_the_leader(
    committee: CommitteeOnChain, tmp_path: Path
) -> None:
    committee.restart(1, forecasts=str(tmp_path))
    interval = committee.next_interval(leader=1)
    _tampered(committee, interval, tmp_path)
    committee.forecasts.write(committee.source.forecast(interval))
    committee.close_gate(interval, committee.orders(interval))
    committee.until_decided(interval)
    assert _signers(committee, interval) == [0, 2, 3]
    assert _reporter(committee, interval) == 2
    assert not committee.members[1].signed(interval)
    said = committee.members[1].said()
    assert f"interval {interval}: member 2 signed another forecast" in said
    assert f"interval {interval}: 1 of 4 members agree, 3 are needed for the forecast" in said


def test_a_forecast_that_reached_only_some_is_put_right_before_anybody_signs(
    committee: CommitteeOnChain, tmp_path: Path
) -> None:
    for index in (2, 3):
        committee.restart(index, forecasts=str(tmp_path))
    interval = committee.next_interval(leader=0)
    _tampered(committee, interval, tmp_path)
    committee.forecasts.write(committee.source.forecast(interval))
    committee.close_gate(interval, committee.orders(interval))
    for _ in range(10):
        committee.tick()
    assert committee.phase(interval) == Phase.CLEARED
    assert not any(member.signed(interval) for member in committee.members)
    ForecastDirectory(tmp_path).write(committee.source.forecast(interval))
    assert committee.until_decided(interval) != Verdict.EXPIRED
    assert len({_once(member, interval) for member in committee.members if member.signed(interval)}) == 1


def test_a_member_with_another_feeder_file_is_outvoted(committee: CommitteeOnChain, tmp_path: Path) -> None:
    document = {**committee.scenario.feeder.document, "name": "somebody else's model"}
    other = tmp_path / "feeder.json"
    other.write_text(json.dumps(document))
    committee.restart(3, feeder=str(other))
    interval = committee.post(leader=3)
    committee.until_decided(interval)
    assert _signers(committee, interval) == [0, 1, 2]
    [signed] = committee.members[3].signed(interval)
    assert signed.report.feeder_hash == feeder_from_document(document).feeder_hash


def test_a_slow_member_is_not_waited_for(committee: CommitteeOnChain) -> None:
    with slow_proxy(committee.members[2].url) as url:
        committee.publish([committee.members[index] for index in (0, 1, 3)], url)
        interval = committee.post(leader=0)
        committee.until_decided(interval)
        committee.publish(committee.members)
    assert _signers(committee, interval) == [0, 1, 3]


def test_two_silent_end_in_expired_and_the_market_goes_on(committee: CommitteeOnChain) -> None:
    for index in (0, 1):
        committee.members[index].kill()
    interval = committee.post()
    for _ in range(20):
        committee.tick()
    assert committee.phase(interval) == Phase.CLEARED
    committee.tick(committee.scenario.market.report_deadline(interval))
    assert committee.until_decided(interval) == Verdict.EXPIRED

    committee.start([0])
    following = committee.post()
    assert committee.until_decided(following) != Verdict.EXPIRED
    assert 1 not in _signers(committee, following)


def test_a_member_stands_by_what_it_signed_when_its_forecast_changes(
    committee: CommitteeOnChain, tmp_path: Path
) -> None:
    member = committee.members[0]
    for other in committee.members[1:3]:
        other.kill()
    interval = committee.post()
    _half_way(committee, interval)
    while not member.signed(interval):
        committee.tick()
    digest = _once(member, interval)
    _tampered(committee, interval, tmp_path)
    committee.restart(0, forecasts=str(tmp_path))
    for _ in range(3):
        committee.tick()
    assert _once(member, interval) == digest
    committee.start([1])
    committee.until_decided(interval)
    assert _once(member, interval) == digest
    assert "another one follows from the inputs now" not in member.said()


def test_a_member_that_missed_an_event_finds_it_again(committee: CommitteeOnChain) -> None:
    member = committee.members[3]
    interval = committee.post()
    committee.tick()
    member.kill()
    with closing(sqlite3.connect(member.state)) as database:
        database.execute("DELETE FROM batches WHERE interval = ?", (interval,))
        database.commit()
    for other in committee.members[1:3]:
        other.kill()
    committee.start([1, 3])
    committee.until_decided(interval)
    assert f"interval {interval}: 1 of 1 batches are missing in the node's logs: asked again" in member.said()
    assert _signers(committee, interval) == [0, 1, 3]


def test_a_reorganisation_is_followed_and_one_clearing_is_signed_once(committee: CommitteeOnChain) -> None:
    interval = committee.next_interval(leader=0)
    orders = committee.orders(interval)
    committee.forecasts.write(committee.source.forecast(interval))
    committee.network.advance_to(committee.scenario.market.gate_closure(interval) - 120)
    empty = committee.network.snapshot()
    committee.close_gate(interval, orders)
    while committee.phase(interval) != Phase.CLEARED:
        committee.tick()
    cleared = committee.network.snapshot()
    committee.until_decided(interval)
    first = {member.index: _once(member, interval) for member in committee.members}

    # The report is gone and the clearing is the same: the same signatures serve again.
    committee.network.revert(cleared)
    committee.until_decided(interval)
    assert {member.index: _once(member, interval) for member in committee.members} == first

    # Now the orders are gone too, and fewer come back: another clearing, and another report on it.
    committee.network.revert(empty)
    committee.close_gate(interval, orders[:-1])
    committee.until_decided(interval)
    committee.tick()
    for member in committee.members:
        assert "the chain was reorganised" in member.said()
        signed = {report.digest: report.report.clearing_hash for report in member.signed(interval)}
        assert len(signed) == len(set(signed.values())) == 2
        assert first[member.index] in signed


@pytest.mark.parametrize("seed", [1])
def test_members_killed_at_random_miss_no_interval(committee: CommitteeOnChain, seed: int) -> None:
    _kill_at_random(committee, seed, intervals=2)


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
def test_members_killed_at_random_miss_no_interval_for_hours(committee: CommitteeOnChain, seed: int) -> None:
    _kill_at_random(committee, seed, intervals=12)


def _kill_at_random(committee: CommitteeOnChain, seed: int, intervals: int) -> None:
    """Kill members in the middle of whatever they do, at most two at a time, and start them again."""
    draw = random.Random(seed)
    posted = []
    seen: dict[tuple[int, bytes], bytes] = {}
    for _ in range(intervals):
        interval = committee.post()
        posted.append(interval)
        while committee.phase(interval) != Phase.GATED:
            victims = draw.sample(committee.members, draw.choice((0, 0, 1, 2)))
            committee.network.mine()
            time.sleep(draw.uniform(0, 0.15))
            for member in victims:
                member.kill()
            committee.tick()
            committee.start()
            for member in committee.members:
                for clearing, digest in member.signed_digests().items():
                    assert seen.setdefault((member.index, clearing), digest) == digest
        assert committee.client.interval(interval).terms.verdict != Verdict.EXPIRED
    for interval in posted:
        assert len({_once(member, interval) for member in committee.members if member.signed(interval)}) == 1
