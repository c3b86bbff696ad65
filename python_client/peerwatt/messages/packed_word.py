"""Fields of words that hold several, told by the place of the lowest bit and the width."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from peerwatt.messages.errors import CodecError

REMEMBERED: Final = 32
"""Vectors kept after reading: whoever looks for one entry of a batch need not read it all again."""


class Field(NamedTuple):
    """One field of a packed word.

    Attributes:
        offset: Place of its lowest bit; the word's lowest bit is bit 0.
        bits: Its width.
    """

    offset: int
    bits: int

    @property
    def largest(self) -> int:
        """The largest value that it holds."""
        return (1 << self.bits) - 1

    def of(self, word: int) -> int:
        """Its value in a word."""
        return word >> self.offset & (1 << self.bits) - 1

    def holding(self, value: int) -> int:
        """A word in which it holds a value, which must fit, and all other bits are 0."""
        return value << self.offset


def split(data: bytes, width: int, what: str) -> Iterator[int]:
    """The words of a vector that has one for each order.

    Args:
        data: The vector.
        width: Bytes of one word.
        what: Name of an entry, for the error.

    Raises:
        CodecError: The length is not a multiple of the width.
    """
    if len(data) % width:
        raise CodecError(
            f"The {what}s have {len(data)} bytes: give a multiple of {width}, one {what} per order."
        )
    return (int.from_bytes(data[at : at + width], "big") for at in range(0, len(data), width))
