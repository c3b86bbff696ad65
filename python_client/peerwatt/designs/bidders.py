"""Bidders that shade: how learning and behavioural designs turn a net position into an order.

A bidder picks a level 0..L-1 between the tariffs: level 0 names the price it would get without a market, the
last one the price at which the other side would walk away. All of them trade in the uniform-price auction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.designs.outcome import Outcome
from peerwatt.units import DAY_S

LEVELS = 11


def level_price(level: IntArray, buys: NDArray[np.bool_], terms: Terms) -> IntArray:
    """Limit price of a shading level, base units per Wh: buyers come down, sellers go up."""
    low, high = terms.feed_in, terms.retail - terms.network_fee
    shade = (high - low) * level // (LEVELS - 1)
    return np.where(buys, high - shade, low + shade).astype(np.int64)


def shaded_book(net: IntArray, level: IntArray, terms: Terms) -> Book:
    """Orders for net positions (+ import, Wh) at each participant's level."""
    price = level_price(level, net > 0, terms)
    buyers, sellers = np.flatnonzero(net > 0), np.flatnonzero(net < 0)
    return Book(Orders(buyers, price[buyers], net[buyers]), Orders(sellers, price[sellers], -net[sellers]))


def savings(book: Book, outcome: Outcome, terms: Terms, participants: int) -> IntArray:
    """What each participant saves against the tariff, base units."""
    saved = np.zeros(participants, dtype=np.int64)
    np.add.at(
        saved, book.bids.participant, outcome.bought * (terms.retail - terms.network_fee) - outcome.paid
    )
    np.add.at(saved, book.asks.participant, outcome.received - outcome.sold * terms.feed_in)
    return saved


def net_imports(neighbourhood: Neighbourhood) -> IntArray:
    """What everybody expects to exchange, Wh, (intervals, participants), + import."""
    if neighbourhood.expected is not None:
        return neighbourhood.expected
    return neighbourhood.imported - neighbourhood.exported


def phase_of_day(interval: int, interval_s: int, phases: int) -> int:
    """Which of `phases` equal parts of the day an interval begins in."""
    return (interval * interval_s % DAY_S) * phases // DAY_S
