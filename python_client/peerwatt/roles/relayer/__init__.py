"""The relayer: a durable queue of signed orders, posted as batches that nothing can be lost from."""

from peerwatt.roles.relayer.queue import OrderQueue, PostedRow
from peerwatt.roles.relayer.relayer import Relayer
from peerwatt.roles.relayer.sealed_record import SealedRow, SealedState
from peerwatt.roles.relayer.sealed_relayer import SealedRelayer

__all__ = ["OrderQueue", "PostedRow", "Relayer", "SealedRelayer", "SealedRow", "SealedState"]
