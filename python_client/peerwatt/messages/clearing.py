"""The clearing word: an interval's whole auction result in 256 bits.

From the low bits up: ``buyPrice u16 | sellPrice u16 | atLimits u1 | bid | ask``, the bid beginning at bit 48
and a side being ``tick u8 | total u32 | filled u32 | accepted u32``.
"""

from dataclasses import dataclass
from typing import Final

from peerwatt.messages.errors import require_uint
from peerwatt.messages.vocabulary import LANE_BITS, Side

_TICK_BITS: Final = 8
_PRICE_BITS: Final = 16
_BID_SHIFT: Final = 48
_MARGINAL_BITS: Final = _TICK_BITS + 3 * LANE_BITS
_LANE_MASK: Final = (1 << LANE_BITS) - 1
_PRICE_MASK: Final = (1 << _PRICE_BITS) - 1


@dataclass(frozen=True, slots=True)
class MarginalTick:
    """How the last tick that traded on a side is shared; better ticks trade in full, worse ones not at all.

    Attributes:
        tick: The marginal tick.
        total: Energy offered at it, Wh.
        filled: Energy of it that the auction matched, Wh.
        accepted: Energy of it that the grid gate let stand, Wh; equal to ``filled`` right after clearing.

    Raises:
        FieldError: A field does not fit its packed form.
    """

    tick: int = 0
    total: int = 0
    filled: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        require_uint(self.tick, _TICK_BITS, "MarginalTick.tick")
        for field in ("total", "filled", "accepted"):
            require_uint(getattr(self, field), LANE_BITS, f"MarginalTick.{field}")

    def pack(self) -> int:
        """The side's 104 bits."""
        return self.tick | self.total << 8 | self.filled << 40 | self.accepted << 72

    @classmethod
    def unpack(cls, packed: int) -> "MarginalTick":
        """Read the side's 104 bits back."""
        return cls(
            packed & 0xFF, packed >> 8 & _LANE_MASK, packed >> 40 & _LANE_MASK, packed >> 72 & _LANE_MASK
        )


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
        require_uint(self.buy_price, _PRICE_BITS, "Clearing.buy_price")
        require_uint(self.sell_price, _PRICE_BITS, "Clearing.sell_price")

    @property
    def trades(self) -> bool:
        """Whether anything was matched."""
        return self.bid.total > 0

    def marginal(self, side: Side) -> MarginalTick:
        """The marginal tick of a side."""
        return self.bid if side == Side.BUY else self.ask

    def pack(self) -> int:
        """The clearing word, 256 bits."""
        bid, ask = self.bid.pack(), self.ask.pack()
        prices = self.buy_price | self.sell_price << _PRICE_BITS | self.at_limits << 2 * _PRICE_BITS
        return prices | bid << _BID_SHIFT | ask << _BID_SHIFT + _MARGINAL_BITS

    @classmethod
    def unpack(cls, word: int) -> "Clearing":
        """Read a clearing word back.

        Raises:
            FieldError: The word is not an unsigned 256-bit integer.
        """
        require_uint(word, 256, "The clearing word")
        mask = (1 << _MARGINAL_BITS) - 1
        return cls(
            buy_price=word & _PRICE_MASK,
            sell_price=word >> _PRICE_BITS & _PRICE_MASK,
            at_limits=bool(word >> 2 * _PRICE_BITS & 1),
            bid=MarginalTick.unpack(word >> _BID_SHIFT & mask),
            ask=MarginalTick.unpack(word >> _BID_SHIFT + _MARGINAL_BITS),
        )


NO_TRADE: Final = Clearing()
"""The clearing of a book that does not cross: the word is 0."""
