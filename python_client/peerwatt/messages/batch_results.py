"""The packed vectors that later phases add to a batch, one entry per record and in the records' order.

A decision is 16 bytes, ``acceptedSell u32 || acceptedBuy u32 || loss u32 || charge u32``. A reading is 8
bytes, ``status << 62 | imported << 31 | exported``. A signed reading is 86 bytes, ``position u16 || imported
u32 || exported u32 || importRegister u48 || exportRegister u48 || signature``; only meters that overrule have
one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import Final

from peerwatt.messages.errors import CodecError, require_uint
from peerwatt.messages.reading import Reading, SignedReading
from peerwatt.messages.signature import SIGNATURE_LENGTH
from peerwatt.messages.vocabulary import MAX_READING, READING_BITS, ReadingStatus

DECISION_LENGTH: Final = 16
"""Bytes of one packed decision."""

READING_LENGTH: Final = 8
"""Bytes of one packed reading."""

SIGNED_READING_LENGTH: Final = 22 + SIGNATURE_LENGTH
"""Bytes of one packed signed reading."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The grid gate's decision on one order.

    Attributes:
        sell: Most that may stand of its sell fills, Wh; used by the verdict Curtail alone.
        buy: Most that may stand of its buy fills, Wh; used by the verdict Curtail alone.
        loss: Its share of the network's losses, Wh.
        charge: What it pays for the network, base units; used by markets with a ``max_network_fee`` alone.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    sell: int
    buy: int
    loss: int
    charge: int = 0

    def __post_init__(self) -> None:
        require_uint(self.sell, 32, "Decision.sell")
        require_uint(self.buy, 32, "Decision.buy")
        require_uint(self.loss, 32, "Decision.loss")
        require_uint(self.charge, 32, "Decision.charge")


def encode_decisions(decisions: Iterable[Decision]) -> bytes:
    """Pack the decisions on a batch."""
    return b"".join(
        b"".join(field.to_bytes(4, "big") for field in astuple(decision)) for decision in decisions
    )


def decode_decisions(data: bytes) -> tuple[Decision, ...]:
    """Read the decisions on a batch back.

    Raises:
        CodecError: The length is not a multiple of 16 bytes.
    """
    mask = (1 << 32) - 1
    return tuple(
        Decision(packed >> 96, packed >> 64 & mask, packed >> 32 & mask, packed & mask)
        for packed in map(_uint, _split(data, DECISION_LENGTH, "decision"))
    )


def encode_readings(readings: Iterable[Reading]) -> bytes:
    """Pack the readings of a batch."""
    return b"".join(
        (reading.status << 2 * READING_BITS | reading.imported << READING_BITS | reading.exported).to_bytes(
            READING_LENGTH, "big"
        )
        for reading in readings
    )


def decode_readings(data: bytes) -> tuple[Reading, ...]:
    """Read the readings of a batch back.

    Raises:
        CodecError: The length is not a multiple of 8 bytes.
    """
    return tuple(map(_decode_reading, map(_uint, _split(data, READING_LENGTH, "reading"))))


def encode_signed_readings(readings: Iterable[SignedReading]) -> bytes:
    """Pack meter-signed readings into the ``signedReadings`` argument of ``overrule``.

    Raises:
        CodecError: The positions do not ascend strictly, or a signature is not 64 bytes long.
    """
    readings = tuple(readings)
    require_ascending(readings)
    return b"".join(map(_encode_signed_reading, readings))


def decode_signed_readings(data: bytes) -> tuple[SignedReading, ...]:
    """Read the ``signedReadings`` argument of ``overrule`` back.

    Raises:
        CodecError: The length is not a multiple of 86 bytes, or the positions do not ascend strictly.
    """
    readings = tuple(map(_decode_signed_reading, _split(data, SIGNED_READING_LENGTH, "signed reading")))
    require_ascending(readings)
    return readings


def require_ascending(readings: Iterable[SignedReading]) -> None:
    """Refuse signed readings whose positions do not ascend strictly, so that none can be given twice.

    Raises:
        CodecError: A position is not above the one before it.
    """
    previous = -1
    for reading in readings:
        if reading.position <= previous:
            raise CodecError(
                f"The signed reading for position {reading.position} follows one for position {previous}: "
                "sort them by position, one each."
            )
        previous = reading.position


def _decode_reading(packed: int) -> Reading:
    status = ReadingStatus(packed >> 2 * READING_BITS)
    return Reading(status, packed >> READING_BITS & MAX_READING, packed & MAX_READING)


def _encode_signed_reading(reading: SignedReading) -> bytes:
    if len(reading.signature) != SIGNATURE_LENGTH:
        raise CodecError(
            f"The signed reading for position {reading.position} has a signature of "
            f"{len(reading.signature)} bytes: give {SIGNATURE_LENGTH}."
        )
    return (
        reading.position.to_bytes(2, "big")
        + reading.imported.to_bytes(4, "big")
        + reading.exported.to_bytes(4, "big")
        + reading.import_register.to_bytes(6, "big")
        + reading.export_register.to_bytes(6, "big")
        + reading.signature
    )


def _decode_signed_reading(data: bytes) -> SignedReading:
    return SignedReading(
        position=_uint(data[:2]),
        imported=_uint(data[2:6]),
        exported=_uint(data[6:10]),
        import_register=_uint(data[10:16]),
        export_register=_uint(data[16:22]),
        signature=data[22:],
    )


def _uint(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _split(data: bytes, width: int, what: str) -> Iterator[bytes]:
    if len(data) % width:
        raise CodecError(
            f"The {what}s have {len(data)} bytes: give a multiple of {width}, one {what} per order."
        )
    return (data[at : at + width] for at in range(0, len(data), width))
