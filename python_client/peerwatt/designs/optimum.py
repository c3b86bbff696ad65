"""The yardstick: the most welfare that any allocation of a book can reach, by linear programming."""

from __future__ import annotations

import numpy as np

from peerwatt.designs.linear_program import Program, solve
from peerwatt.designs.orders import Book
from peerwatt.designs.outcome import Outcome


def optimal_welfare(book: Book) -> int:
    """max sum(bid x) - sum(ask y) with sum(x) = sum(y), 0 <= x, y <= quantity; base units.

    It shares no code with the auctions. The constraint matrix is totally unimodular, so the optimum is a
    whole number.
    """
    bids, asks = len(book.bids), len(book.asks)
    columns = np.arange(bids + asks)
    solution = (
        solve(
            Program(
                cost=np.concatenate([-book.bids.price, book.asks.price]).astype(float),
                lower=np.zeros(bids + asks),
                upper=np.concatenate([book.bids.quantity, book.asks.quantity]).astype(float),
                rows=np.zeros(bids + asks, dtype=np.int64),
                columns=columns,
                values=np.where(columns < bids, 1.0, -1.0),
                row_lower=np.zeros(1),
                row_upper=np.zeros(1),
            ),
            "welfare optimum",
        )
        if bids and asks
        else None
    )
    return round(-solution.objective) if solution else 0


def efficiency(book: Book, outcome: Outcome) -> float | None:
    """Share of the optimal welfare that an outcome reaches; None where there is nothing to gain."""
    best = optimal_welfare(book)
    return outcome.welfare(book) / best if best else None
