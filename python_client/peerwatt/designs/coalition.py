"""The canonical coalition game of energy sharing: what a group saves together, and how to divide it.

Tushar et al., IEEE Access 6 (2018) 62932-62943: v(S) is what coalition S saves against
the tariff by sharing what it makes; peers alone save nothing. Values are whole base units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial, lcm

import numpy as np

from peerwatt.designs.linear_program import Program, solve
from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.errors import InputError

MOST_EXACT = 12
"""Players of an exact Shapley value."""
MOST_LISTED = 16
"""Players whose 2^n coalitions are listed at all."""


@dataclass(frozen=True)
class SharingGame:
    """The game of a neighbourhood.

    Attributes:
        imported, exported: Wh, (intervals, players).
        spread: What a shared Wh saves, base units: retail - network fee - feed-in.
    """

    imported: IntArray
    exported: IntArray
    spread: int

    @classmethod
    def of(cls, neighbourhood: Neighbourhood) -> SharingGame:
        """The game of a neighbourhood's readings under its terms."""
        terms = neighbourhood.terms
        spread = terms.retail - terms.network_fee - terms.feed_in
        return cls(neighbourhood.imported, neighbourhood.exported, spread)

    @property
    def players(self) -> int:
        """How many there are."""
        return int(self.imported.shape[1])

    def value(self, members: IntArray) -> int:
        """v(S) = spread * sum_t min(imports of S, exports of S)."""
        shared = np.minimum(self.imported[:, members].sum(axis=1), self.exported[:, members].sum(axis=1))
        return self.spread * int(shared.sum())

    def table(self) -> IntArray:
        """v of all 2^n coalitions; bit i of the index says whether player i is in.

        Raises:
            InputError: There are more than 16 players.
        """
        if self.players > MOST_LISTED:
            raise InputError(
                f"coalition game: {self.players} players have too many coalitions; sample instead"
            )
        values = np.zeros(1 << self.players, dtype=np.int64)
        for imports, exports in zip(self.imported, self.exported, strict=True):
            values += np.minimum(subset_sums(imports), subset_sums(exports))
        return self.spread * values


def subset_sums(amounts: IntArray) -> IntArray:
    """Sum of every subset, indexed by bits."""
    sums = np.zeros(1, dtype=np.int64)
    for amount in amounts.tolist():
        sums = np.concatenate([sums, sums + amount])
    return sums


def shapley(table: IntArray) -> list[Fraction]:
    """The Shapley value, exactly: sum_S |S|! (n - |S| - 1)! / n! (v(S + i) - v(S)).

    Raises:
        InputError: There are more than 12 players.
    """
    players = _players(table)
    if players > MOST_EXACT:
        raise InputError(f"Shapley value: {players} players are too many to be exact; use shapley_sampled")
    coalitions = np.arange(len(table))
    size = subset_sums(np.ones(players, dtype=np.int64))
    weights = [factorial(k) * factorial(players - k - 1) for k in range(players)]
    values = []
    for player in range(players):
        without = coalitions[(coalitions >> player) & 1 == 0]
        marginal = table[without | (1 << player)] - table[without]
        of_size = [int(marginal[size[without] == k].sum()) for k in range(players)]
        total = sum(weight * amount for weight, amount in zip(weights, of_size, strict=True))
        values.append(Fraction(total, factorial(players)))
    return values


def shapley_sampled(game: SharingGame, samples: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """The Shapley value from random orders of arrival (Castro, Gomez & Tejada 2009).

    Returns:
        The estimate and its standard error, base units per player. The estimate sums to v(N) exactly.
    """
    random = np.random.default_rng(seed)
    marginals = np.zeros((samples, game.players))
    for sample in range(samples):
        arrival = random.permutation(game.players)
        imports = np.cumsum(game.imported[:, arrival], axis=1)
        exports = np.cumsum(game.exported[:, arrival], axis=1)
        values = game.spread * np.minimum(imports, exports).sum(axis=0)
        marginals[sample, arrival] = np.diff(values, prepend=0)
    return marginals.mean(axis=0), marginals.std(axis=0, ddof=1) / np.sqrt(samples)


def largest_objection(table: IntArray, shares: Sequence[Fraction] | IntArray) -> tuple[Fraction, int]:
    """max v(S) - x(S) over the proper coalitions, and which S attains it; above 0 it objects."""
    exact = [Fraction(share) for share in shares]
    scale = lcm(*(share.denominator for share in exact))
    whole = [int(share * scale) for share in exact]
    sums = [0]
    for share in whole:  # Python's integers: denominators such as 12! times money leave 64 bits
        sums += [total + share for total in sums]
    excesses = [value * scale - total for value, total in zip(table.tolist(), sums, strict=True)]
    worst = max(range(1, len(table) - 1), key=excesses.__getitem__)
    return Fraction(excesses[worst], scale), worst


def in_core(table: IntArray, shares: Sequence[Fraction] | IntArray) -> bool:
    """Does x give v(N) away in full, and every coalition at least what it makes alone?"""
    efficient = sum(Fraction(share) for share in shares) == int(table[-1])
    return efficient and largest_objection(table, shares)[0] <= 0


def least_core(table: IntArray) -> tuple[float, FloatArray]:
    """min e with x(S) >= v(S) - e for every proper coalition; the core is empty where e > 0."""
    epsilon, shares, _ = _least_excess(table, {})
    return epsilon, shares


def nucleolus(table: IntArray) -> FloatArray:
    """The nucleolus, by the sequence of linear programs of Maschler, Peleg & Shapley (1979).

    A coalition whose constraint has a positive dual is tight in every optimum: its excess is fixed, and the
    next largest is minimised, until one allocation is left.
    """
    players, fixed = _players(table), dict[int, float]()
    grand = len(table) - 1
    while True:
        epsilon, shares, duals = _least_excess(table, fixed)
        tight = [coalition for coalition, dual in duals.items() if dual > 1e-9]
        fixed.update({coalition: float(table[coalition]) - epsilon for coalition in tight})
        rows = np.array([[coalition >> i & 1 for i in range(players)] for coalition in [*fixed, grand]])
        if not tight or np.linalg.matrix_rank(rows) == players:
            return shares


def _least_excess(table: IntArray, fixed: dict[int, float]) -> tuple[float, FloatArray, dict[int, float]]:
    """Minimise the largest excess of the coalitions that are not fixed yet; columns are x and e."""
    players, grand = _players(table), len(table) - 1
    free = [coalition for coalition in range(1, grand) if coalition not in fixed]
    rows = [*free, *fixed, grand]
    member = (np.array(rows)[:, None] >> np.arange(players)) & 1
    matrix = np.hstack([member, (np.arange(len(rows)) < len(free))[:, None]])
    row, column = np.nonzero(matrix)
    scale = max(float(abs(table).max()), 1.0)
    bounds = np.array(
        [*(table[free] / scale), *(np.array(list(fixed.values())) / scale), table[grand] / scale]
    )
    program = Program(
        cost=np.append(np.zeros(players), 1.0),
        lower=np.full(players + 1, -np.inf),
        upper=np.full(players + 1, np.inf),
        rows=row,
        columns=column,
        values=matrix[row, column].astype(float),
        row_lower=bounds,
        row_upper=np.concatenate([np.full(len(free), np.inf), bounds[len(free) :]]),
    )
    solution = solve(program, "least core")
    shares, epsilon = solution.columns[:players] * scale, solution.columns[players] * scale
    return float(epsilon), shares, dict(zip(free, solution.row_duals[: len(free)].tolist(), strict=True))


def _players(table: IntArray) -> int:
    return len(table).bit_length() - 1
