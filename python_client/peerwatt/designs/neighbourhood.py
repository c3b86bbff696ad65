"""The neighbourhood that every design is tried on: who uses and makes how much, when, and who asks what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.errors import InputError
from peerwatt.units import DAY_S


@dataclass(frozen=True)
class Battery:
    """A home battery.

    Attributes:
        capacity: Wh that can be used.
        power: Most it charges or gives at its terminals, W.
        efficiency_percent: Of charging; what it gives it gives in full.
    """

    capacity: int
    power: int
    efficiency_percent: int = 90


@dataclass(frozen=True)
class Neighbourhood:
    """Several intervals of a neighbourhood behind one tariff.

    Attributes:
        names: Participants, N of them.
        demand: Consumption, Wh, (intervals, N).
        generation: Own generation, Wh, (intervals, N).
        terms: Tariffs, network fee, seed; communities and charges by distance.
        interval_s: Length of an interval, s.
        books: The orders that were posted, one book per interval.
        expected: Net import that was forecast, Wh, (intervals, N), + import; None where nobody forecasts.
        batteries: One per participant, or None.
        metered: Whose demand and generation are a meter's two registers, which nothing nets, (N,); None for
            nobody's.
    """

    names: tuple[str, ...]
    demand: IntArray
    generation: IntArray
    terms: Terms
    interval_s: int
    books: tuple[Book, ...]
    expected: IntArray | None = None
    batteries: tuple[Battery | None, ...] = ()
    metered: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        shape = (len(self.books), len(self.names))
        for what in ("demand", "generation"):
            values = getattr(self, what)
            if values.shape != shape or values.dtype.kind != "i" or (values < 0).any():
                raise InputError(f"neighbourhood: {what} must be {shape} whole Wh, none negative")
        if self.batteries and len(self.batteries) != len(self.names):
            raise InputError("neighbourhood: give one battery (or None) per participant")

    @property
    def intervals(self) -> int:
        """How many intervals there are."""
        return len(self.books)

    @property
    def days(self) -> Iterator[slice]:
        """The intervals of each day, counted from the first interval on; the last day may be shorter."""
        per_day = DAY_S // self.interval_s
        return (slice(start, start + per_day) for start in range(0, self.intervals, per_day))

    @property
    def imported(self) -> IntArray:
        """What each meter draws, own generation used first; Wh, (intervals, N)."""
        return self.demand - self._own

    @property
    def exported(self) -> IntArray:
        """What each meter feeds in; Wh, (intervals, N)."""
        return self.generation - self._own

    @property
    def _own(self) -> IntArray:
        own = np.minimum(self.demand, self.generation)
        return own if self.metered is None else np.where(self.metered, 0, own)

    def terms_of(self, interval: int) -> Terms:
        """The terms of one interval; its random draws differ from every other interval's."""
        return replace(self.terms, seed=self.terms.seed * 1_000_003 + interval)

    def readings(self, interval: int) -> Book:
        """What was metered, as a book: everybody at the tariff it would fall back to."""
        return net_book(self.imported[interval] - self.exported[interval], self.terms)


def net_book(net: IntArray, terms: Terms) -> Book:
    """Net positions (+ import) as orders that accept any price the tariffs would not beat."""
    buyers, sellers = np.flatnonzero(net > 0), np.flatnonzero(net < 0)
    most = np.full(len(buyers), terms.retail - terms.network_fee)
    least = np.full(len(sellers), terms.feed_in)
    return Book(Orders(buyers, most, net[buyers]), Orders(sellers, least, -net[sellers]))
