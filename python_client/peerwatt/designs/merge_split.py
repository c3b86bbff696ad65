"""Merge-and-split coalition formation: groups join where that pays, and part where it does not."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from peerwatt.designs.coalition import SharingGame

MOST_SPLIT = 14
"""Members up to which every way to split a coalition in two is tried."""

Coalition = tuple[int, ...]


def merge_and_split(game: SharingGame, pair_cost: int) -> list[Coalition]:
    """Apt & Witzel (2009): from everybody alone, merge or split while the members gain by it.

    Each step raises the total worth, so it ends; the result is stable: no two coalitions gain by merging
    and none (of up to 14 members) by parting in two.

    Args:
        game: Energy sharing.
        pair_cost: Cost of coordinating each pair of members, base units.
    """
    known: dict[Coalition, int] = {}

    def worth(members: Coalition) -> int:
        if members not in known:
            pairs = len(members) * (len(members) - 1) // 2
            known[members] = game.value(np.array(members, dtype=np.int64)) - pair_cost * pairs
        return known[members]

    coalitions: list[Coalition] = [(player,) for player in range(game.players)]
    while True:
        gains = [
            (worth(tuple(sorted(one + two))) - worth(one) - worth(two), one, two)
            for one, two in combinations(coalitions, 2)
        ]
        best = max(gains, default=(0, (), ()))
        if best[0] > 0:
            coalitions = [each for each in coalitions if each not in best[1:]]
            coalitions.append(tuple(sorted(best[1] + best[2])))
            continue
        parted = next(((each, parts) for each in coalitions if (parts := _better_split(each, worth))), None)
        if parted is None:
            return sorted(coalitions)
        coalitions.remove(parted[0])
        coalitions.extend(parted[1])


def _better_split(members: Coalition, worth) -> tuple[Coalition, Coalition] | None:  # type: ignore[no-untyped-def]
    """Two parts that are worth more than the whole, or None."""
    if not 1 < len(members) <= MOST_SPLIT:
        return None
    whole, (first, *others) = worth(members), members
    for size in range(len(others)):
        for with_first in combinations(others, size):
            one = (first, *with_first)
            two = tuple(member for member in others if member not in with_first)
            if worth(one) + worth(two) > whole:
                return one, two
    return None
