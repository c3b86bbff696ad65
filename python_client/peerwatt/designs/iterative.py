"""The iterative double auction: bid, see the allocation, bid again, and reveal no utility function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.orders import Book, FloatArray, IntArray, Terms
from peerwatt.designs.outcome import Outcome, at_price, nothing, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN

LOWEST_PRICE = 1e-3  # base units per Wh
PRICE_ACCURACY = 1e-6  # relative


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
        highest = 2 * float(max(value.max(), cost.max()))
        bought, sold, price, moved, done = most_bought, most_sold, highest, 1.0, 0
        while done < self.rounds and moved >= self.tolerance:
            done += 1
            spending, slope = bought * value, sold / cost

            def excess(at: float, spending: FloatArray = spending, slope: FloatArray = slope) -> float:
                demand, supply = np.minimum(spending / at, most_bought), np.minimum(slope * at, most_sold)
                return float(demand.sum() - supply.sum())

            price = _root(excess, price, highest)
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


def _root(excess: Callable[[float], float], guess: float, highest: float) -> float:
    """Where the excess demand, which falls with the price, is gone; bisection, first near the last price."""
    low, high = guess * 0.97, guess * 1.03
    if excess(low) < 0 or excess(high) > 0:
        low, high = LOWEST_PRICE, highest
    while high - low > PRICE_ACCURACY * high:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _trimmed(energy: IntArray, total: int) -> IntArray:
    """Take what is above `total` from the last rows."""
    kept: IntArray = np.clip(total - (np.cumsum(energy) - energy), 0, energy)
    return kept
