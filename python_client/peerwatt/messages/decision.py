"""What a report names for each order of a batch, 16 bytes an order, in the records' order.

::

    127..96             95..64             63..32     31..0
    accepted sell, Wh   accepted buy, Wh   loss, Wh   network charge, base units
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import require_uint
from peerwatt.messages.packed_word import Field, split

SELL: Final = Field(96, 32)
BUY: Final = Field(64, 32)
LOSS: Final = Field(32, 32)
CHARGE: Final = Field(0, 32)

DECISION_LENGTH: Final = 16
"""Bytes of one packed decision."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the committee's report decides about one order.

    Attributes:
        sell: Most that is accepted of its sell fills, Wh; used by the verdict Curtail alone.
        buy: Most that is accepted of its buy fills, Wh; used by the verdict Curtail alone.
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
        require_uint(self.sell, SELL.bits, "Decision.sell")
        require_uint(self.buy, BUY.bits, "Decision.buy")
        require_uint(self.loss, LOSS.bits, "Decision.loss")
        require_uint(self.charge, CHARGE.bits, "Decision.charge")


def encode_decisions(decisions: Iterable[Decision]) -> bytes:
    """Pack the decisions on a batch."""
    return b"".join(
        (
            SELL.holding(decision.sell)
            | BUY.holding(decision.buy)
            | LOSS.holding(decision.loss)
            | CHARGE.holding(decision.charge)
        ).to_bytes(DECISION_LENGTH, "big")
        for decision in decisions
    )


def decode_decisions(data: bytes) -> tuple[Decision, ...]:
    """Read the decisions on a batch back.

    Raises:
        CodecError: The length is not a multiple of 16 bytes.
    """
    return tuple(
        Decision(SELL.of(packed), BUY.of(packed), LOSS.of(packed), CHARGE.of(packed))
        for packed in split(data, DECISION_LENGTH, "decision")
    )
