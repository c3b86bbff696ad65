"""Voltage unbalance of a node, as IEC 61000-4-30 defines it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.units import PERCENT


def unbalance_percent(u: NDArray[np.complex128]) -> Floats:
    """Negative- over positive-sequence voltage of phase voltages `(..., 3)`, percent; 0 without voltage."""
    turn = np.exp(2j * np.pi / 3)
    positive, negative = (np.abs(u @ np.array([1, a, a * a])) for a in (turn, turn**2))
    return np.asarray(
        PERCENT * np.divide(negative, positive, out=np.zeros_like(positive), where=positive > 0)
    )
