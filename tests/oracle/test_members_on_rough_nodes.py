"""Members judge whole intervals: a node whose logs lag is asked until they and the market agree."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

import tests.lagging_modes  # noqa: F401  (it offers them)
from peerwatt.cli.exit_codes import ExitCode
from peerwatt.messages import Verdict
from tests.oracle.processes import CommitteeOnChain, committee_on_chain
from tests.rough_node import RoughNode

MODES = (
    ("emptylogs=5",),
    ("lateblocks=4",),
    ("lateblocks=3", "nobloom"),
    ("logrange=2", "pruned=0"),
    ("mixedlogs", "stalehead=3"),
)
MORE = (("emptylogs=5", "nobloom"), ("logcount=1", "lagcall=1"), ("poa", "429rpc=40"))
"""For the long run."""


@pytest.fixture(scope="module")
def rough() -> Iterator[tuple[CommitteeOnChain, RoughNode]]:
    """Four members, all of them behind one node."""
    with committee_on_chain() as committee, RoughNode(committee.url) as node:
        committee.start(chain=node.url)
        yield committee, node


@pytest.mark.parametrize("modes", MODES, ids="+".join)
def test_an_interval_is_reported_by_all_of_its_records_or_waited_for(
    rough: tuple[CommitteeOnChain, RoughNode], modes: tuple[str, ...]
) -> None:
    reported_by_all(*rough, modes)


@pytest.mark.long
@pytest.mark.parametrize("modes", MORE, ids="+".join)
def test_and_through_nodes_with_other_habits(
    rough: tuple[CommitteeOnChain, RoughNode], modes: tuple[str, ...]
) -> None:
    reported_by_all(*rough, modes)


def reported_by_all(committee: CommitteeOnChain, node: RoughNode, modes: tuple[str, ...]) -> None:
    node.modes = list(modes)
    interval = committee.post()
    assert committee.until_decided(interval) in (Verdict.ACCEPT, Verdict.CURTAIL)
    signed = [report for member in committee.members for report in member.signed(interval)]
    assert len({report.digest for report in signed}) == 1
    node.modes = []


def test_what_a_member_waits_for_is_on_its_page_and_what_it_missed_in_its_log(
    rough: tuple[CommitteeOnChain, RoughNode],
) -> None:
    committee, node = rough
    market = committee.scenario.market
    node.modes = ["lateblocks=1000"]
    interval = committee.post()
    committee.tick()
    # Nothing is judged on a part, and a clearing needs no records.
    assert not any(member.signed(interval) for member in committee.members)
    health = httpx.get(f"{committee.members[0].url}/health", trust_env=False).json()
    assert health["followed_block"] < health["block"]
    assert any("has events that the node does not give yet: asked again" in line for line in health["waits"])
    assert any(line.startswith(f"interval {interval}: 1 of 1 batches") for line in health["waits"])
    committee.tick(market.report_deadline(interval))
    assert committee.until_decided(interval) == Verdict.EXPIRED
    node.modes = []
    for _ in range(4):
        committee.tick()
    said = committee.members[0].said()
    assert f"interval {interval}: missed, it expired without a report: " in said
    assert httpx.get(f"{committee.members[0].url}/health", trust_env=False).json()["waits"] == []


def test_a_report_is_verified_through_such_a_node(rough: tuple[CommitteeOnChain, RoughNode]) -> None:
    committee, node = rough
    interval = committee.post()
    committee.until_decided(interval)
    node.modes = ["emptylogs=9", "logrange=2", "logcount=1", "429rpc=40"]
    assert verified(committee, interval, node.url).returncode == ExitCode.FINE
    node.modes = []


def test_a_node_in_trouble_is_no_disagreement(rough: tuple[CommitteeOnChain, RoughNode]) -> None:
    committee, node = rough
    interval = committee.post()
    committee.until_decided(interval)
    node.modes = ["lateblocks=1000"]
    late = verified(committee, interval, node.url)
    node.modes = []
    absent = verified(committee, interval, "http://127.0.0.1:9")
    for found in (late, absent):
        assert (found.returncode, found.stdout) == (ExitCode.REFUSED, "")
        [line] = found.stderr.splitlines()
        assert line.startswith("error: http://127.0.0.1:")


def verified(committee: CommitteeOnChain, interval: int, url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from peerwatt.cli import main; main()", "oracle", "verify"]
    options = [*committee.public_data(), "--interval", str(interval), "--feeder", str(committee.feeder)]
    return subprocess.run([*command, *options, "--chain", url], capture_output=True, text=True, check=False)
