"""What a report names for each order of a batch, 24 bytes an order, in the records' order.

::

    191..160            159..128           127..96    95..64
    accepted sell, Wh   accepted buy, Wh   loss, Wh   network charge, base units

    63..32                31..16                    15..0
    allowed surplus, Wh   price, base units per Wh  reserved

The price is for a rule whose prices are agreed order by order: the six rules that there are do not read it.
What is reserved is written as zero, and whatever stands there is no mistake.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import require_uint
from peerwatt.messages.packed_word import Field, split

SELL: Final = Field(160, 32)
BUY: Final = Field(128, 32)
LOSS: Final = Field(96, 32)
CHARGE: Final = Field(64, 32)
SURPLUS: Final = Field(32, 32)
PRICE: Final = Field(16, 16)

DECISION_LENGTH: Final = 24
"""Bytes of one packed decision."""

UNLIMITED_SURPLUS: Final = (1 << SURPLUS.bits) - 1
"""An allowed surplus that bounds nothing: more than any meter exports in an interval, Wh."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the committee's report decides about one order.

    Attributes:
        sell: Most that is accepted of its sell fills, Wh; used by the verdict Curtail alone.
        buy: Most that is accepted of its buy fills, Wh; used by the verdict Curtail alone.
        loss: Its share of the network's losses, Wh.
        charge: What it pays for the network, base units; used by markets with a ``max_network_fee`` alone.
        surplus: How much of its export beyond the accepted sale is paid for, Wh; used by the verdicts Cap,
            Curtail and Void alone.
        price: Of its own trade, base units per Wh; for rules whose prices are agreed order by order, and
            ignored by all that there are.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    sell: int
    buy: int
    loss: int
    charge: int = 0
    surplus: int = 0
    price: int = 0

    def __post_init__(self) -> None:
        require_uint(self.sell, SELL.bits, "Decision.sell")
        require_uint(self.buy, BUY.bits, "Decision.buy")
        require_uint(self.loss, LOSS.bits, "Decision.loss")
        require_uint(self.charge, CHARGE.bits, "Decision.charge")
        require_uint(self.surplus, SURPLUS.bits, "Decision.surplus")
        require_uint(self.price, PRICE.bits, "Decision.price")


def encode_decisions(decisions: Iterable[Decision]) -> bytes:
    """Pack the decisions on a batch."""
    return b"".join(
        (
            SELL.holding(decision.sell)
            | BUY.holding(decision.buy)
            | LOSS.holding(decision.loss)
            | CHARGE.holding(decision.charge)
            | SURPLUS.holding(decision.surplus)
            | PRICE.holding(decision.price)
        ).to_bytes(DECISION_LENGTH, "big")
        for decision in decisions
    )


def decode_decisions(data: bytes) -> tuple[Decision, ...]:
    """Read the decisions on a batch back.

    Raises:
        CodecError: The length is not a multiple of 24 bytes.
    """
    return tuple(
        Decision(*(field.of(packed) for field in (SELL, BUY, LOSS, CHARGE, SURPLUS, PRICE)))
        for packed in split(data, DECISION_LENGTH, "decision")
    )
