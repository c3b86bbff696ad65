"""Orders: what a participant offers for one interval.

A step is packed into 32 bits, its side 0 to buy and 1 to sell::

    31     30..23   22..0
    side   tick     quantity, Wh
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from eth_hash.auto import keccak

from peerwatt.messages.domain import Domain, TypedMessage, hash_struct
from peerwatt.messages.errors import FieldError, require_uint
from peerwatt.messages.packed_word import Field
from peerwatt.messages.signature_forms import compact_signature
from peerwatt.messages.vocabulary import MAX_STEPS, QUANTITY_BITS, TICK_BITS, Side

SIDE: Final = Field(31, 1)
TICK: Final = Field(23, TICK_BITS)
QUANTITY: Final = Field(0, QUANTITY_BITS)

_STEP_TYPE: Final = "Step(uint8 side,uint8 tick,uint32 quantity)"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """One rung of an order's price ladder.

    A step of quantity 0 can be written and decoded, but an order that holds one is malformed.

    Attributes:
        side: Buy or sell.
        tick: Limit price level, 0..255.
        quantity: Wh, at most ``2**23 - 1``.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    side: Side
    tick: int
    quantity: int

    def __post_init__(self) -> None:
        if not isinstance(self.side, Side):
            if self.side not in (0, 1):
                raise FieldError(f"Step.side is {self.side!r}: give Side.BUY (0) or Side.SELL (1).")
            object.__setattr__(self, "side", Side(self.side))
        require_uint(self.tick, TICK.bits, "Step.tick")
        require_uint(self.quantity, QUANTITY.bits, "Step.quantity")

    @property
    def lane(self) -> tuple[Side, int]:
        """The lane of the tick book that the step joins."""
        return self.side, self.tick

    def pack(self) -> int:
        """The step's 32 bits."""
        return SIDE.holding(self.side) | TICK.holding(self.tick) | QUANTITY.holding(self.quantity)

    @classmethod
    def unpack(cls, packed: int) -> "Step":
        """Read the step's 32 bits back."""
        return cls(Side(SIDE.of(packed)), TICK.of(packed), QUANTITY.of(packed))

    def struct_hash(self) -> bytes:
        """EIP-712's ``hashStruct`` of the step, 32 bytes."""
        return hash_struct(_STEP_TYPE, self.side, self.tick, self.quantity)


@dataclass(frozen=True, slots=True)
class Order(TypedMessage):
    """What one participant offers to buy and sell in one interval: a firm offer under its order key.

    Attributes:
        interval: Number of the delivery period.
        participant: The participant's account index.
        steps: The price ladder, canonically 1 to 8 steps in strictly ascending (side, tick), asks above bids.

    Raises:
        FieldError: A field does not fit its on-chain type.
    """

    TYPE: ClassVar[str] = "Order(uint32 interval,uint16 participant,Step[] steps)" + _STEP_TYPE

    interval: int
    participant: int
    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        require_uint(self.interval, 32, "Order.interval")
        require_uint(self.participant, 16, "Order.participant")
        object.__setattr__(self, "steps", tuple(self.steps))
        require_uint(len(self.steps), 8, "Order.steps' count")

    def values(self) -> dict[str, Any]:
        """The fields under their EIP-712 names."""
        return {
            "interval": self.interval,
            "participant": self.participant,
            "steps": [
                {"side": int(step.side), "tick": step.tick, "quantity": step.quantity} for step in self.steps
            ],
        }

    def struct_hash(self) -> bytes:
        """EIP-712's ``hashStruct``; the array of steps enters as the hash of the steps' hashes."""
        steps = keccak(b"".join(step.struct_hash() for step in self.steps))
        return hash_struct(self.TYPE, self.interval, self.participant, steps)

    def is_canonical(self) -> bool:
        """Whether the market takes the steps: 1 to 8, none empty, ascending by (side, tick), asks above bids.

        One canonical form per order keeps a second signature over the same offer from existing.
        """
        ascending = all(a.lane < b.lane for a, b in zip(self.steps, self.steps[1:], strict=False))
        return (
            1 <= len(self.steps) <= MAX_STEPS
            and ascending
            and all(step.quantity for step in self.steps)
            and not self.crosses_itself()
        )

    def crosses_itself(self) -> bool:
        """Whether an ask is at a bid of the same order or below it: it would trade with itself.

        Such a trade moves no energy; it only makes the grid look less used, or a home better off, than it is.
        """
        bids, asks = ([step.tick for step in self.steps if step.side == side] for side in Side)
        return bool(bids and asks) and max(bids) >= min(asks)

    def total(self, side: Side) -> int:
        """Energy offered on one side, Wh."""
        return sum(step.quantity for step in self.steps if step.side == side)

    def signed(self, domain: Domain, private_key: bytes) -> "SignedOrder":
        """The order together with its signature."""
        return SignedOrder(self, self.sign(domain, private_key))

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)


@dataclass(frozen=True, slots=True)
class SignedOrder:
    """An order as a relayer holds it.

    Attributes:
        order: The offer.
        signature: 64 bytes, by the participant's order key; what a wallet gives is brought into that form.

    Raises:
        SignatureError: The signature is in no form that a wallet gives.
    """

    order: Order
    signature: bytes

    def __post_init__(self) -> None:
        object.__setattr__(self, "signature", compact_signature(self.signature))
