"""The packed orders of one transaction, and the record that stays of them.

Posted, an order is ``participant u16 || count u8 || count x step u32 || signature (64 bytes)``. What the
market commits to, and wants to see again at settlement, is its record: ``participant u16 || count u8 ||
count x u64``, each u64 a step with the offset at which it joined its lane, ``step u32 << 32 | offset u32``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import CodecError, require_uint
from peerwatt.messages.order import Order, SignedOrder, Step
from peerwatt.messages.signature import SIGNATURE_LENGTH
from peerwatt.messages.vocabulary import LANE_BITS, Side

_COUNT: Final = 2
_HEADER: Final = 3
_STEP: Final = 4
_PLACED_STEP: Final = 8


@dataclass(frozen=True, slots=True)
class PlacedStep:
    """A step with its place in the queue of its lane.

    Attributes:
        step: What was offered.
        offset: Energy that stood in the lane before it, Wh.
    """

    step: Step
    offset: int

    def __post_init__(self) -> None:
        require_uint(self.offset, LANE_BITS, "PlacedStep.offset")


@dataclass(frozen=True, slots=True)
class Record:
    """What the market remembers of an order that it took.

    Attributes:
        participant: The participant's account index.
        steps: The order's steps with their places.
    """

    participant: int
    steps: tuple[PlacedStep, ...]

    def total(self, side: Side) -> int:
        """Energy offered on one side, Wh."""
        return sum(placed.step.quantity for placed in self.steps if placed.step.side == side)


def encode_orders(orders: Iterable[SignedOrder]) -> bytes:
    """Pack signed orders into the ``orders`` argument of ``post``.

    Raises:
        CodecError: A signature is not 64 bytes long.
    """
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


def encode_records(records: Iterable[Record]) -> bytes:
    """Pack the records of a batch: their number in two bytes, then one after the other."""
    packed = [_encode_record(record) for record in records]
    return len(packed).to_bytes(_COUNT, "big") + b"".join(packed)


def decode_records(data: bytes) -> tuple[Record, ...]:
    """Read the records of a batch back.

    Raises:
        CodecError: The bytes end inside a record, or hold another number of records than they say.
    """
    _require_length(data, _COUNT, 0, "number of records")
    records = tuple(_decode_records(data))
    said = int.from_bytes(data[:_COUNT], "big")
    if said != len(records):
        raise CodecError(
            f"The bytes say {said} records and hold {len(records)}: give them as they were posted."
        )
    return records


def _encode_order(signed: SignedOrder) -> bytes:
    order = signed.order
    if len(signed.signature) != SIGNATURE_LENGTH:
        raise CodecError(
            f"The order of participant {order.participant} has a signature of {len(signed.signature)} bytes: "
            f"give {SIGNATURE_LENGTH}."
        )
    steps = b"".join(step.pack().to_bytes(_STEP, "big") for step in order.steps)
    return _encode_header(order.participant, len(order.steps)) + steps + signed.signature


def _decode_orders(data: bytes, interval: int) -> Iterator[SignedOrder]:
    at = 0
    while at < len(data):
        participant, count = _decode_header(data, at)
        end_of_steps = at + _HEADER + count * _STEP
        end = end_of_steps + SIGNATURE_LENGTH
        _require_length(data, end, at, "order")
        steps = (Step.unpack(packed) for packed in _split(data, at + _HEADER, end_of_steps, _STEP))
        yield SignedOrder(Order(interval, participant, tuple(steps)), data[end_of_steps:end])
        at = end


def _encode_record(record: Record) -> bytes:
    steps = b"".join(
        (placed.step.pack() << LANE_BITS | placed.offset).to_bytes(_PLACED_STEP, "big")
        for placed in record.steps
    )
    return _encode_header(record.participant, len(record.steps)) + steps


def _decode_records(data: bytes) -> Iterator[Record]:
    at = _COUNT
    while at < len(data):
        participant, count = _decode_header(data, at)
        end = at + _HEADER + count * _PLACED_STEP
        _require_length(data, end, at, "record")
        steps = (
            PlacedStep(Step.unpack(packed >> LANE_BITS), packed & ((1 << LANE_BITS) - 1))
            for packed in _split(data, at + _HEADER, end, _PLACED_STEP)
        )
        yield Record(participant, tuple(steps))
        at = end


def _encode_header(participant: int, count: int) -> bytes:
    return participant.to_bytes(2, "big") + count.to_bytes(1, "big")


def _decode_header(data: bytes, at: int) -> tuple[int, int]:
    _require_length(data, at + _HEADER, at, "header")
    return int.from_bytes(data[at : at + 2], "big"), data[at + 2]


def _split(data: bytes, start: int, end: int, width: int) -> Iterator[int]:
    """Fixed-width big-endian integers of a stretch of bytes."""
    return (int.from_bytes(data[at : at + width], "big") for at in range(start, end, width))


def _require_length(data: bytes, end: int, at: int, what: str) -> None:
    if len(data) < end:
        raise CodecError(
            f"The {what} at byte {at} needs {end - at} bytes and {len(data) - at} are left: "
            "the batch is cut short."
        )
