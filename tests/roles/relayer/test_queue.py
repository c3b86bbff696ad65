"""A relayer that is killed at any instant loses nothing and does nothing twice."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from peerwatt.client import PostedBatch, SealedBatch
from peerwatt.errors import InputError
from peerwatt.market.order_book import SkippedOrder
from peerwatt.messages import Order, Side, SignedOrder, SkipReason, Step
from peerwatt.roles.relayer import BatchState, OrderQueue

KILLED_WHILE_ACCEPTING = """
import sys
from pathlib import Path
from peerwatt.messages import Order, SignedOrder, Side, Step
from peerwatt.roles.relayer import OrderQueue

queue = OrderQueue(Path(sys.argv[1]))
for account in range(4, 10_000):
    queue.accept(SignedOrder(Order(7, account, (Step(Side.BUY, 1, account),)), bytes(64)))
    print(account, flush=True)
"""


def _order(account: int, quantity: int = 100) -> SignedOrder:
    return SignedOrder(Order(7, account, (Step(Side.SELL, 3, quantity),)), bytes(64))


def test_every_acknowledged_order_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WHILE_ACCEPTING, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged = [int(process.stdout.readline()) for _ in range(50)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with OrderQueue(path) as queue:
        found = [signed.order.participant for signed in queue.queued(7)]
    assert found[:50] == acknowledged
    assert found == sorted(found)


def test_the_same_order_twice_is_one_and_another_one_is_refused() -> None:
    with OrderQueue() as queue:
        queue.accept(_order(4))
        queue.accept(_order(4))
        with pytest.raises(InputError, match="participant 4 has another order for interval 7"):
            queue.accept(_order(4, quantity=101))
        assert queue.queued(7) == (_order(4),)


def test_an_order_leaves_the_queue_only_with_its_batch(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    batch = SealedBatch(7, tuple(_order(account) for account in (4, 5, 6)), b"", b"7" * 32)
    skipped = (SkippedOrder(2, 6, SkipReason.BELOW_MARGIN),)
    with OrderQueue(path) as queue:
        for account in (6, 5, 4):
            queue.accept(_order(account))
        assert queue.waiting() == (7,)
        queue.batches.store(batch, "0x00", 3)
    with OrderQueue(path) as queue:
        assert (queue.queued(7), queue.waiting()) == ((), ())
        [row] = queue.batches.of_interval(7)
        assert (row.batch, row.block, row.state, row.number) == (batch, 3, BatchState.STORED, None)
        queue.batches.note_posted(batch, PostedBatch(1, b"", bytes(32), skipped, 0))
        [row] = queue.batches.of_interval(7)
        assert (row.state, row.number) == (BatchState.POSTED, 1)


def test_an_order_that_was_skipped_may_come_again_and_one_that_was_taken_may_not() -> None:
    batch = SealedBatch(7, (_order(4), _order(6)), b"", b"7" * 32)
    with OrderQueue() as queue:
        for account in (4, 6):
            queue.accept(_order(account))
        queue.batches.store(batch, "0x00", 3)
        skipped = (SkippedOrder(1, 6, SkipReason.BELOW_MARGIN),)
        queue.batches.note_posted(batch, PostedBatch(0, b"", bytes(32), skipped, 0))
        queue.accept(_order(6, quantity=50))
        assert queue.queued(7) == (_order(6, quantity=50),)
        with pytest.raises(InputError, match="participant 4 has another order"):
            queue.accept(_order(4, quantity=50))


def test_file_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    OrderQueue(path).close()
    OrderQueue(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(InputError, match=r"orders\.sqlite: not a queue of this version"):
        OrderQueue(path)
