"""A scenario as the neighbourhood that market designs are tried on."""

from __future__ import annotations

from collections import defaultdict, deque

import numpy as np

from peerwatt.designs.neighbourhood import Neighbourhood
from peerwatt.designs.orders import Book, IntArray, Orders, Terms
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.messages.vocabulary import Side
from peerwatt.scenario.bidding import expectation, order_of
from peerwatt.scenario.counterfactual import Counterfactual
from peerwatt.scenario.scenario import Scenario


def neighbourhood_of(
    scenario: Scenario, days: int, seed: int, without_market: Counterfactual
) -> Neighbourhood:
    """The first days of a scenario, with the orders that its homes' strategy posts.

    Args:
        scenario: A checked scenario.
        days: How many of its days.
        seed: Of forecast errors, limit prices and the designs' own draws.
        without_market: Of the scenario and the seed: nobody generates what it may not feed in.
    """
    homes, steps = scenario.participants, days * scenario.calendar.per_day
    demand = np.array([home.demand_wh[:steps] for home in homes], dtype=np.int64).T
    available = np.array([home.generation_wh[:steps] for home in homes], dtype=np.int64).T
    held_back = np.array(
        [[without_market.flow(t, home).curtailed for home in homes] for t in range(steps)], dtype=np.int64
    )
    expected = np.array(
        [[expectation(scenario, home, t, seed).net_import_wh for home in homes] for t in range(steps)],
        dtype=np.int64,
    )
    return Neighbourhood(
        names=tuple(home.name for home in homes),
        demand=demand,
        generation=available - held_back,
        terms=Terms(
            retail=scenario.tariff.retail,
            feed_in=scenario.tariff.feed_in,
            network_fee=scenario.tariff.network_fee,
            seed=seed,
            community=communities(scenario.feeder, [home.node for home in homes]),
        ),
        interval_s=scenario.calendar.length_s,
        books=tuple(posted_book(scenario, t, seed) for t in range(steps)),
        expected=expected,
        metered=np.array([home.metered for home in homes]),
    )


def posted_book(scenario: Scenario, index: int, seed: int) -> Book:
    """The orders of one interval, a row per step, participants in the scenario's order."""
    rows: dict[Side, list[tuple[int, int, int]]] = {Side.BUY: [], Side.SELL: []}
    market = scenario.market
    for place, participant in enumerate(scenario.participants):
        order = order_of(scenario, participant, index, seed)
        for step in order.steps if order else ():
            price = market.base_price + step.tick * market.tick_size
            rows[Side(step.side)].append((place, price, step.quantity))
    return Book(Orders.of(rows[Side.BUY]), Orders.of(rows[Side.SELL]))


def communities(feeder: Feeder, nodes: list[str]) -> IntArray:
    """Two halves of the participants, split where the feeder parts them: neighbours stay together.

    Participants are sorted by their way from the source, branch by branch, and cut in the middle.
    """
    ways = _ways(feeder)
    order = sorted(range(len(nodes)), key=lambda place: (ways.get(nodes[place], ()), place))
    labels = np.zeros(len(nodes), dtype=np.int64)
    labels[order[len(nodes) // 2 :]] = 1
    return labels


def _ways(feeder: Feeder) -> dict[str, tuple[int, ...]]:
    """The way to each node from the first source, as the sequence of nodes in breadth-first numbering."""
    beside: dict[int, list[int]] = defaultdict(list)
    for kind in BRANCHES:
        for row in feeder.data.get(kind, ()):
            ends = ("from_node", "to_node") if "from_node" in row.dtype.names else ("node_1", "node_2")
            one, two = int(row[ends[0]]), int(row[ends[1]])
            beside[one].append(two)
            beside[two].append(one)
    start = int(feeder.data["source"]["node"][0])
    found: dict[int, tuple[int, ...]] = {start: (0,)}
    waiting = deque([start])
    while waiting:
        node = waiting.popleft()
        for number, other in enumerate(sorted(beside[node])):
            if other not in found:
                found[other] = (*found[node], number)
                waiting.append(other)
    return {feeder.names[node]: way for node, way in found.items()}
