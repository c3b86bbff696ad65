"""Books and neighbourhoods drawn at random, for benchmarks, tests and first experiments."""

from __future__ import annotations

import numpy as np

from peerwatt.designs.neighbourhood import Battery, Neighbourhood, net_book
from peerwatt.designs.orders import Book, Orders, Terms
from peerwatt.designs.trade_network import Peers
from peerwatt.units import DAY_S, HOUR_S


def random_book(seed: int, buyers: int, sellers: int, most: int = 50, low: int = 80, high: int = 300) -> Book:
    """One order per participant, buyers first; prices in [low, high], quantities in 1..most Wh."""
    random = np.random.default_rng(seed)
    sides = []
    for start, count in ((0, buyers), (buyers, sellers)):
        participants = np.arange(start, start + count)
        prices = random.integers(low, high, count, endpoint=True)
        sides.append(Orders(participants, prices, random.integers(1, most, count, endpoint=True)))
    return Book(*sides)


def random_neighbourhood(
    seed: int,
    homes: int,
    days: int = 1,
    interval_s: int = 900,
    solar: float = 0.5,
    forecast_error: float = 0.1,
) -> Neighbourhood:
    """Homes with a two-peak load, a share of them with panels, and zero-intelligence orders on a forecast."""
    random = np.random.default_rng(seed)
    steps = days * DAY_S // interval_s
    hour = (np.arange(steps) * interval_s / HOUR_S) % 24
    evening = np.exp(-(((hour - 19) / 2.5) ** 2)) + 0.5 * np.exp(-(((hour - 7.5) / 1.5) ** 2))
    sun = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * ((hour > 6) & (hour < 18))
    scale = interval_s / HOUR_S
    load = (
        (250 + 900 * evening)[:, None]
        * random.uniform(0.5, 1.5, homes)
        * random.uniform(0.7, 1.3, (steps, homes))
    )
    peak = np.where(random.random(homes) < solar, random.uniform(2_000, 8_000, homes), 0)
    made = sun[:, None] * peak * random.uniform(0.6, 1.0, (steps, 1))
    demand, generation = (np.rint(power * scale).astype(np.int64) for power in (load, made))
    blur = 1 + forecast_error * random.uniform(-1, 1, (steps, homes))
    expected = np.rint((demand - generation) * blur).astype(np.int64)
    terms = Terms(seed=seed, community=np.arange(homes) % 2)
    books = []
    for net in expected:
        plain = net_book(net, terms)
        books.append(Book(*(_priced(side, random, terms) for side in (plain.bids, plain.asks))))
    return Neighbourhood(
        tuple(f"home {n + 1}" for n in range(homes)),
        demand,
        generation,
        terms,
        interval_s,
        tuple(books),
        expected,
        tuple(Battery(5_000, 2_500) if power else None for power in peak),
    )


def _priced(orders: Orders, random: np.random.Generator, terms: Terms) -> Orders:
    prices = random.integers(terms.feed_in, terms.retail - terms.network_fee, len(orders), endpoint=True)
    return Orders(orders.participant, prices, orders.quantity)


def random_peers(seed: int, count: int) -> Peers:
    """Producers with marginal cost from 5..10 and consumers with value up to 12..20 a unit, quadratic."""
    random, half = np.random.default_rng(seed), count // 2
    sells, size = np.arange(count) < half, random.uniform(1, 8, count)
    return Peers(
        name=tuple(f"peer {n + 1}" for n in range(count)),
        a=random.uniform(0.5, 2, count),
        b=np.where(sells, random.uniform(5, 10, count), random.uniform(12, 20, count)),
        lower=np.where(sells, 0.0, -size),
        upper=np.where(sells, size, 0.0),
        community=random.integers(0, 3, count),
    )
