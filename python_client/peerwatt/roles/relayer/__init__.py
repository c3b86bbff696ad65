"""The relayer: a durable queue of signed orders, carried to the market as batches that lose nothing."""

from peerwatt.roles.relayer.batch_record import BatchRow, BatchState
from peerwatt.roles.relayer.queue import OrderQueue
from peerwatt.roles.relayer.relayer import Relayer

__all__ = ["BatchRow", "BatchState", "OrderQueue", "Relayer"]
