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

from peerwatt.errors import InputError
from peerwatt.messages import Order, Side, SignedOrder, Step
from peerwatt.roles.relayer import OrderQueue

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
    with OrderQueue(path) as queue:
        for account in (6, 5, 4):
            queue.accept(_order(account))
        queue.note_posted(7, 0, b"records", bytes(32), taken=[4, 5], skipped=[(6, 7)])
    with OrderQueue(path) as queue:
        assert queue.queued(7) == ()
        [batch] = queue.batches(7)
        assert (batch.records, batch.previous, batch.settled) == (b"records", bytes(32), 0)
        queue.note_readings(7, 0, b"readings")
        queue.note_settled(7, 0)
        [batch] = queue.batches(7)
        assert (batch.readings, batch.settled) == (b"readings", 1)


def test_file_of_another_version_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "orders.sqlite"
    OrderQueue(path).close()
    OrderQueue(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 1")
    with pytest.raises(InputError, match=r"orders\.sqlite: not a queue of this version"):
        OrderQueue(path)
