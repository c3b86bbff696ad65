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
