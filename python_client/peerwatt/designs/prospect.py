"""Prospect-theory bidders: losses against what one hoped for weigh more than gains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.bidders import LEVELS, net_imports, shaded_book
from peerwatt.designs.design import Run, collect
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import FloatArray
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.uniform import UniformPrice
from peerwatt.units import PERCENT


@dataclass(frozen=True)
class ProspectBidders:
    """Everybody hopes for a part of the spread and believes the price to be anywhere between the tariffs.

    Bidding at level l trades with chance 1 - l / (L - 1) and then saves something; not trading leaves one
    with the tariff, a loss against the hope. Value x^a for gains and -loss |x|^a for losses, chances weighted
    by w(p) = p^g / (p^g + (1 - p)^g)^(1/g); the level with the best prospect is bid.

    Attributes:
        hope: Reference point, the saving that one takes for granted, in parts of the spread.
        curvature, loss_aversion, weighting: a, loss and g; with 1, 1, 1 the bidder is rational.
    """

    hope: float = 0.4
    curvature: float = 0.88
    loss_aversion: float = 2.25
    weighting: float = 0.61
    name: str = "prospect"
    title: str = "uniform-price auction with prospect-theory bidders"
    source: str = "Tversky & Kahneman, J. Risk and Uncertainty 5 (1992) 297-323"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval."""
        homes, net = len(neighbourhood.names), net_imports(neighbourhood)
        level = np.full(homes, self.level(), dtype=np.int64)
        books = [shaded_book(row, level, neighbourhood.terms) for row in net]
        outcomes = [UniformPrice().clear(book, neighbourhood.terms) for book in books]
        run = collect(neighbourhood, books, outcomes, np.zeros(homes, dtype=np.int64))
        shade = int(level[0]) * PERCENT // (LEVELS - 1)
        return replace(run, note=f"everybody shades {shade} % of the spread")

    def level(self) -> int:
        """The level with the best prospect; savings in parts of the spread."""
        prospects = [self.prospect(level / (LEVELS - 1)) for level in range(LEVELS)]
        return int(np.argmax(prospects))

    def prospect(self, shade: float) -> float:
        """Of bidding `shade` (0 full value, 1 the other side's limit), trading at what one bids."""
        chance = 1 - shade
        win, lose = self.weight(np.array([chance, 1 - chance]))
        return float(win * self._value(shade - self.hope) + lose * self._value(-self.hope))

    def weight(self, chance: FloatArray) -> FloatArray:
        """Perceived chances."""
        g = self.weighting
        return np.asarray(chance**g / (chance**g + (1 - chance) ** g) ** (1 / g))

    def _value(self, saving: float) -> float:
        size = float(abs(saving) ** self.curvature)
        return size if saving >= 0 else -self.loss_aversion * size
