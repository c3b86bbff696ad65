"""A sealed market's relayer commits once, reveals once and gets its bond back, whatever a node does to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import tests.lagging_modes  # noqa: F401  (it offers them)
from peerwatt.client import SealedPhase
from peerwatt.roles.relayer import BatchState
from tests.client.conftest import FIRST
from tests.roles.operator_process import Bench, operator_bench
from tests.roles.relayer.conftest import BONDS, SEALED

RING = replace(SEALED, reveal_window=240)
MODES = (
    ("dropsend=2", "emptylogs=5"),
    ("alreadyknown=2", "lateblocks=3"),
    ("nullreceipt=2", "pruned=0"),
    ("lagcall=1", "logcount=1"),
)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with operator_bench(RING, tmp_path_factory.mktemp("operator")) as found:
        operator, relayer = (
            found.live_client(key) for key in (found.market.keys.operator, found.market.keys.relayer)
        )
        mint = operator.payment_token.functions.mint(relayer.sender.address, BONDS * RING.bond)
        operator.sender.send(mint)
        found.start()
        yield found


@pytest.fixture(scope="module")
def intervals() -> Iterator[int]:
    return iter(range(FIRST, FIRST + 10_000))


@pytest.fixture
def interval(bench: Bench, intervals: Iterator[int]) -> Iterator[int]:
    """The next one that takes batches, a minute before they are made; the node is itself again after."""
    found = next(number for number in intervals if RING.gate_closure(number) - 120 > bench.now())
    bench.mine(RING.gate_closure(found) - 120)
    yield found
    bench.rough.modes = []


def bonds(bench: Bench) -> tuple[int, int]:
    """What the relayer has and is owed, and what is out, in bonds."""
    client = bench.live_client(bench.market.keys.relayer)
    held = int(client.payment_token.functions.balanceOf(client.sender.address).call())
    phase = SealedPhase(client)
    return (held + phase.owed()) // RING.bond, (phase.held() - phase.owed()) // RING.bond


def states(bench: Bench, interval: int) -> list[tuple[BatchState, int | None]]:
    return [(row.state, row.number) for row in bench.rows(interval)]


def committed(bench: Bench, interval: int) -> None:
    for order in bench.market.orders(interval, 500):
        bench.hand_in(order)
    bench.mine(RING.gate_closure(interval) - 59)
    bench.until(lambda: states(bench, interval) == [(BatchState.COMMITTED, None)])


def revealed(bench: Bench, interval: int) -> None:
    if bench.now() < RING.gate_closure(interval):
        bench.mine(RING.gate_closure(interval))
    bench.until(lambda: states(bench, interval) == [(BatchState.POSTED, 0)])


@pytest.mark.parametrize("modes", MODES, ids="+".join)
def test_a_batch_costs_one_bond_and_brings_it_back(
    bench: Bench, interval: int, modes: tuple[str, ...]
) -> None:
    bench.rough.modes = list(modes)
    committed(bench, interval)
    assert bonds(bench) == (BONDS - 1, 1)
    revealed(bench, interval)
    bench.until(lambda: bonds(bench) == (BONDS, 0))
    found = bench.seen(interval).transactions
    assert [sum(bool(each.named(name)) for each in found) for name in ("Committed", "Revealed")] == [1, 1]


def test_a_commitment_and_a_reveal_that_a_reorganisation_drops_are_made_again(
    bench: Bench, interval: int
) -> None:
    committed(bench, interval)
    [commitment] = bench.seen(interval).transactions
    bench.ask("anvil_rollback", bench.live.web3.eth.block_number - commitment.block + 1)
    bench.until(lambda: bonds(bench) == (BONDS - 1, 1))
    revealed(bench, interval)
    reveal = bench.seen(interval).transactions[-1]
    bench.ask("anvil_rollback", bench.live.web3.eth.block_number - reveal.block + 1)
    bench.until(lambda: bonds(bench) == (BONDS, 0))
    revealed(bench, interval)
    assert [each.call for each in bench.seen(interval).transactions] == ["commit", "reveal"]
