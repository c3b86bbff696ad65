"""The trade network solved in one place: a linear or convex quadratic program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.linear_program import Program, solve
from peerwatt.designs.orders import FloatArray
from peerwatt.designs.trade_network import TradeNetwork


@dataclass(frozen=True)
class Dispatch:
    """A solution of a trade network.

    Attributes:
        flow: Energy on each edge, from its seller to its buyer.
        price: Marginal price of energy at each agent.
        iterations: Rounds until it stopped; 0 for a central solution.
        messages: Messages sent.
        bytes: Their payload: 16 bytes each (one power and one price as 64-bit floats).
        gap: The largest |P_nm + P_mn| left, in units of energy.
    """

    flow: FloatArray
    price: FloatArray
    iterations: int = 0
    messages: int = 0
    bytes: int = 0
    gap: float = 0.0


def solve_centrally(network: TradeNetwork) -> Dispatch:
    """Columns: power of each agent, flow of each edge, flow back of those that go both ways."""
    peers, edges, agents = network.peers, len(network.seller), len(network.peers)
    back = np.flatnonzero(network.both_ways)
    source = np.concatenate([network.seller, network.buyer[back]])
    sink = np.concatenate([network.buyer, network.seller[back]])
    flows = np.arange(len(source)) + agents
    own = np.arange(agents)
    unbounded = np.full(len(source), np.inf)
    solution = solve(
        Program(
            cost=np.concatenate([peers.b, network.fee, network.fee[back]]),
            lower=np.concatenate([peers.lower, np.zeros(len(source))]),
            upper=np.concatenate([peers.upper, unbounded]),
            rows=np.concatenate([own, source, sink]),
            columns=np.concatenate([own, flows, flows]),
            values=np.concatenate([np.ones(agents), -np.ones(len(source)), np.ones(len(source))]),
            row_lower=np.zeros(agents),
            row_upper=np.zeros(agents),
            curvature=np.concatenate([peers.a, np.zeros(len(source))]),
        ),
        "trade network",
    )
    flow = solution.columns[agents : agents + edges].copy()
    flow[back] -= solution.columns[agents + edges :]
    return Dispatch(flow, solution.row_duals)
