"""The terms word: what an interval is settled by, next to its clearing and its readings, in 176 bits.

::

    175..160      159..144   143..128   127..88       87..48          47..24           23..8   7..0
    network fee   feed-in    retail     volume, Wh    delivered, Wh   loss rate, ppm   run     verdict
    open:                               accounts      words of the book
    cleared:                            matched, Wh   words of the book

Prices in base units per Wh. What the gate decides has no value before it: until then its place says how many
accounts the interval knows, later what was matched, and which words of the book are the interval's.
"""

from dataclasses import dataclass
from typing import Final

from peerwatt.messages.packed_word import Field
from peerwatt.messages.vocabulary import PRICE_BITS, VOLUME_BITS
from peerwatt.verdict import Verdict

VERDICT: Final = Field(0, 8)
RUN: Final = Field(8, 16)
LOSS_RATE: Final = Field(24, 24)
DELIVERED: Final = Field(48, VOLUME_BITS)
VOLUME: Final = Field(88, VOLUME_BITS)
RETAIL: Final = Field(128, PRICE_BITS)
FEED_IN: Final = Field(144, PRICE_BITS)
NETWORK_FEE: Final = Field(160, PRICE_BITS)

TERMS_LENGTH: Final = 22
"""Bytes of the word."""


@dataclass(frozen=True, slots=True)
class TermsWord:
    """What an interval is settled by, as the contract packs it.

    Attributes:
        verdict: Of the grid gate.
        run: 1 for the first settlement, higher for corrections.
        loss_rate: ppm of accepted energy, where no decision names losses.
        volume: Accepted energy, Wh; before the gate, what was matched.
        delivered: Peer energy metered as delivered, Wh.
        retail: Base units per Wh.
        feed_in: Base units per Wh.
        network_fee: Base units per Wh.
    """

    verdict: Verdict
    run: int
    loss_rate: int
    volume: int
    delivered: int
    retail: int
    feed_in: int
    network_fee: int

    def pack(self) -> int:
        """The word; the fields must fit."""
        return (
            VERDICT.holding(self.verdict)
            | RUN.holding(self.run)
            | LOSS_RATE.holding(self.loss_rate)
            | DELIVERED.holding(self.delivered)
            | VOLUME.holding(self.volume)
            | RETAIL.holding(self.retail)
            | FEED_IN.holding(self.feed_in)
            | NETWORK_FEE.holding(self.network_fee)
        )

    @classmethod
    def unpack(cls, word: int) -> "TermsWord":
        """Read a word back."""
        return cls(
            verdict=Verdict(VERDICT.of(word)),
            run=RUN.of(word),
            loss_rate=LOSS_RATE.of(word),
            volume=VOLUME.of(word),
            delivered=DELIVERED.of(word),
            retail=RETAIL.of(word),
            feed_in=FEED_IN.of(word),
            network_fee=NETWORK_FEE.of(word),
        )
