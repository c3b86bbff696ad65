"""The uniform-price call auction: everybody inside trades, all at one price."""

from __future__ import annotations

from dataclasses import dataclass

from peerwatt.designs.merit import cross
from peerwatt.designs.orders import Book, Terms
from peerwatt.designs.outcome import Outcome, at_price
from peerwatt.designs.protocol import ON_CHAIN
from peerwatt.errors import InputError
from peerwatt.units import PPM


@dataclass(frozen=True)
class UniformPrice:
    """k-double auction: price = lower + k (upper - lower), where [lower, upper] clears the market.

    Efficient, budget balanced and individually rational, not truthful: the marginal orders set the price.

    Attributes:
        k_ppm: k in parts per million; 0 is the buyers' price, 1,000,000 the sellers'.
    """

    k_ppm: int = 500_000
    name: str = "uniform"
    title: str = "uniform-price call auction (k-double auction)"
    source: str = "Satterthwaite & Williams, J. Econ. Theory 48 (1989) 477-498"
    runs: str = ON_CHAIN

    def __post_init__(self) -> None:
        if not 0 <= self.k_ppm <= PPM:
            raise InputError(f"uniform: k of {self.k_ppm} ppm is outside 0..{PPM}")

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval. The price is rounded down to a base unit per Wh."""
        crossing = cross(book)
        limits = crossing.price_range
        price = None
        if crossing.volume and limits:
            price = limits[0] + (limits[1] - limits[0]) * self.k_ppm // PPM
        bought, sold = crossing.bids.fills(crossing.volume), crossing.asks.fills(crossing.volume)
        return at_price(book, bought, sold, price)
