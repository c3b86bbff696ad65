"""The call auction, on the ticks of a book or on any integer prices.

Bids in merit order fall, asks rise; they are matched for as long as the bid is worth the ask. That volume is
the largest that individually rational trade allows. Any price between the two bounds below clears it: nobody
pays more than its bid or gets less than its ask, and nobody wishes it had traded another quantity.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.merit_order import Level, MarginalLevel, walk
from peerwatt.market.pricing import SET_PRICES, Pricing, mid_market_rate, ratio_price, total
from peerwatt.market.tick_book import TickBook
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


class Auctioned(NamedTuple):
    """The outcome of an auction.

    Attributes:
        clearing: Prices and marginal ticks, with everything that was filled accepted so far.
        volume: Matched energy, Wh.
    """

    clearing: Clearing
    volume: int


NOTHING_MATCHED = Auctioned(NO_TRADE, 0)


def clear(book: TickBook, config: MarketConfig, tariff: Tariff) -> Auctioned:
    """Run the auction on a tick book, under the market's pricing rule.

    Args:
        book: What is bid and asked.
        config: The market's price ladder and pricing rule.
        tariff: The prices around the peer trade.

    Returns:
        The clearing and its volume; ``NO_TRADE`` and 0 when no bid reaches an ask.
    """
    bids, asks = book.merit_order(Side.BUY), book.merit_order(Side.SELL)
    if config.pricing in SET_PRICES:
        return _pool(_set_price(bids, asks, config, tariff), bids, asks, config)
    crossing = cross(bids, asks)
    if crossing is None:
        return NOTHING_MATCHED
    price = config.price(crossing.price)
    highest, lowest = config.price(crossing.bid.price), config.price(crossing.ask.price)
    match config.pricing:
        case Pricing.PAY_AS_BID:
            return _auctioned(crossing, highest, lowest, at_limits=True)
        case Pricing.MCAFEE:
            return _mcafee(crossing, bids, asks, config)
        case _:
            return _auctioned(crossing, price, price)


def _mcafee(
    crossing: Crossing, bids: Sequence[Level], asks: Sequence[Level], config: MarketConfig
) -> Auctioned:
    """McAfee, J. Econ. Theory 56 (1992), each Wh one of the paper's units."""
    highest, lowest = config.price(crossing.bid.price), config.price(crossing.ask.price)
    next_bid, next_ask = crossing.bid.best_unfilled, crossing.ask.best_unfilled
    if next_bid is not None and next_ask is not None:
        middle = (config.price(next_bid) + config.price(next_ask)) // 2
        if lowest <= middle <= highest:
            return _auctioned(crossing, middle, middle)
    volume = crossing.volume - 1
    if volume == 0:
        return NOTHING_MATCHED
    return _auctioned(Crossing(volume, walk(bids, volume), walk(asks, volume)), highest, lowest)


def _set_price(bids: Sequence[Level], asks: Sequence[Level], config: MarketConfig, tariff: Tariff) -> int:
    match config.pricing:
        case Pricing.MID_MARKET_RATE:
            return mid_market_rate(config.break_even(tariff))
        case Pricing.SUPPLY_DEMAND_RATIO:
            return ratio_price(config.break_even(tariff), total(asks), total(bids))
        case _:
            return config.fixed_price


def _pool(price: int, bids: Sequence[Level], asks: Sequence[Level], config: MarketConfig) -> Auctioned:
    """Match all orders whose limits allow a price, best limits first, until one side is exhausted."""
    bids = [level for level in bids if config.price(level.price) >= price]
    asks = [level for level in asks if config.price(level.price) <= price]
    volume = min(total(bids), total(asks))
    if volume == 0:
        return NOTHING_MATCHED
    return _auctioned(Crossing(volume, walk(bids, volume), walk(asks, volume)), price, price)


def _auctioned(crossing: Crossing, buy_price: int, sell_price: int, *, at_limits: bool = False) -> Auctioned:
    bid, ask = (
        MarginalTick(level.price, level.total, level.filled, accepted=level.filled)
        for level in (crossing.bid, crossing.ask)
    )
    return Auctioned(Clearing(buy_price, sell_price, at_limits, bid, ask), crossing.volume)


def cap(book: TickBook, cleared: Clearing, volume: int) -> Clearing:
    """Walk both sides' merit order up to a smaller volume than was matched.

    Args:
        book: The book that was cleared.
        cleared: Its clearing.
        volume: Accepted volume, Wh, at most the clearing's.

    Returns:
        The clearing with other marginal ticks. Its prices stay the auction's.
    """
    if volume == 0:
        return NO_TRADE
    return replace(
        cleared,
        bid=_cap_side(book, cleared, Side.BUY, volume),
        ask=_cap_side(book, cleared, Side.SELL, volume),
    )


def _cap_side(book: TickBook, cleared: Clearing, side: Side, volume: int) -> MarginalTick:
    """The marginal tick of one side when its merit order is walked up to a volume only, Wh."""
    reached = walk(book.merit_order(side), volume)
    marginal = cleared.marginal(side)
    if reached.price == marginal.tick:
        return MarginalTick(marginal.tick, marginal.total, marginal.filled, accepted=reached.filled)
    # A tick better than the auction's marginal one was filled in full.
    return MarginalTick(reached.price, reached.total, filled=reached.total, accepted=reached.filled)
