"""Who is cut: the least total, or everybody alike, given linearised limits.

Every rule answers three questions in this order, each keeping the answers before it:

1. how far can cutting exports mend the violations? What no cut mends is relaxed: the largest violation is the
   least that cutting can reach, and then their sum is;
2. what traded energy must be cut for it?
3. what export without a buyer must be cut besides?

`least` cuts the least total. `fair` equalises a measure, the share of its export that each keeps: it is
max-min fair, so that only those keep more whose cut would help nobody with less.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.gate.fair_shares import max_min_shares
from peerwatt.grid.gate.linear_program import solve_linear_program

HELPS_PERCENT = 1e-3  # a smaller gain on a limit that cannot be kept is not worth a cut
_SLACK = 1e-9  # percent: rounding of the program before
_SLACK_SHARES = 1e-6  # percent: what the shares of traded export may exceed a limit by
WEIGHS_PERCENT = 1e-5  # what all of somebody's export adds to a limit that it weighs on, at least


class Cut(Protocol):
    """How a rule cuts, given linearised limits."""

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


@dataclass(frozen=True)
class Curtailment:
    """A rule of who is cut.

    Attributes:
        cut: Its cuts.
        rank: Of two states that keep the same limits it prefers the one that ranks higher; of what is kept,
            what there was, and how many entries of both are traded (the others are untraded).
        measure: What it equalises or makes least, in the words of a report.
        by_forecast: Whether the gate limits total export by the forecast alone, whoever trades; if not,
            trades are cut last.
    """

    cut: Cut
    rank: Callable[[Ints, Ints, int], tuple[float, ...]]
    measure: str
    by_forecast: bool


def relaxation(rows: Floats, room: Floats, most_w: Floats) -> Floats:
    """How far each constraint must be relaxed because no cut mends it, percent (question 1).

    Args:
        rows: As in `Cut`.
        room: As in `Cut`.
        most_w: The most that can be cut of each, W, `(traders,)`.
    """
    n, m = len(most_w), len(room)
    mended = rows @ most_w >= room
    if mended.all() or (rows @ np.zeros(n) >= room).all():
        return np.zeros(m)
    largest = np.hstack([-rows, -np.ones((m, 1))])
    _, worst = solve_linear_program(np.append(np.zeros(n), 1.0), np.append(most_w, np.inf), largest, -room)
    cost = np.concatenate([np.zeros(n), np.ones(m)])
    upper = np.concatenate([most_w, np.full(m, worst + _SLACK)])
    x, _ = solve_linear_program(cost, upper, np.hstack([-rows, -np.eye(m)]), -room)
    slack = x[n:]
    return np.where(slack > HELPS_PERCENT / 10, slack + HELPS_PERCENT, slack)


def _least(rows: Floats, room: Floats, sell_w: Floats, surplus_w: Floats) -> tuple[Floats, Floats, Floats]:
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


def _fair(rows: Floats, room: Floats, sell_w: Floats, surplus_w: Floats) -> tuple[Floats, Floats, Floats]:
    """Equal shares: everybody keeps the same share of its traded export, and then of its untraded export.

    More is kept only by those whose cut would not raise a smaller share (max-min fairness); who adds less
    than `WEIGHS_PERCENT` to a limit with all of its export does not weigh on it.
    """
    n = len(sell_w)
    relaxed = relaxation(rows, room, sell_w + surplus_w)
    both = np.hstack([rows * sell_w, rows * surplus_w])
    both[np.abs(both) < WEIGHS_PERCENT] = 0.0
    kept_most = relaxed - room + both.sum(axis=1) + _SLACK  # of `both @ shares kept`
    amounts = np.concatenate([sell_w, surplus_w])
    shares = np.zeros(2 * n)
    selling, exporting = amounts > 0, amounts > 0
    selling[n:], exporting[:n] = False, False
    shares[selling] = max_min_shares(both, kept_most, selling)
    left = kept_most - both[:, :n] @ shares[:n] + _SLACK_SHARES
    shares[exporting] = max_min_shares(both[:, n:], left, exporting[n:])
    return (1.0 - shares[:n]) * sell_w, (1.0 - shares[n:]) * surplus_w, relaxed


def _total(kept: Ints, asked: Ints, traded: int) -> tuple[float, ...]:
    del asked
    return float(kept[:traded].sum()), float(kept[traded:].sum())


def _shares(kept: Ints, asked: Ints, traded: int) -> tuple[float, ...]:
    """The smallest shares first: of traded export, then of untraded."""
    share = np.where(asked > 0, kept / np.maximum(asked, 1), 1.0).round(6)
    return (*np.sort(share[:traded]).tolist(), *np.sort(share[traded:]).tolist())


least_cut = Curtailment(_least, _total, "the least total is cut, trades last", by_forecast=False)
fair_cut = Curtailment(
    _fair,
    _shares,
    "everybody may feed in the same share of its forecast export, more only where that takes from nobody",
    by_forecast=True,
)
RULES: dict[str, Curtailment] = {"least": least_cut, "fair": fair_cut}
