"""Peers, who may trade with whom, and what it costs: the problem behind every peer-to-peer design.

Sousa et al. (2019), equations 1 to 3, are one problem on different graphs:

    min  sum_n C_n(p_n) + sum_e fee_e |f_e|     C_n(p) = a_n p^2 / 2 + b_n p
    s.t. p_n = sum_m P_nm,  lower_n <= p_n <= upper_n,  P_nm + P_mn = 0,  P_nm signed by the roles of n and m

- full peer-to-peer (1): every producer is joined to every consumer;
- community (2): members are joined to their community's pool (sum of q = 0) and to its desk (import and
  export alpha, beta), the desk to the main grid; pool and desk are nodes that produce nothing;
- hybrid (3): the desks are joined to one another as well.

Positive p produces, negative p consumes. Any unit of energy will do, as long as prices are per the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from peerwatt.designs.orders import FloatArray, IntArray
from peerwatt.errors import InputError

POOL, DESK = "pool", "desk"


@dataclass(frozen=True)
class Peers:
    """Agents with quadratic cost; arrays of one entry per agent.

    Attributes:
        name: Labels.
        a, b: Cost a p^2 / 2 + b p (for a consumer p < 0, and -C is its benefit).
        lower, upper: Bounds of p; equal where it must be taken.
        community: Community number, or -1 for an agent outside (the main grid).
    """

    name: tuple[str, ...]
    a: FloatArray
    b: FloatArray
    lower: FloatArray
    upper: FloatArray
    community: IntArray

    def __len__(self) -> int:
        return len(self.name)

    def join(self, names: Sequence[str], community: Sequence[int]) -> Peers:
        """These peers and more that neither produce nor consume."""
        none = np.zeros(len(names))
        columns = {
            column: np.concatenate([getattr(self, column), none]) for column in ("a", "b", "lower", "upper")
        }
        return Peers((*self.name, *names), community=np.concatenate([self.community, community]), **columns)


@dataclass(frozen=True)
class TradeNetwork:
    """A trading graph. Edge e joins `seller[e]` to `buyer[e]`; a flow above 0 is energy from the first to the
    second, and `both_ways` edges may also flow back.

    Attributes:
        fee: Cost of a unit of energy on the edge, each way: transaction cost, network charge or the cost of
            a preference (distance, energy class). Each end bears half.
    """

    peers: Peers
    seller: IntArray
    buyer: IntArray
    fee: FloatArray
    both_ways: NDArray[np.bool_]

    def cost(self, power: FloatArray) -> FloatArray:
        """Cost of each agent at its power."""
        return np.asarray(self.peers.a * power**2 / 2 + self.peers.b * power)

    def welfare(self, flow: FloatArray) -> float:
        """Minus the objective, at the powers that these flows add up to."""
        return float(-self.cost(self.power(flow)).sum() - self.fee @ np.abs(flow))

    def power(self, flow: FloatArray) -> FloatArray:
        """What each agent produces (+) or consumes (-), given the edges' flows."""
        count = len(self.peers)
        given, taken = np.bincount(self.seller, flow, count), np.bincount(self.buyer, flow, count)
        return np.asarray(given - taken, dtype=float)

    def with_surcharge(self, surcharge: FloatArray) -> TradeNetwork:
        """The same network with a cost added to each edge."""
        return replace(self, fee=self.fee + surcharge)


def full_p2p(peers: Peers, fee: float, grid_tariff: float = 0.0) -> TradeNetwork:
    """Equation 1: every agent that can produce trades with every one that can consume.

    Args:
        peers: Agents; those of community -1 are the main grid.
        fee: Transaction cost of every trade.
        grid_tariff: Added on trades with the main grid, in both directions.
    """
    can_sell, can_buy = np.flatnonzero(peers.upper > 0), np.flatnonzero(peers.lower < 0)
    seller, buyer = (side.ravel() for side in np.meshgrid(can_sell, can_buy, indexing="ij"))
    outside = peers.community < 0
    apart = (seller != buyer) & ~(outside[seller] & outside[buyer])
    seller, buyer = seller[apart], buyer[apart]
    fees = fee + grid_tariff * (outside[seller] | outside[buyer])
    return TradeNetwork(peers, seller, buyer, fees, np.zeros(len(seller), dtype=bool))


def community_based(
    peers: Peers, fee: float, grid_tariff: float = 0.0, between: dict[tuple[int, int], float] | None = None
) -> TradeNetwork:
    """Equation 2, and with `between` equation 3 (hybrid): communities trade with one another too.

    Args:
        peers: Agents; those of community -1 are the main grid.
        fee: Transaction cost of energy traded inside a community.
        grid_tariff: Cost of what a community imports or exports.
        between: Transaction cost of a trade between two communities, by their numbers.
    """
    members = np.flatnonzero(peers.community >= 0)
    grid = np.flatnonzero(peers.community < 0)
    labels = np.unique(peers.community[members])
    if not len(labels):
        raise InputError("community market: no peer has a community; give at least one a number from 0")
    first = len(peers)
    pool = {int(label): first + place for place, label in enumerate(labels)}
    desk = {int(label): first + len(labels) + place for place, label in enumerate(labels)}
    names = [f"{kind} {label}" for kind in (POOL, DESK) for label in labels]
    edges: list[tuple[int, int, float, bool]] = []
    for n in members.tolist():
        home = int(peers.community[n])
        sells, buys = bool(peers.upper[n] > 0), bool(peers.lower[n] < 0)
        for node, cost in ((pool[home], fee), (desk[home], 0.0)):
            ends = (n, node) if sells else (node, n)
            edges.append((*ends, cost, sells and buys))
    edges += [(g, node, grid_tariff, True) for node in desk.values() for g in grid.tolist()]
    edges += [(desk[one], desk[two], cost, True) for (one, two), cost in (between or {}).items()]
    table = np.array(edges, dtype=float)
    return TradeNetwork(
        peers.join(names, [*labels.tolist(), *labels.tolist()]),
        table[:, 0].astype(np.int64),
        table[:, 1].astype(np.int64),
        table[:, 2].copy(),
        table[:, 3].astype(bool),
    )
