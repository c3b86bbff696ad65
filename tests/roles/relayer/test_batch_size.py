"""A batch is never more than a node takes in one transaction, in bytes as in gas."""

from __future__ import annotations

import random
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from peerwatt.chain import open_network
from peerwatt.messages import Order, Side, SignedOrder, Step, encode_orders
from peerwatt.roles.relayer.batch_size import BatchSize

sys.path.append(str(Path(__file__).resolve().parents[3] / "benchmarks"))

from measure_gas import FIRST_PARTICIPANT, RING, Bench, signed_order

PARTICIPANTS = 40


def order(account: int, steps: int) -> SignedOrder:
    return SignedOrder(Order(7, account, tuple(Step(Side.BUY, n, 1) for n in range(steps))), bytes(64))


@given(
    st.lists(st.tuples(st.integers(4, 4000), st.integers(1, 8)), max_size=60),
    st.integers(1, 2000),
    st.integers(1_900_000, 2_600_000),
)
def test_every_order_is_in_one_batch_and_every_batch_fits(
    drawn: list[tuple[int, int]], most_bytes: int, gas: int
) -> None:
    orders, size = [order(*each) for each in drawn], BatchSize(most_bytes, gas)
    batches = list(size.split(orders))
    assert [each for batch in batches for each in batch] == orders
    for batch in batches:
        fits = len(encode_orders(batch)) <= most_bytes and size.gas_of(batch) <= gas
        assert fits or len(batch) == 1


def test_thirteen_hundred_orders_of_eight_steps_are_more_than_one_transaction() -> None:
    batches = list(BatchSize(orders=1400).split([order(account, 8) for account in range(4, 1304)]))
    assert [len(encode_orders(batch)) < 128 * 1024 for batch in batches] == [True, True]


def test_no_batch_has_more_orders_than_the_market_takes() -> None:
    batches = list(BatchSize(orders=100).split([order(account, 1) for account in range(4, 304)]))
    assert [len(batch) for batch in batches] == [100, 100, 100]


def test_no_batch_uses_more_gas_than_its_bound_not_even_of_an_untouched_book() -> None:
    draw = random.Random(3)
    lanes = [(side, tick) for side in (0, 1) for tick in range(128 * side, 128 * side + 128)]
    with open_network() as network:
        bench = Bench(network, PARTICIPANTS)
        market, size = bench.market, BatchSize.on(network, RING)
        for interval, count in enumerate((1, 10, PARTICIPANTS), bench.interval):
            market.at(RING.start(interval) - 500)
            ladders = [
                [(Side(side), tick, draw.randint(1, 20)) for side, tick in sorted(draw.sample(lanes, 8))]
                for _ in range(count)
            ]
            orders = [
                signed_order(market.domain, interval, FIRST_PARTICIPANT + at, ladder)
                for at, ladder in enumerate(ladders)
            ]
            posted = market.client.post(interval, orders)
            assert len(posted.records) == count
            assert posted.gas <= size.gas_of(orders) <= size.gas
