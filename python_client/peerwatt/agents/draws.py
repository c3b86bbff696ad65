"""Random integers that are the same on every machine: hashed from the seed and the name of what is drawn.

No generator state: a draw depends on its labels alone, so adding a participant or skipping an interval
changes nobody else's draws, and no library's stream has to stay as it is.
"""

import hashlib


def uniform(low: int, high: int, seed: int, *labels: str | int) -> int:
    """A whole number of `low..high`, both included, each as likely as the next.

    Args:
        low: smallest.
        high: largest, not below `low`.
        seed: of the whole replay.
        *labels: what is drawn, for whom and when; the same labels give the same number.
    """
    if high < low:
        raise ValueError(f"nothing to draw between {low} and {high}")
    text = "/".join(str(part) for part in (seed, *labels))
    word = int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    # 128 bits over a range of a few thousand: the bias of the remainder is below 1e-30
    return low + word % (high - low + 1)


def triangular(spread: int, seed: int, *labels: str | int) -> int:
    """A whole number of `-spread..spread`, most likely near 0 (the sum of two uniform draws)."""
    first = uniform(0, spread, seed, *labels, "first")
    second = uniform(0, spread, seed, *labels, "second")
    return first + second - spread
