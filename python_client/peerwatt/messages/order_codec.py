"""The packed orders of one transaction, and the records that the market commits to and settles by.

Big-endian, without padding; in brackets the bytes::

    order    participant (2)   count (1)   count steps (4 each)          signature (64)
    record   participant (2)   count (1)   count placed steps (8 each)

Records begin with their number (2). A placed step is a step and where in its lane it begins::

    63..32   31..0
    step     offset, Wh
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from peerwatt.messages.errors import CodecError, require_uint
from peerwatt.messages.order import Order, SignedOrder, Step
from peerwatt.messages.packed_word import REMEMBERED, Field
from peerwatt.messages.signature import SIGNATURE_LENGTH
from peerwatt.messages.signature_forms import LONG_LENGTH
from peerwatt.messages.vocabulary import LANE_BITS, Side

STEP: Final = Field(32, 32)
OFFSET: Final = Field(0, LANE_BITS)

# Of the three bytes that an order and a record begin with.
PARTICIPANT: Final = Field(8, 16)
STEP_COUNT: Final = Field(0, 8)

_RECORD_COUNT_LENGTH: Final = 2
_HEADER_LENGTH: Final = 3
_STEP_LENGTH: Final = 4
_PLACED_STEP_LENGTH: Final = 8


@dataclass(frozen=True, slots=True)
class PlacedStep:
    """A step and where in the queue of its lane it begins.

    Attributes:
        step: What was offered.
        offset: Energy that stood in the lane before it, Wh.
    """

    step: Step
    offset: int

    def __post_init__(self) -> None:
        require_uint(self.offset, OFFSET.bits, "PlacedStep.offset")

    def pack(self) -> int:
        """The placed step's 64 bits."""
        return STEP.holding(self.step.pack()) | OFFSET.holding(self.offset)

    @classmethod
    def unpack(cls, packed: int) -> "PlacedStep":
        """Read the placed step's 64 bits back."""
        return cls(Step.unpack(STEP.of(packed)), OFFSET.of(packed))


@dataclass(frozen=True, slots=True)
class Record:
    """What the market remembers of an order that it took.

    Attributes:
        participant: The participant's account index.
        steps: The order's steps, each with its offset in its lane.
    """

    participant: int
    steps: tuple[PlacedStep, ...]

    def total(self, side: Side) -> int:
        """Energy offered on one side, Wh."""
        return sum(placed.step.quantity for placed in self.steps if placed.step.side == side)


def encode_orders(orders: Iterable[SignedOrder]) -> bytes:
    """Pack signed orders into the ``orders`` argument of ``post``."""
    return b"".join(map(_encode_order, orders))


def decode_orders(data: bytes, interval: int) -> tuple[SignedOrder, ...]:
    """Read the ``orders`` argument of ``post`` back.

    Orders need not be canonical, nor their signatures valid: the market skips such an order by itself.

    Args:
        data: The packed orders.
        interval: The interval they were posted for; it is not part of the bytes.

    Raises:
        CodecError: The bytes end inside an order.
    """
    return tuple(_decode_orders(data, interval))


def decode_order(data: bytes, interval: int) -> SignedOrder:
    """Read one order, whose signature may have 65 bytes as wallets give it.

    Args:
        data: The packed order.
        interval: The interval that it is for; it is not part of the bytes.

    Raises:
        CodecError: The bytes end inside an order, or hold several.
        SignatureError: The signature has a v that signatures of messages do not have, or is out of range.
    """
    participant, count = _decode_header(data, 0)
    end_of_steps = _HEADER_LENGTH + count * _STEP_LENGTH
    if len(data) != end_of_steps + LONG_LENGTH:
        found = decode_orders(data, interval)
        if len(found) != 1:
            raise CodecError(f"{len(found)} orders in one: hand them in one by one.")
        return found[0]
    steps = tuple(map(Step.unpack, _split(data, _HEADER_LENGTH, end_of_steps, _STEP_LENGTH)))
    return SignedOrder(Order(interval, participant, steps), data[end_of_steps:])


def encode_records(records: Iterable[Record]) -> bytes:
    """Pack the records of a batch: their number in two bytes, then one after the other."""
    packed = [_encode_record(record) for record in records]
    return len(packed).to_bytes(_RECORD_COUNT_LENGTH, "big") + b"".join(packed)


@lru_cache(REMEMBERED)
def decode_records(data: bytes) -> tuple[Record, ...]:
    """Read the records of a batch back.

    Raises:
        CodecError: The bytes end inside a record, or hold another number of records than they say.
    """
    _require_length(data, _RECORD_COUNT_LENGTH, 0, "number of records")
    records = tuple(_decode_records(data))
    said = int.from_bytes(data[:_RECORD_COUNT_LENGTH], "big")
    if said != len(records):
        raise CodecError(
            f"The bytes say {said} records and hold {len(records)}: give them as they were posted."
        )
    return records


def _encode_order(signed: SignedOrder) -> bytes:
    order = signed.order
    steps = b"".join(step.pack().to_bytes(_STEP_LENGTH, "big") for step in order.steps)
    return _encode_header(order.participant, len(order.steps)) + steps + signed.signature


def _decode_orders(data: bytes, interval: int) -> Iterator[SignedOrder]:
    at = 0
    while at < len(data):
        participant, count = _decode_header(data, at)
        end_of_steps = at + _HEADER_LENGTH + count * _STEP_LENGTH
        end = end_of_steps + SIGNATURE_LENGTH
        _require_length(data, end, at, "order")
        steps = tuple(map(Step.unpack, _split(data, at + _HEADER_LENGTH, end_of_steps, _STEP_LENGTH)))
        yield SignedOrder(Order(interval, participant, steps), data[end_of_steps:end])
        at = end


def _encode_record(record: Record) -> bytes:
    steps = b"".join(placed.pack().to_bytes(_PLACED_STEP_LENGTH, "big") for placed in record.steps)
    return _encode_header(record.participant, len(record.steps)) + steps


def _decode_records(data: bytes) -> Iterator[Record]:
    at = _RECORD_COUNT_LENGTH
    while at < len(data):
        participant, count = _decode_header(data, at)
        end = at + _HEADER_LENGTH + count * _PLACED_STEP_LENGTH
        _require_length(data, end, at, "record")
        steps = tuple(map(PlacedStep.unpack, _split(data, at + _HEADER_LENGTH, end, _PLACED_STEP_LENGTH)))
        yield Record(participant, steps)
        at = end


def _encode_header(participant: int, count: int) -> bytes:
    header = PARTICIPANT.holding(participant) | STEP_COUNT.holding(count)
    return header.to_bytes(_HEADER_LENGTH, "big")


def _decode_header(data: bytes, at: int) -> tuple[int, int]:
    _require_length(data, at + _HEADER_LENGTH, at, "header")
    header = int.from_bytes(data[at : at + _HEADER_LENGTH], "big")
    return PARTICIPANT.of(header), STEP_COUNT.of(header)


def _split(data: bytes, start: int, end: int, width: int) -> Iterator[int]:
    """Fixed-width big-endian integers of a stretch of bytes."""
    return (int.from_bytes(data[at : at + width], "big") for at in range(start, end, width))


def _require_length(data: bytes, end: int, at: int, what: str) -> None:
    if len(data) < end:
        raise CodecError(
            f"The {what} at byte {at} needs {end - at} bytes and {len(data) - at} are left: "
            "the batch is cut short."
        )
