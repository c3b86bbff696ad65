"""The non-cooperative game of a microgrid: homes move flexible demand to where the common price is low.

After Zhang, Wu, Zhou, Cheng & Long, Applied Energy 220 (2018) 1-12, with the linear price of Mohsenian-Rad
et al., IEEE Trans. Smart Grid 1 (2010) 320-331: in interval t everybody pays c + s L_t for its net import,
L_t being the net import of all. Best responses are a potential game's, so taking turns ends at the Nash
equilibrium, and `largest_unilateral_gain` checks that nobody can do better alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from peerwatt.designs.design import PerInterval, Run
from peerwatt.designs.linear_program import Program, solve
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.sharing import MidMarketRate
from peerwatt.errors import InputError
from peerwatt.units import PERCENT

MOST_ROUNDS = 500


@dataclass(frozen=True)
class MicrogridGame:
    """Players choose when to use their flexible energy.

    Attributes:
        fixed: Net import that cannot be moved, (intervals, players).
        flexible: Energy that each must place somewhere, per player.
        most: The most flexible energy a player can use in one interval, per player.
        slope: What one more unit of net import of all adds to the price.
    """

    fixed: FloatArray
    flexible: FloatArray
    most: FloatArray
    slope: float = 1.0

    def __post_init__(self) -> None:
        if (self.flexible > self.most * len(self.fixed) + 1e-9).any():
            raise InputError("microgrid game: a player's flexible energy does not fit into its intervals")

    def cost(self, placed: FloatArray) -> FloatArray:
        """Each player's cost, up to the constant part of the price (its energy is given)."""
        net = self.fixed + placed
        return np.asarray(self.slope * (net * net.sum(axis=1, keepdims=True)).sum(axis=0))

    def best_response(self, placed: FloatArray, player: int) -> FloatArray:
        """Fill the intervals where the marginal cost s (L_-i + 2 x_i) is lowest: water-filling."""
        net = self.fixed + placed
        others = net.sum(axis=1) - net[:, player]
        # d/df of (fixed + f)(others + fixed + f): the level at which filling starts, in units of 2 f.
        start = others / 2 + self.fixed[:, player]
        return water_fill(start, float(self.flexible[player]), float(self.most[player]))

    def equilibrium(self, tolerance: float = 1e-9) -> tuple[FloatArray, int]:
        """Take turns until nobody moves by more than `tolerance`.

        Returns:
            What each placed where, (intervals, players), and the rounds it took.
        """
        intervals = len(self.fixed)
        placed = np.tile(self.flexible / intervals, (intervals, 1))
        moved, done = np.inf, 0
        while moved > tolerance and done < MOST_ROUNDS:
            done, before = done + 1, placed.copy()
            for player in range(placed.shape[1]):
                placed[:, player] = self.best_response(placed, player)
            moved = float(np.abs(placed - before).max(initial=0))
        return placed, done

    def largest_unilateral_gain(self, placed: FloatArray) -> float:
        """The most that any player saves by deviating alone, found by quadratic programming (HiGHS)."""
        gains, costs = [0.0], self.cost(placed)
        net = self.fixed + placed
        intervals = len(self.fixed)
        for player in range(placed.shape[1]):
            others = net.sum(axis=1) - net[:, player]
            own = self.fixed[:, player]
            best = solve(
                Program(
                    cost=self.slope * (others + 2 * own),
                    lower=np.zeros(intervals),
                    upper=np.full(intervals, float(self.most[player])),
                    rows=np.zeros(intervals, dtype=np.int64),
                    columns=np.arange(intervals),
                    values=np.ones(intervals),
                    row_lower=np.array([float(self.flexible[player])]),
                    row_upper=np.array([float(self.flexible[player])]),
                    curvature=np.full(intervals, 2 * self.slope),
                ),
                "best response",
            )
            gains.append(float(costs[player] - best.objective - self.slope * own @ (others + own)))
        return max(gains)


def water_fill(start: FloatArray, amount: float, most: float) -> FloatArray:
    """f with sum f = amount, 0 <= f <= most and start + f as level as it can be."""
    low, high = float(start.min()), float(start.max()) + most
    for _ in range(100):
        level = (low + high) / 2
        low, high = (level, high) if np.clip(level - start, 0, most).sum() < amount else (low, level)
    filled: FloatArray = np.clip(high - start, 0, most)
    return filled


@dataclass(frozen=True)
class FlexibleDemandGame:
    """Every home moves part of its demand within the day, alone; what is left is shared at mid-market rate.

    Attributes:
        percent: Share of each day's demand that can move.
    """

    percent: int = 20
    name: str = "nash-flexible"
    title: str = "non-cooperative microgrid game with flexible demand, at its Nash equilibrium"
    source: str = "Zhang et al., Applied Energy 220 (2018) 1-12"
    runs: str = OFF_CHAIN

    def run(self, neighbourhood: Neighbourhood) -> Run:
        """Run every interval; the game is played day by day."""
        demand, worst, rounds = neighbourhood.demand.copy(), 0.0, 0
        for day in neighbourhood.days:
            movable = demand[day].sum(axis=0) * self.percent / PERCENT
            kept: FloatArray = (demand[day] * (1 - self.percent / PERCENT)).astype(float)
            most = np.maximum(demand[day].max(axis=0).astype(float), 2 * movable / len(kept))
            game = MicrogridGame(kept - neighbourhood.generation[day], movable, most)
            placed, took = game.equilibrium(tolerance=0.01)
            rounds += took
            worst = max(
                worst, game.largest_unilateral_gain(placed) / max(float(game.cost(placed).max()), 1.0)
            )
            demand[day] = whole_profile(kept + placed, demand[day].sum(axis=0))
        moved = replace(neighbourhood, demand=demand)
        run = PerInterval(MidMarketRate(), metered=True).run(moved)
        note = (
            f"{self.percent} % of demand moves within a day; largest unilateral gain {worst:.1e} of the cost"
        )
        return replace(run, messages=run.messages + 2 * rounds * len(neighbourhood.names), note=note)


def whole_profile(energy: FloatArray, total: IntArray) -> IntArray:
    """Whole Wh per interval that keep each column's total: differences of its rounded running sum."""
    upto = np.rint(np.cumsum(energy, axis=0)).astype(np.int64)
    upto[-1] = total
    return np.asarray(np.diff(np.minimum(upto, total), axis=0, prepend=0))
