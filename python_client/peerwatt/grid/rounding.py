"""Whole numbers that add up: the method of largest remainders (Hamilton)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def largest_remainder(weights: ArrayLike, total: int) -> NDArray[np.int64]:
    """Share a whole number in proportion to weights.

    Args:
        weights: Non-negative weights, `(n,)`; not all zero unless `total` is zero.
        total: What to share, non-negative.

    Returns:
        Whole shares, `(n,)`, that sum to `total` exactly; of equal remainders the earlier takes the unit.

    Raises:
        ValueError: A weight is negative, or there is something to share and no weight.
    """
    w: NDArray[np.float64] = np.asarray(weights, dtype=np.float64)
    if total < 0 or (w < 0).any() or (total and not w.sum() > 0):
        raise ValueError("weights must be non-negative with a positive sum, the total non-negative")
    if not total:
        return np.zeros(w.shape, dtype=np.int64)
    exact = w / w.sum() * total
    shares: NDArray[np.int64] = np.floor(exact + 1e-9).astype(np.int64)
    missing = total - int(shares.sum())
    order = np.argsort(-(exact - shares), kind="stable")
    step = 1 if missing >= 0 else -1
    takers = order if missing >= 0 else order[::-1][shares[order[::-1]] > 0]
    shares[takers[: abs(missing)]] += step
    return shares


def bounded_largest_remainder(weights: ArrayLike, total: int, most: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share a whole number in proportion to weights, nobody more than a bound.

    Who would exceed its bound gets its bound, and the rest is shared anew among the others, in proportion to
    their weights, or to their bounds if all their weights are zero.

    Args:
        weights: Non-negative weights, `(n,)`.
        total: What to share, at most the sum of the bounds.
        most: The bounds, whole numbers, `(n,)`.

    Returns:
        Whole shares, `(n,)`, within the bounds, that sum to `total` exactly.

    Raises:
        ValueError: The bounds do not leave room for the total.
    """
    w: NDArray[np.float64] = np.asarray(weights, dtype=np.float64)
    if total > int(most.sum()):
        raise ValueError(f"cannot share {total} within bounds that sum to {int(most.sum())}")
    full = np.zeros(w.shape, dtype=np.bool_)
    while True:
        shares = np.where(full, most, 0)
        free = np.where(full, 0.0, w)
        if not free.sum() > 0:
            free = np.where(full, 0, most).astype(np.float64)
        shares = shares + largest_remainder(free, total - int(shares.sum()))
        over = shares > most
        if not over.any():
            return shares
        full |= over


def largest_remainder_of(parts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Cut whole parts down in proportion to a smaller whole total; no share exceeds its part.

    Args:
        parts: Whole parts, non-negative, `(n,)`.
        total: At most their sum.

    Returns:
        Whole shares, `share <= part`, that sum to `total` exactly. Integer arithmetic only.
    """
    whole = int(parts.sum())
    if not 0 <= total <= whole:
        raise ValueError(f"cannot share {total} among parts that sum to {whole}")
    if not whole:
        return np.zeros_like(parts)
    products = [int(p) * total for p in parts]
    shares = np.array([x // whole for x in products], dtype=np.int64)
    remainders = np.array([x % whole for x in products], dtype=np.int64)
    order = np.argsort(-remainders, kind="stable")
    shares[order[: total - int(shares.sum())]] += 1
    return shares
