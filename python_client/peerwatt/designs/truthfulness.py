"""Truthfulness, measured: the most that anybody gains by naming another limit price."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from peerwatt.designs.optimum import optimal_welfare
from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome
from peerwatt.designs.protocol import Mechanism
from peerwatt.designs.synthetic import random_book


@dataclass(frozen=True)
class Misreport:
    """The most profitable lie found.

    Attributes:
        gain: What it earns over the truth, base units; 0 where no lie pays.
        participant: Who gains, or None.
        side, row, price: The order and the limit price that should be told instead.
    """

    gain: int = 0
    participant: int | None = None
    side: str = ""
    row: int = -1
    price: int = 0


def utility(book: Book, outcome: Outcome, participant: int) -> int:
    """Value of what the participant got less what it paid, at the limits in `book`; base units."""
    bids, asks = book.bids, book.asks
    buyer, seller = bids.participant == participant, asks.participant == participant
    return int(
        (outcome.bought * bids.price - outcome.paid)[buyer].sum()
        + (outcome.received - outcome.sold * asks.price)[seller].sum()
    )


def largest_gain(mechanism: Mechanism, book: Book, terms: Terms, prices: Iterable[int]) -> Misreport:
    """Try every order at every price of `prices`, one lie at a time, with the same random draws."""
    honest = mechanism.clear(book, terms)
    best, prices = Misreport(), sorted(set(prices))
    for side in ("bids", "asks"):
        orders = getattr(book, side)
        for row in range(len(orders)):
            participant = int(orders.participant[row])
            truth = utility(book, honest, participant)
            for price in prices:
                told = replace(book, **{side: orders.repriced(row, price)})
                gain = utility(book, mechanism.clear(told, terms), participant) - truth
                if gain > best.gain:
                    best = Misreport(gain, participant, side, row, price)
    return best


def temptation(mechanism: Mechanism, books: int = 3, traders: int = 5) -> float:
    """The largest gain from one lie on small random books, as a share of all gains from trade.

    Args:
        mechanism: What is tested.
        books: How many books are drawn; always the same ones.
        traders: Buyers, and as many sellers, of each.
    """
    worst = 0.0
    for seed in range(books):
        book = random_book(seed, traders, traders, most=8, low=100, high=140)
        gain = largest_gain(mechanism, book, Terms(seed=seed), range(98, 144, 4)).gain
        worst = max(worst, gain / max(optimal_welfare(book), 1))
    return worst
