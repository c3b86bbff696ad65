"""How negotiating peers talk: who is awake in a round, and which messages arrive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.orders import IntArray
from peerwatt.errors import InputError

BYTES_PER_MESSAGE = 16  # one power and one price, 64-bit floats


@dataclass(frozen=True)
class Messaging:
    """Asynchronous and lossy communication.

    Attributes:
        awake: Share of the peers that take part in a round, at random; 1 is synchronous.
        loss: Probability that a message is lost.
        seed: Draws both.
    """

    awake: float = 1.0
    loss: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.awake <= 1 or not 0 <= self.loss < 1:
            raise InputError(
                f"messaging: awake {self.awake} must be in (0, 1] and loss {self.loss} in [0, 1)"
            )


class Links:
    """Draws, round by round, the links over which both messages arrived, and counts what was sent.

    A link is used only when both ends were awake and heard each other: a peer repeats its last message
    until it is answered, so that both ends always hold the same state of their trade.
    """

    def __init__(self, messaging: Messaging, one: IntArray, two: IntArray, peers: int) -> None:
        self._messaging, self._one, self._two, self._peers = messaging, one, two, peers
        self._random = np.random.default_rng(messaging.seed)
        self.messages = 0

    def exchange(self) -> NDArray[np.bool_]:
        """One round: flags of the links that worked."""
        settings, links = self._messaging, len(self._one)
        if settings.awake == 1 and settings.loss == 0:
            self.messages += 2 * links
            return np.ones(links, dtype=bool)
        awake = self._random.random(self._peers) < settings.awake
        self.messages += int(awake[self._one].sum() + awake[self._two].sum())
        arrived = self._random.random((2, links)) >= settings.loss
        worked: NDArray[np.bool_] = awake[self._one] & awake[self._two] & arrived[0] & arrived[1]
        return worked
