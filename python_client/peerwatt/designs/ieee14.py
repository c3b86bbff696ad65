"""The IEEE 14-bus test case of Sousa et al. (2019), section 5: 19 peers, three communities, the main grid.

The structure and every price are the paper's. Its half-hourly profiles and cost parameters are not in the
text, so these here are generated, openly and from a seed: a two-peak household load, a clear-sky sun with
clouds, a wind with memory, a market price with a morning and an evening peak. The consumers sit at the 11
load buses of the IEEE 14-bus system; peers 3, 12, 13, 15, 17 and 18 belong to community 1 and 14 to
community 2 as the text says, the rest is placed by us. Units: MWh per half hour, $ and $/MWh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from peerwatt.designs.central import Dispatch, solve_centrally
from peerwatt.designs.orders import FloatArray
from peerwatt.designs.trade_network import Peers, TradeNetwork, community_based, full_p2p

HALF_HOURS = 48
GRID_TARIFF = 10.0  # $/MWh on energy from and to the main grid
TRADE_FEE = 0.001  # $/MWh on every peer trade
BETWEEN = {(1, 2): 2.0, (1, 3): 1.0, (2, 3): 1.5}  # $/MWh between communities
DESIGNS = ("full P2P", "hybrid", "community")

# (peer, bus, community, kind, peak MW); the loads keep the proportions of the IEEE 14-bus load data.
PLACES = (
    (1, 2, 1, "load", 15.2),
    (2, 3, 1, "load", 65.9),
    (3, 4, 1, "load", 33.5),
    (4, 5, 1, "load", 5.3),
    (5, 6, 2, "load", 7.8),
    (6, 9, 3, "load", 20.6),
    (7, 10, 3, "load", 6.3),
    (8, 11, 2, "load", 2.5),
    (9, 12, 2, "load", 4.3),
    (10, 13, 2, "load", 9.5),
    (11, 14, 3, "load", 10.4),
    (12, 2, 1, "wind", 60.0),
    (13, 3, 1, "sun", 45.0),
    (14, 6, 2, "wind", 110.0),
    (15, 4, 1, "sun", 40.0),
    (16, 9, 3, "wind", 90.0),
    (17, 5, 1, "sun", 30.0),
    (18, 5, 1, "wind", 50.0),
    (19, 14, 3, "sun", 60.0),
)


@dataclass(frozen=True)
class Profiles:
    """Per half hour and peer: the load or the production in MWh, and the market price in $/MWh."""

    energy: FloatArray
    price: FloatArray


def profiles(days: int, seed: int = 0) -> Profiles:
    """Generated half-hourly profiles, starting on 1 July."""
    random = np.random.default_rng(seed)
    steps = days * HALF_HOURS
    hour = (np.arange(steps) % HALF_HOURS) / 2
    season = np.cos(2 * np.pi * (np.arange(steps) / HALF_HOURS) / 365)  # 1 in the southern winter
    energy = np.zeros((steps, len(PLACES)))
    weather = _memory(random, steps, 0.97)
    for column, (_, _, _, kind, peak) in enumerate(PLACES):
        own = 0.6 * weather + 0.8 * _memory(random, steps, 0.95)
        if kind == "load":
            peaks = np.exp(-(((hour - 7.5) / 2) ** 2)) * 0.5 + np.exp(-(((hour - 19) / 2.5) ** 2))
            shape = 0.25 + 0.6 * peaks + 0.08 * season + 0.05 * own
        elif kind == "sun":
            height = np.sin(np.pi * (hour - 6.5 + season) / (11 - 2 * season))
            shape = np.where((height > 0) & (hour > 4) & (hour < 21), height, 0) * (0.75 + 0.2 * np.tanh(own))
        else:
            shape = 1 / (1 + np.exp(1.2 - 1.6 * own))
        energy[:, column] = np.clip(shape, 0 if kind != "load" else 0.1, 1) * peak / 2
    price = 42 + 14 * np.exp(-(((hour - 18.5) / 2.5) ** 2)) + 7 * np.exp(-(((hour - 8) / 2) ** 2))
    return Profiles(energy, price + 4 * season + 5 * _memory(random, steps, 0.9))


def _memory(random: np.random.Generator, steps: int, keep: float) -> FloatArray:
    state, states = 0.0, np.zeros(steps)
    for step, shock in enumerate(random.standard_normal(steps)):
        state = keep * state + (1 - keep**2) ** 0.5 * shock
        states[step] = state
    return states


def peers_at(energy: FloatArray, price: float) -> Peers:
    """The 19 peers and the main grid (peer 20) in one half hour.

    A consumer uses between 60 and 100 % of its load; its marginal benefit falls from 120 $/MWh to 40 at the
    full load. Wind and sun must be taken and cost nothing. The main grid takes and gives any amount.
    """
    load = np.array([kind == "load" for _, _, _, kind, _ in PLACES])
    lower = np.append(np.where(load, -energy, energy), -np.inf)
    upper = np.append(np.where(load, -0.6 * energy, energy), np.inf)
    return Peers(
        name=(*(f"peer {peer}" for peer, *_ in PLACES), "peer 20"),
        a=np.append(np.where(load, 80.0 / energy.clip(1e-6), 0.0), 0.0),
        b=np.append(np.where(load, 120.0, 0.0), price),
        lower=lower,
        upper=upper,
        community=np.append([community for _, _, community, _, _ in PLACES], -1),
    )


def network(design: str, peers: Peers, between_scale: float = 1.0) -> TradeNetwork:
    """One of the three designs; `between_scale` scales the transaction cost between communities."""
    if design == "full P2P":
        return full_p2p(peers, TRADE_FEE, GRID_TARIFF)
    between = {pair: between_scale * cost for pair, cost in BETWEEN.items()} if design == "hybrid" else None
    return community_based(peers, TRADE_FEE, GRID_TARIFF, between)


@dataclass(frozen=True)
class Totals:
    """The rows of the paper's tables 4 and 5: welfare and money in $, energy in MWh."""

    welfare: float
    import_cost: float
    export_revenue: float
    load: float
    imported: float
    exported: float
    between_communities: float


def totals(solved: Iterable[tuple[TradeNetwork, Dispatch]]) -> Totals:
    """Add up half hours."""
    rows = [_row(network, dispatch) for network, dispatch in solved]
    return Totals(*(float(total) for total in np.sum(rows, axis=0)))


def run(
    design: str, days: int, seed: int = 0, between_scale: float = 1.0
) -> Iterator[tuple[TradeNetwork, Dispatch]]:
    """Solve a design centrally, half hour by half hour."""
    drawn = profiles(days, seed)
    for energy, price in zip(drawn.energy, drawn.price, strict=True):
        trading = network(design, peers_at(energy, float(price)), between_scale)
        yield trading, solve_centrally(trading)


def _row(network: TradeNetwork, dispatch: Dispatch) -> list[float]:
    flow, home = dispatch.flow, network.peers.community
    power = network.power(flow)
    grid = int(np.flatnonzero(home < 0)[0])
    price = float(network.peers.b[grid])
    touches = (network.seller == grid) | (network.buyer == grid)
    outward = np.where(network.buyer == grid, flow, -flow)[touches]
    exported, imported = float(outward.clip(0).sum()), float((-outward).clip(0).sum())
    apart = ~touches & (home[network.seller] != home[network.buyer])
    return [
        network.welfare(flow),
        imported * (price + GRID_TARIFF),
        exported * (price - GRID_TARIFF),
        -float(np.delete(power, grid).clip(max=0).sum()),
        imported,
        exported,
        float(np.abs(flow[apart]).sum()),
    ]
