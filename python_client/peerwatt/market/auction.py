"""The uniform-price call auction, on the ticks of a book or on any integer prices.

Bids in merit order fall, asks rise; they are matched for as long as the bid is worth the ask. That volume is
the largest that individually rational trade allows. Any price between the two bounds below clears it: nobody
pays more than its bid or gets less than its ask, and nobody wishes it had traded another quantity.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from peerwatt.market.book import TickBook
from peerwatt.market.merit_order import Level, MarginalLevel, walk
from peerwatt.messages import NO_TRADE, Clearing, MarginalTick, Side


@dataclass(frozen=True, slots=True)
class Crossing:
    """An auction in which something trades.

    Attributes:
        volume: Matched energy, Wh.
        bid: The marginal level of the buyers.
        ask: The marginal level of the sellers.
    """

    volume: int
    bid: MarginalLevel
    ask: MarginalLevel

    @property
    def lower(self) -> int:
        """Lowest clearing price: no ask that trades is above it, no bid left over."""
        unfilled = self.bid.best_unfilled
        return self.ask.price if unfilled is None else max(self.ask.price, unfilled)

    @property
    def upper(self) -> int:
        """Highest clearing price: no bid that trades is below it, no ask left over."""
        unfilled = self.ask.best_unfilled
        return self.bid.price if unfilled is None else min(self.bid.price, unfilled)

    @property
    def price(self) -> int:
        """The midpoint of the two, which favours neither side, rounded down."""
        return (self.lower + self.upper) // 2


def cross(bids: Sequence[Level], asks: Sequence[Level]) -> Crossing | None:
    """Clear a book.

    Args:
        bids: One level per price, prices falling.
        asks: One level per price, prices rising.

    Returns:
        The crossing, or None when the best bid is below the best ask.
    """
    volume = matched_volume(bids, asks)
    if volume == 0:
        return None
    return Crossing(volume, walk(bids, volume), walk(asks, volume))


def matched_volume(bids: Sequence[Level], asks: Sequence[Level]) -> int:
    """The energy that bids and asks in merit order can match, Wh."""
    bid = ask = 0  # the levels that are being matched
    bid_taken = ask_taken = 0  # what is already taken of them
    volume = 0
    while bid < len(bids) and ask < len(asks) and bids[bid].price >= asks[ask].price:
        quantity = min(bids[bid].quantity - bid_taken, asks[ask].quantity - ask_taken)
        volume += quantity
        bid_taken += quantity
        ask_taken += quantity
        if bid_taken == bids[bid].quantity:
            bid, bid_taken = bid + 1, 0
        if ask_taken == asks[ask].quantity:
            ask, ask_taken = ask + 1, 0
    return volume


def clear(book: TickBook) -> Clearing:
    """Run the auction on a tick book.

    Returns:
        The clearing, with everything that was filled accepted so far; ``NO_TRADE`` when the book does not
        cross.
    """
    crossing = cross(book.merit_order(Side.BUY), book.merit_order(Side.SELL))
    if crossing is None:
        return NO_TRADE
    bid, ask = (
        MarginalTick(level.price, level.total, level.filled, accepted=level.filled)
        for level in (crossing.bid, crossing.ask)
    )
    return Clearing(crossing.price, crossing.volume, bid, ask)
