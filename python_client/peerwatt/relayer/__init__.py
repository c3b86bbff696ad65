"""The relayer: a durable queue of signed orders, posted as batches that nothing can be lost from."""

from peerwatt.relayer.queue import OrderQueue, PostedRow
from peerwatt.relayer.relayer import Relayer
from peerwatt.relayer.sealed_record import SealedRow, SealedState
from peerwatt.relayer.sealed_relayer import SealedRelayer

__all__ = ["OrderQueue", "PostedRow", "Relayer", "SealedRelayer", "SealedRow", "SealedState"]
