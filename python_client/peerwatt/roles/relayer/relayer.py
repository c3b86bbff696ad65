"""Posting what is queued, and settling what was posted."""

from __future__ import annotations

from web3.types import TxReceipt

from peerwatt.client import BatchData, MarketClient, PostedBatch
from peerwatt.messages import SignedOrder
from peerwatt.roles.relayer.queue import OrderQueue, PostedRow


class Relayer:
    """Carries signed orders to the market. It cannot change them, only fail to, and then any other can.

    Attributes:
        client: the market, through the relayer's own key.
        queue: where everything waits.
    """

    def __init__(self, client: MarketClient, queue: OrderQueue) -> None:
        self.client = client
        self.queue = queue

    def accept(self, order: SignedOrder) -> None:
        """Take an order in; it is safe when this returns.

        Raises:
            InputError: the participant has another order for that interval in the queue.
        """
        self.queue.accept(order)

    def post(self, interval: int) -> PostedBatch | None:
        """Post everything that waits for an interval as one batch; None where nothing waits.

        If this was killed between the transaction and its note, the orders are posted again and the market
        skips them as duplicates: nothing happens twice.
        """
        orders = self.queue.queued(interval)
        if not orders:
            return None
        posted = self.client.post(interval, orders)
        self._note(interval, posted)
        return posted

    def settle(self, interval: int) -> list[TxReceipt]:
        """Settle every batch of an interval that was posted from this queue and is not settled yet."""
        receipts = []
        for row in self.queue.batches(interval):
            if not row.settled:
                receipts.append(self.client.settle(interval, row.batch, batch_data(row)))
                self.queue.note_settled(interval, row.batch)
        return receipts

    def _note(self, interval: int, posted: PostedBatch, seal: bytes | None = None) -> None:
        self.queue.note_posted(
            interval,
            posted.batch,
            posted.packed,
            posted.previous,
            [record.participant for record in posted.records],
            [(order.participant, int(order.reason)) for order in posted.skipped],
            seal,
        )


def batch_data(row: PostedRow) -> BatchData:
    """A batch as the market wants to see it again."""
    return BatchData(row.records, row.decisions, row.readings, row.previous)
