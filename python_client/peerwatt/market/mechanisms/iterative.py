"""The iterative double auction: bid, see the allocation, bid again, and reveal no utility function."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.market.mechanisms.orders import Book, FloatArray, IntArray, Terms
from peerwatt.market.mechanisms.outcome import Outcome, at_price, nothing, sealed_messages
from peerwatt.market.mechanisms.protocol import OFF_CHAIN

LOWEST_PRICE = 1e-3
PRICE_ACCURACY = 1e-9


@dataclass(frozen=True)
class IterativeDoubleAuction:
    """Kang et al.'s auctioneer solves max sum(b ln x) - sum(s y^2 / 2) with the bids b and s it is sent;
    traders answer b = x U'(x) and s = C'(y) / y. Where the two agree the allocation is the welfare optimum.

    Here U' and C' are the limit prices, up to the quantity of the order. The answer is rounded down to
    whole Wh and one price. Off the optimum by the tolerance, because rounds are limited.

    Attributes:
        rounds: Most rounds of bidding.
        tolerance: Stop when no allocation moves by more than this share of its order.
    """

    rounds: int = 200
    tolerance: float = 1e-3
    name: str = "iterative"
    title: str = "iterative double auction of Kang et al."
    source: str = "Kang et al., IEEE Trans. Ind. Informatics 13 (2017) 3154-3164"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        if book.silent:
            return nothing(book)
        value, cost = book.bids.price.astype(float), np.maximum(book.asks.price.astype(float), LOWEST_PRICE)
        most_bought, most_sold = book.bids.quantity.astype(float), book.asks.quantity.astype(float)
        highest = float(max(value.max(), cost.max()))
        bought, sold, price, moved, done = most_bought, most_sold, 0.0, 1.0, 0
        while done < self.rounds and moved >= self.tolerance:
            done += 1
            price = _clearing_price(bought * value, most_bought, sold / cost, most_sold, highest)
            next_bought = np.minimum(most_bought, bought * value / price)
            next_sold = np.minimum(most_sold, sold * price / cost)
            moved = max(
                float(np.max(np.abs(next_bought - bought) / np.maximum(most_bought, 1))),
                float(np.max(np.abs(next_sold - sold) / np.maximum(most_sold, 1))),
            )
            bought, sold = next_bought, next_sold
        whole = round(price)
        buys = np.where(book.bids.price >= whole, np.rint(bought), 0).astype(np.int64)
        sells = np.where(book.asks.price <= whole, np.rint(sold), 0).astype(np.int64)
        energy = min(int(buys.sum()), int(sells.sum()))
        outcome = at_price(book, _trimmed(buys, energy), _trimmed(sells, energy), whole)
        return replace(outcome, messages=done * sealed_messages(book), iterations=done)


def _clearing_price(
    spending: FloatArray, most_bought: FloatArray, slope: FloatArray, most_sold: FloatArray, value: float
) -> float:
    """The price at which min(spending / price, q) sums to min(slope * price, q): bisection, both monotone."""
    low, high = LOWEST_PRICE, 2 * max(value, LOWEST_PRICE)
    while high - low > PRICE_ACCURACY * high:
        middle = (low * high) ** 0.5
        excess = (
            np.minimum(spending / middle, most_bought).sum() - np.minimum(slope * middle, most_sold).sum()
        )
        low, high = (middle, high) if excess > 0 else (low, middle)
    return high


def _trimmed(energy: IntArray, total: int) -> IntArray:
    """Take what is above `total` from the last rows."""
    kept: IntArray = np.clip(total - (np.cumsum(energy) - energy), 0, energy)
    return kept
