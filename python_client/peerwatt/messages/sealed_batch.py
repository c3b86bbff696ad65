"""The seal: the hash of a batch that stays secret until gate closure."""

from collections.abc import Sequence

from eth_hash.auto import keccak

from peerwatt.messages.domain import word
from peerwatt.messages.errors import require_bytes32
from peerwatt.messages.order import SignedOrder
from peerwatt.messages.order_codec import encode_orders


def seal_of(relayer: str, interval: int, orders: Sequence[SignedOrder], salt: bytes) -> bytes:
    """The hash by which a relayer commits to a batch; nobody else can reveal it.

    Args:
        relayer: Address of who commits and reveals.
        interval: The delivery period.
        orders: The batch.
        salt: 32 bytes that nobody can guess.

    Returns:
        32 bytes.

    Raises:
        FieldError: The salt is not 32 bytes.
    """
    require_bytes32(salt, "seal_of.salt")
    return keccak(word(int(relayer, 16)) + word(interval) + keccak(encode_orders(orders)) + salt)
