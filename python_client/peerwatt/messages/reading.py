"""What meters recorded for each order of a batch, 8 bytes an order, in the records' order.

::

    63..62   61..31         30..0
    status   imported, Wh   exported, Wh
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from peerwatt.messages.errors import require_uint
from peerwatt.messages.packed_word import REMEMBERED, Field, split
from peerwatt.messages.vocabulary import ReadingStatus

STATUS: Final = Field(62, 2)
IMPORTED: Final = Field(31, 31)
EXPORTED: Final = Field(0, 31)

READING_LENGTH: Final = 8
"""Bytes of one packed reading."""

MAX_READING: Final = EXPORTED.largest
"""Largest imported or exported energy of one interval in a packed reading, Wh."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One order's entry in a batch's packed readings.

    Attributes:
        status: Who vouches for it.
        imported: Energy drawn from the grid in the interval, Wh, below ``2**31``.
        exported: Energy fed into the grid in the interval, Wh, below ``2**31``.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    status: ReadingStatus
    imported: int
    exported: int

    def __post_init__(self) -> None:
        require_uint(self.imported, IMPORTED.bits, "Reading.imported")
        require_uint(self.exported, EXPORTED.bits, "Reading.exported")


MISSING: Final = Reading(ReadingStatus.MISSING, 0, 0)
"""The entry of a meter that nobody read."""


def encode_readings(readings: Iterable[Reading]) -> bytes:
    """Pack the readings of a batch."""
    return b"".join(
        (
            STATUS.holding(reading.status)
            | IMPORTED.holding(reading.imported)
            | EXPORTED.holding(reading.exported)
        ).to_bytes(READING_LENGTH, "big")
        for reading in readings
    )


@lru_cache(REMEMBERED)
def decode_readings(data: bytes) -> tuple[Reading, ...]:
    """Read the readings of a batch back.

    Raises:
        CodecError: The length is not a multiple of 8 bytes.
    """
    return tuple(
        Reading(ReadingStatus(STATUS.of(packed)), IMPORTED.of(packed), EXPORTED.of(packed))
        for packed in split(data, READING_LENGTH, "reading")
    )
