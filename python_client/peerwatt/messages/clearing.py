"""The clearing word: an interval's whole auction result in 256 bits.

::

    255..152   151..48   32         31..16       15..0
    ask        bid       at limits  sell price   buy price

Prices in base units per Wh. Without trade the word is 0. A side is its marginal tick's lane::

    103..72        71..40       39..8       7..0
    accepted, Wh   filled, Wh   total, Wh   tick
"""

from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import require_uint
from peerwatt.messages.packed_word import Field
from peerwatt.messages.vocabulary import LANE_BITS, PRICE_BITS, TICK_BITS, Side

BUY_PRICE: Final = Field(0, PRICE_BITS)
SELL_PRICE: Final = Field(16, PRICE_BITS)
AT_LIMITS: Final = Field(32, 1)
BID: Final = Field(48, 104)
ASK: Final = Field(152, 104)

# Of one side.
TICK: Final = Field(0, TICK_BITS)
TOTAL: Final = Field(8, LANE_BITS)
FILLED: Final = Field(40, LANE_BITS)
ACCEPTED: Final = Field(72, LANE_BITS)


@dataclass(frozen=True, slots=True)
class MarginalTick:
    """How the last tick that traded on a side is shared; better ticks trade in full, worse ones not at all.

    Attributes:
        tick: The marginal tick.
        total: Energy offered at it, Wh.
        filled: Energy of it that the auction matched, Wh.
        accepted: Energy of it that the grid gate let through, Wh; equal to ``filled`` right after clearing.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    tick: int = 0
    total: int = 0
    filled: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        require_uint(self.tick, TICK.bits, "MarginalTick.tick")
        require_uint(self.total, TOTAL.bits, "MarginalTick.total")
        require_uint(self.filled, FILLED.bits, "MarginalTick.filled")
        require_uint(self.accepted, ACCEPTED.bits, "MarginalTick.accepted")

    def pack(self) -> int:
        """The side's 104 bits."""
        return (
            TICK.holding(self.tick)
            | TOTAL.holding(self.total)
            | FILLED.holding(self.filled)
            | ACCEPTED.holding(self.accepted)
        )

    @classmethod
    def unpack(cls, packed: int) -> "MarginalTick":
        """Read the side's 104 bits back."""
        return cls(TICK.of(packed), TOTAL.of(packed), FILLED.of(packed), ACCEPTED.of(packed))


@dataclass(frozen=True, slots=True)
class Clearing:
    """The result of an interval's auction, as cleared or as gated.

    Attributes:
        buy_price: What buyers pay, base units per Wh.
        sell_price: What sellers get, base units per Wh.
        at_limits: Whether every Wh is traded at its own step's limit instead; the two prices are then the
            lowest that a buyer pays and the highest that a seller gets.
        bid: The marginal tick of the buyers.
        ask: The marginal tick of the sellers.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    buy_price: int = 0
    sell_price: int = 0
    at_limits: bool = False
    bid: MarginalTick = MarginalTick()
    ask: MarginalTick = MarginalTick()

    def __post_init__(self) -> None:
        require_uint(self.buy_price, BUY_PRICE.bits, "Clearing.buy_price")
        require_uint(self.sell_price, SELL_PRICE.bits, "Clearing.sell_price")

    @property
    def trades(self) -> bool:
        """Whether anything was matched."""
        return self.bid.total > 0

    def marginal(self, side: Side) -> MarginalTick:
        """The marginal tick of a side."""
        return self.bid if side == Side.BUY else self.ask

    def pack(self) -> int:
        """The clearing word, 256 bits."""
        return (
            BUY_PRICE.holding(self.buy_price)
            | SELL_PRICE.holding(self.sell_price)
            | AT_LIMITS.holding(self.at_limits)
            | BID.holding(self.bid.pack())
            | ASK.holding(self.ask.pack())
        )

    @classmethod
    def unpack(cls, word: int) -> "Clearing":
        """Read a clearing word back.

        Raises:
            FieldError: The word is not an unsigned 256-bit integer.
        """
        require_uint(word, 256, "The clearing word")
        return cls(
            buy_price=BUY_PRICE.of(word),
            sell_price=SELL_PRICE.of(word),
            at_limits=bool(AT_LIMITS.of(word)),
            bid=MarginalTick.unpack(BID.of(word)),
            ask=MarginalTick.unpack(ASK.of(word)),
        )


NO_TRADE: Final = Clearing()
"""The clearing of a book that does not cross: the word is 0."""
