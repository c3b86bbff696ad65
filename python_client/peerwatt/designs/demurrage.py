"""Energy-backed tokens that lose value with time, so that use follows generation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.design import Run
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.sharing import proportional
from peerwatt.errors import InputError
from peerwatt.units import PPM


@dataclass(frozen=True)
class DemurrageTokens:
    """A seller's Wh becomes a token; buyers hold tokens and redeem them for energy, later worth less.

    Every interval each token loses `demurrage_ppm` of its energy to the pool's keeper (the supplier, who
    balances time). Homes buy tokens at the mid-market price while there is surplus, up to what they expect to
    need in the next `ahead` intervals, and redeem them when they import. What nobody wants is fed in.

    Attributes:
        demurrage_ppm: Loss per interval, parts per million.
        ahead: How many intervals ahead a home stocks up for.
    """

    demurrage_ppm: int = 20_000
    ahead: int = 32
    name: str = "tokens"
    title: str = "energy-backed tokens with demurrage"
    source: str = "Devine & Cuffe, IEEE Trans. Smart Grid 10 (2019) 2323-2325"
    runs: str = OFF_CHAIN

    def __post_init__(self) -> None:
        if not 0 <= self.demurrage_ppm <= PPM:
            raise InputError(f"tokens: demurrage of {self.demurrage_ppm} ppm is outside 0..{PPM}")

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval. `bought` is what was redeemed, `sold` what was minted and paid for."""
        terms, homes = neighbourhood.terms, len(neighbourhood.names)
        price = (terms.retail + terms.feed_in) // 2
        stock, lost = np.zeros(homes, dtype=np.int64), 0
        redeemed, minted = np.zeros_like(neighbourhood.demand), np.zeros_like(neighbourhood.demand)
        payment = np.zeros_like(neighbourhood.demand)
        for t in range(neighbourhood.intervals):
            stale = stock * self.demurrage_ppm // PPM
            stock, lost = stock - stale, lost + int(stale.sum())
            # Buy for now and for what is expected, then redeem for now.
            window = slice(t, t + self.ahead + 1)
            wanted = np.maximum(neighbourhood.imported[window].sum(axis=0) - stock, 0)
            surplus = neighbourhood.exported[t]
            energy = min(int(wanted.sum()), int(surplus.sum()))
            bought, sold = proportional(wanted, energy), proportional(surplus, energy)
            stock = stock + bought
            payment[t] = price * (bought - sold)
            minted[t] = sold
            redeemed[t] = np.minimum(stock, neighbourhood.imported[t])
            stock = stock - redeemed[t]
        return Run(
            neighbourhood.imported,
            neighbourhood.exported,
            redeemed,
            minted,
            payment,
            np.zeros(homes, dtype=np.int64),
            paid_ahead=True,
            messages=3 * homes * neighbourhood.intervals,
            note=f"demurrage took {lost} Wh of tokens, {int(stock.sum())} Wh were left",
        )
