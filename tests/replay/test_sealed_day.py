"""Sealing changes who can look before gate closure, not what is traded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from web3 import Web3

from peerwatt.chain import open_network
from peerwatt.messages import Verdict
from peerwatt.record.derivation import results
from peerwatt.record.replayed import Replayed
from peerwatt.record.results import IntervalResult
from peerwatt.replay.replay import Replay
from peerwatt.replay.run import SETUP_S, replay_scenario
from peerwatt.scenario.excerpt import from_interval
from peerwatt.scenario.scenario import Scenario
from peerwatt.scenario.variants import sealed
from tests.replay.conftest import DAY, Day

MORNING = 40
"""Up to the first interval of the day whose trades are cut."""


def sealed_on(chain: str, scenario: Scenario, intervals: int) -> Replayed:
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network(chain, genesis_time=genesis, sealed=True) as network:
        return Replay(sealed(scenario), network, scenario.seed, intervals).run()


def without_gas(intervals: tuple[IntervalResult, ...]) -> list[IntervalResult]:
    return [replace(interval, gas=0) for interval in intervals]


@pytest.fixture(scope="module")
def sealed_day(scenario: Scenario) -> Replayed:
    return sealed_on("anvil", scenario, DAY)


def test_chain_and_reference_agree_on_every_interval_of_a_sealed_day(sealed_day: Replayed) -> None:
    assert sealed_day.first_difference == ""
    assert sealed_day.mismatches == 0
    assert results(sealed_day).bill_check.differences == ()


def test_every_bond_returns_and_nothing_comes_from_nowhere(sealed_day: Replayed) -> None:
    """Checked while bonds are out, too: what the phase holds and what the relayer has left are its purse."""
    assert sealed_day.conservation_error == 0
    summary = results(sealed_day).summary
    assert (summary.sealed_batches, summary.bond) == (DAY, sealed_day.scenario.market.bond)
    # A lost bond would have gone to the community's account.
    assert [account.cash for account in results(sealed_day).accounts if account.account == "community"] == [0]


def test_trades_prices_verdicts_and_bills_are_those_of_the_open_market(
    sealed_day: Replayed, default_day: Day
) -> None:
    result = results(sealed_day)
    assert without_gas(result.intervals) == without_gas(default_day.result.intervals)
    assert result.orders == default_day.result.orders
    assert result.settlements == default_day.result.settlements
    assert result.participants == default_day.result.participants
    assert result.accounts == default_day.result.accounts
    assert (result.summary.traded_wh, result.summary.accepted_wh) == (165_394, 163_143)


def test_what_sealing_costs_is_in_the_gas_of_the_day(sealed_day: Replayed, default_day: Day) -> None:
    pairs = zip(results(sealed_day).intervals, default_day.result.intervals, strict=True)
    # Two transactions more than a post: neither is free, and both together are below 160,000.
    assert all(42_000 < under_seal.gas - in_the_open.gas < 160_000 for under_seal, in_the_open in pairs)


def test_no_batch_is_on_chain_before_gate_closure(scenario: Scenario) -> None:
    market = sealed(scenario).market
    genesis = int(scenario.calendar.start.timestamp()) - SETUP_S
    with open_network("eth-tester", genesis_time=genesis, sealed=True) as network:
        Replay(sealed(scenario), network, scenario.seed, 2).run()
        topic = Web3.keccak(text="BatchPosted(uint256,uint256,bytes)")
        posted = network.web3.eth.get_logs({"fromBlock": 0, "topics": [topic.to_0x_hex()]})
        blocks = [network.web3.eth.get_block(log["blockNumber"]) for log in posted]
        intervals = [int.from_bytes(log["topics"][1], "big") for log in posted]
        assert intervals == [scenario.calendar.first, scenario.calendar.first + 1]
        for interval, block in zip(intervals, blocks, strict=True):
            assert market.gate_closure(interval) <= block["timestamp"] < market.book_closure(interval)


@pytest.mark.parametrize("chain", [pytest.param("ganache", marks=pytest.mark.long), "eth-tester"])
def test_other_chains_give_the_numbers_of_a_sealed_morning(
    chain: str, scenario: Scenario, sealed_day: Replayed
) -> None:
    replayed = sealed_on(chain, scenario, MORNING)
    assert (replayed.first_difference, replayed.conservation_error) == ("", 0)
    found = results(replayed)
    # Gas included: the relayer's salts follow from the seed.
    assert found.intervals == results(sealed_day).intervals[:MORNING]
    assert any(interval.verdict == Verdict.CURTAIL for interval in found.intervals)


def test_envelopes_and_a_sealed_phase_go_together(scenario: Scenario, sealed_day: Replayed) -> None:
    """Limits are known when an offer is made, and kept by what is revealed: nothing is cut or skipped."""
    cut = [log.index for log in sealed_day.logs if log.verdict != Verdict.ACCEPT][:3]
    replayed = sealed_on("anvil", from_interval(replace(scenario, envelope=True), cut[0]), 3)
    assert (replayed.first_difference, replayed.conservation_error) == ("", 0)
    summary = results(replayed).summary
    assert (summary.envelopes, summary.envelope_skipped, summary.sealed_batches) == (3, 0, 3)
    assert summary.envelope_shrunk > 0
    assert all(log.verdict == Verdict.ACCEPT for log in replayed.logs)


def test_members_as_processes_judge_after_the_book_has_closed(
    scenario: Scenario, sealed_day: Replayed, tmp_path: Path
) -> None:
    outside = replay_scenario(sealed(scenario), "anvil", scenario.seed, 3, committee=tmp_path / "committee")
    assert outside.summary.reference_mismatches == outside.summary.conservation_error == 0
    assert outside.summary.verdicts["expired"] == 0
    inside = results(sealed_day)
    assert without_gas(outside.intervals) == without_gas(inside.intervals[:3])
    assert outside.settlements == inside.settlements[: len(outside.settlements)]
