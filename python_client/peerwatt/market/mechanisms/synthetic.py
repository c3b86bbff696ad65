"""Books and neighbourhoods drawn at random, for benchmarks, tests and first experiments."""

from __future__ import annotations

import numpy as np

from peerwatt.market.mechanisms.orders import Book, Orders


def random_book(seed: int, buyers: int, sellers: int, most: int = 50, low: int = 80, high: int = 300) -> Book:
    """One order per participant, buyers first; prices in [low, high], quantities in 1..most Wh."""
    random = np.random.default_rng(seed)
    sides = []
    for start, count in ((0, buyers), (buyers, sellers)):
        participants = np.arange(start, start + count)
        prices = random.integers(low, high, count, endpoint=True)
        sides.append(Orders(participants, prices, random.integers(1, most, count, endpoint=True)))
    return Book(*sides)
