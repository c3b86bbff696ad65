"""Coalition games as market designs: share everything, then divide the saving by a solution of the game."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from peerwatt.designs.coalition import (
    MOST_EXACT,
    SharingGame,
    nucleolus,
    shapley,
    shapley_sampled,
)
from peerwatt.designs.design import PerInterval, Run
from peerwatt.designs.measures import measure
from peerwatt.designs.merge_split import merge_and_split
from peerwatt.designs.neighbourhood import Neighbourhood, net_book
from peerwatt.designs.orders import IntArray
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.sharing import MidMarketRate


@dataclass(frozen=True)
class ShapleyShares:
    """Everybody gets its average marginal contribution: exact to 12 players, sampled beyond.

    Attributes:
        samples: Random orders of arrival, where it is sampled.
    """

    samples: int = 2_000
    name: str = "shapley"
    title: str = "grand coalition, saving divided by the Shapley value"
    source: str = "Shapley, Contrib. to the Theory of Games II (1953); Tushar et al., IEEE Access 6 (2018)"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval; one division for all of them."""
        game = SharingGame.of(neighbourhood)
        if game.players <= MOST_EXACT:
            return divided(neighbourhood, shapley(game.table()), "")
        estimate, error = shapley_sampled(game, self.samples, neighbourhood.terms.seed)
        note = f"sampled; standard error at most {error.max():.0f} base units per household"
        return divided(neighbourhood, [Fraction(share) for share in estimate.tolist()], note)


@dataclass(frozen=True)
class NucleolusShares:
    """The division whose largest objection is the smallest possible; in the core wherever there is one.

    Above 12 players the coalitions are too many: mid-market rate divides instead, and the note says so.
    """

    name: str = "nucleolus"
    title: str = "grand coalition, saving divided by the nucleolus"
    source: str = "Schmeidler, SIAM J. Applied Math. 17 (1969) 1163-1170"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval; one division for all of them."""
        game = SharingGame.of(neighbourhood)
        if game.players > MOST_EXACT:
            shared = PerInterval(MidMarketRate(), metered=True).run(neighbourhood)
            return replace(shared, note="too many players for the nucleolus: mid-market rate instead")
        return divided(
            neighbourhood, [Fraction(share) for share in nucleolus(game.table()).tolist()], "exact"
        )


@dataclass(frozen=True)
class MergeAndSplit:
    """Coalitions that form by themselves; each shares inside at the mid-market rate.

    Attributes:
        pair_cost: What coordinating a pair of members costs, base units over the whole run: without it
            everybody ends in one coalition.
    """

    pair_cost: int = 20_000
    name: str = "merge-split"
    title: str = "coalitions formed by merge and split, mid-market rate inside"
    source: str = "Apt & Witzel, Int. Game Theory Review 11 (2009) 347-367; Saad et al., 2011"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval within the coalitions that formed."""
        game = SharingGame.of(neighbourhood)
        coalitions = merge_and_split(game, self.pair_cost)
        net = neighbourhood.imported - neighbourhood.exported
        parts = []
        for members in coalitions:
            inside = np.zeros_like(net)
            inside[:, list(members)] = net[:, list(members)]
            own = replace(
                neighbourhood,
                demand=np.maximum(inside, 0),
                generation=np.maximum(-inside, 0),
                books=tuple(net_book(row, neighbourhood.terms) for row in inside),
            )
            parts.append(PerInterval(MidMarketRate(), metered=True).run(own))
        dues = np.zeros(len(neighbourhood.names), dtype=np.int64)
        for members in coalitions:
            dues[list(members)] = self.pair_cost * (len(members) - 1) // 2
        sizes = ", ".join(str(len(members)) for members in coalitions)
        return Run(
            neighbourhood.imported,
            neighbourhood.exported,
            np.sum([part.bought for part in parts], axis=0),
            np.sum([part.sold for part in parts], axis=0),
            np.sum([part.payment for part in parts], axis=0),
            dues,
            messages=sum(part.messages for part in parts),
            note=f"coalitions of {sizes}; coordination is paid for and lost",
        )


def divided(neighbourhood: Neighbourhood, shares: Sequence[Fraction], note: str) -> Run:
    """Share at the mid-market rate, then settle up so that everybody saves its share, to the base unit."""
    shared = PerInterval(MidMarketRate(), metered=True).run(neighbourhood)
    savings = measure(neighbourhood, shared).savings
    due = savings - whole_shares(shares, int(savings.sum()))
    return replace(shared, dues=due, note=note)


def whole_shares(shares: Sequence[Fraction], total: int) -> IntArray:
    """Round down, and give what is left to the largest remainders, so that the sum is `total`."""
    floors = [share.numerator // share.denominator for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda i: (floors[i] - shares[i], i))
    for i in by_remainder[: total - sum(floors)]:
        floors[i] += 1
    return np.array(floors, dtype=np.int64)
