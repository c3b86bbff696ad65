"""Tabular Q-learning bidders: each home learns how much to shade, from what it earned."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.bidders import LEVELS, net_imports, phase_of_day, savings, shaded_book
from peerwatt.designs.design import Run, collect
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.uniform import UniformPrice

PHASES = 8  # parts of the day


@dataclass(frozen=True)
class QLearningBidders:
    """State: part of the day and whether one buys or sells. Action: shading level. Reward: saving per Wh.

    Q[s, a] += rate (reward - Q[s, a]): bids do not change what one needs next, so there is no future term.

    Attributes:
        episodes: Practice runs over the same days, before the one that counts.
        rate: Learning rate.
        explore: Chance of a random level in the first practice run; it falls to none.
    """

    episodes: int = 20
    rate: float = 0.2
    explore: float = 0.5
    name: str = "q-learning"
    title: str = "uniform-price auction with tabular Q-learning bidders"
    source: str = (
        "Watkins & Dayan, Machine Learning 8 (1992) 279-292; Chen & Su, IEEE TSG 10 (2019) 4338-4348"
    )
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Practise, then run every interval greedily."""
        random, homes = neighbourhood.terms.random(self.name), len(neighbourhood.names)
        # Optimistic at first, so that every level is tried.
        value = np.full((homes, PHASES, 2, LEVELS), float(neighbourhood.terms.retail))
        everyone, net = np.arange(homes), net_imports(neighbourhood)
        books, outcomes = [], []
        for episode in range(self.episodes + 1):
            last = episode == self.episodes
            curiosity = 0.0 if last else self.explore * (1 - episode / self.episodes)
            for t in range(neighbourhood.intervals):
                state = phase_of_day(t, neighbourhood.interval_s, PHASES), (net[t] > 0).astype(np.int64)
                level = value[everyone, state[0], state[1]].argmax(axis=1)
                guess = random.random(homes) < curiosity
                level = np.where(guess, random.integers(0, LEVELS, homes), level)
                book = shaded_book(net[t], level, neighbourhood.terms)
                outcome = UniformPrice().clear(book, neighbourhood.terms)
                if last:
                    books.append(book)
                    outcomes.append(outcome)
                    continue
                earned = savings(book, outcome, neighbourhood.terms, homes) / np.maximum(np.abs(net[t]), 1)
                active = np.flatnonzero(net[t])
                place = active, state[0], state[1][active], level[active]
                value[place] += self.rate * (earned[active] - value[place])
        run = collect(neighbourhood, books, outcomes, np.zeros(homes, dtype=np.int64))
        return replace(run, note=f"learned in {self.episodes} practice runs over the same days")
