"""Who is cut: the least total, or everybody alike, given linearised limits.

Every rule answers three questions in this order, each keeping the answers before it:

1. how far can cutting exports mend the violations? A limit that cutting every export would still break is
   relaxed to what that would reach;
2. what is the least traded energy that must be cut for it?
3. what is the least export without a buyer that must be cut besides?
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.gate.linear_program import solve_linear_program

HELPS_PERCENT = 1e-3  # a smaller gain on a limit that cannot be kept is not worth a cut
_SLACK = 1e-9  # percent: rounding of the program before
_SLACK_SQUARE = 1e-6  # percent: HiGHS's quadratic solver stops at 1e-7


class Curtailment(Protocol):
    """A rule of who is cut."""

    def __call__(
        self, rows: Floats, room: Floats, sell_w: Floats, surplus_w: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Cuts of traded and of untraded export, W, and the relaxation of each constraint, percent.

        Args:
            rows: What one more watt cut takes off each constraint's value, percent/W, `(constraints,
                traders)`.
            room: What must be taken off each constraint's value, percent; negative: room to spare,
                `(constraints,)`.
            sell_w: Traded export, W, `(traders,)`.
            surplus_w: Untraded export, W, `(traders,)`.
        """
        ...


def relaxation(rows: Floats, room: Floats, most_w: Floats) -> Floats:
    """How far each constraint must be relaxed because no cut mends it, percent (question 1).

    Args:
        rows: As in `Curtailment`.
        room: As in `Curtailment`.
        most_w: The most that can be cut of each, W, `(traders,)`.
    """
    n, m = len(most_w), len(room)
    mended = rows @ most_w >= room
    if mended.all():
        return np.zeros(m)
    cost = np.concatenate([np.zeros(n), np.ones(m)])
    upper = np.concatenate([most_w, np.full(m, np.inf)])
    x, _ = solve_linear_program(cost, upper, np.hstack([-rows, -np.eye(m)]), -room)
    slack = x[n:]
    return np.where(slack > HELPS_PERCENT / 10, slack + HELPS_PERCENT, 0.0)


def least_cut(rows: Floats, room: Floats, sell_w: Floats, surplus_w: Floats) -> tuple[Floats, Floats, Floats]:
    """The least total curtailment, whoever it hits: two linear programs."""
    n = len(sell_w)
    relaxed = relaxation(rows, room, sell_w + surplus_w)
    both, upper, bound = np.hstack([rows, rows]), np.concatenate([sell_w, surplus_w]), relaxed - room + _SLACK
    # among equally good cuts the trader earlier in the list is cut: the answer is unique
    once = 1 + 1e-6 * np.arange(n) / max(n, 1)
    traded, untraded = np.concatenate([once, np.zeros(n)]), np.concatenate([np.zeros(n), once])
    _, least = solve_linear_program(traded, upper, -both, bound)
    x, _ = solve_linear_program(untraded, upper, np.vstack([-both, traded]), np.append(bound, least + 1e-4))
    return x[:n], x[n:], relaxed


def fair_cut(rows: Floats, room: Floats, sell_w: Floats, surplus_w: Floats) -> tuple[Floats, Floats, Floats]:
    """Equal shares: the least sum of squared cut shares, each weighted by its export. So exports
    whose cut helps alike lose the same share.

    Two quadratic programs over the cut share of each export, 0 to 1.
    """
    n = len(sell_w)
    relaxed = relaxation(rows, room, sell_w + surplus_w)
    bound = relaxed - room + _SLACK_SQUARE
    both = np.hstack([rows * sell_w, rows * surplus_w])
    upper = np.concatenate([sell_w > 0, surplus_w > 0]).astype(np.float64)
    weight = np.concatenate([sell_w, np.zeros(n)]) / max(float(sell_w.max(initial=0.0)), 1.0)
    x, _ = solve_linear_program(np.zeros(2 * n), upper, -both, bound, square=weight)
    sell_cut = x[:n] * sell_w
    left = bound + rows @ sell_cut + _SLACK_SQUARE
    weight = surplus_w / max(float(surplus_w.max(initial=0.0)), 1.0)
    x, _ = solve_linear_program(np.zeros(n), upper[n:], -rows * surplus_w, left, square=weight)
    return sell_cut, x * surplus_w, relaxed


RULES: dict[str, Curtailment] = {"least": least_cut, "fair": fair_cut}
