"""Errors of messages and their packed forms."""

from peerwatt.errors import InputError


class FieldError(InputError):
    """A field of a message does not fit its on-chain type."""


class SignatureError(InputError):
    """A signature is malformed, malleable (high s) or recovers to nobody."""


class CodecError(InputError):
    """Packed bytes do not have the layout that the contract reads."""


def require_uint(value: int, bits: int, field: str) -> None:
    """Refuse a value that does not fit an unsigned on-chain integer.

    Args:
        value: The value to check.
        bits: Width of the on-chain type.
        field: Name for the error, as ``Message.field``.

    Raises:
        FieldError: The value is not an integer in ``0 .. 2**bits - 1``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise FieldError(f"{field} is {value!r}: give an integer from 0 to {(1 << bits) - 1} (uint{bits}).")


def require_bytes32(value: bytes, field: str) -> None:
    """Refuse anything but 32 bytes.

    Raises:
        FieldError: The value is not 32 bytes long.
    """
    if not isinstance(value, bytes) or len(value) != 32:
        raise FieldError(f"{field} is {value!r}: give exactly 32 bytes (a keccak256 hash).")
