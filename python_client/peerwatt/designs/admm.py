"""Consensus ADMM: every peer decides alone and tells each partner one power and one price.

Baroche et al., IEEE Trans. Power Systems 34 (2019) 2553-2564, on the problem of Sousa et al. (2019):
each peer n minimises C_n + fees + sum_m rho/2 (P_nm - z_nm + u_nm)^2, with z_nm = (P_nm - P_mn)/2 the trade
as both see it and rho u the price on which they agree. It is Douglas-Rachford splitting, so a link that
fails in a round may simply keep its (z, u): random coordinate updates of it converge as well
(Iutzeler, Bianchi, Ciblat & Hachem, CDC 2013).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from peerwatt.designs.central import Dispatch
from peerwatt.designs.messaging import BYTES_PER_MESSAGE, Links, Messaging
from peerwatt.designs.orders import FloatArray
from peerwatt.designs.trade_network import TradeNetwork


@dataclass(frozen=True)
class ConsensusAdmm:
    """Attributes:
    penalty: rho, price per unit of energy. About price spread / typical trade works.
    tolerance: Stop when no trade moves, and no two views of a trade differ, by more; units of energy.
    rounds: Most rounds of negotiation.
    messaging: Asynchronous or lossy communication.
    """

    penalty: float = 1.0
    tolerance: float = 1e-6
    rounds: int = 20_000
    messaging: Messaging = field(default_factory=Messaging)

    def solve(self, network: TradeNetwork) -> Dispatch:
        """Negotiate until it stands still, or the rounds are over (`gap` then tells how far off it is)."""
        edges = len(network.seller)
        half = _HalfEdges(network, self.penalty)
        links = Links(self.messaging, network.seller, network.buyer, len(network.peers))
        z, u = np.zeros(2 * edges), np.zeros(2 * edges)
        quiet, done, gap = 0, 0, np.inf
        # Where links fail, a round without change may be one without messages: wait for several.
        patience = 1 if self.messaging == Messaging() else 20
        while done < self.rounds and quiet < patience:
            done += 1
            x = half.best_response(z - u)
            seen = (x[:edges] - x[edges:]) / 2
            agreed, up = np.concatenate([seen, -seen]), links.exchange()
            heard = np.concatenate([up, up])
            gap = float(np.abs(x[:edges] + x[edges:])[up].max(initial=0.0))
            moved = float(np.abs(agreed - z)[heard].max(initial=0.0))
            u = np.where(heard, u + x - agreed, u)
            z = np.where(heard, agreed, z)
            quiet = quiet + 1 if max(gap, moved) < self.tolerance else 0
        return Dispatch(
            z[:edges], -half.multiplier, done, links.messages, links.messages * BYTES_PER_MESSAGE, gap
        )


class _HalfEdges:
    """Each edge as its two ends see it: entries 0..E-1 the sellers' view, E..2E-1 the buyers'."""

    def __init__(self, network: TradeNetwork, penalty: float) -> None:
        peers = network.peers
        self.owner = np.concatenate([network.seller, network.buyer])
        self.agents, self.rho = len(peers), penalty
        self.kink = np.concatenate([network.fee, network.fee]) / (2 * penalty)
        free, none = np.where(network.both_ways, np.inf, 0.0), np.full(len(network.fee), np.inf)
        self.low, self.high = np.concatenate([-free, -none]), np.concatenate([none, free])
        self.a, self.b, self.lower, self.upper = peers.a, peers.b, peers.lower, peers.upper
        self.multiplier = np.zeros(self.agents)

    def best_response(self, target: FloatArray) -> FloatArray:
        """Every peer's own problem at once: find mu_n with sum_m P_nm(mu_n) = p_n(mu_n).

        P_nm(mu) = clip(soft(target + mu / rho, fee / 2 rho)) rises with mu and p_n(mu) = clip((-mu - b) / a)
        falls, so Newton within a bracket finds the crossing; both are piecewise linear.
        """
        mu, low, high = self.multiplier, np.full(self.agents, -np.inf), np.full(self.agents, np.inf)
        step = np.full(self.agents, 1.0)
        for _ in range(200):
            trades = self._trades(target, mu)
            total = np.bincount(self.owner, trades, self.agents)
            least, most = self._own(mu)
            short, long = total < least - 1e-12, total > most + 1e-12
            if not (short | long).any():
                break
            low, high = np.where(short, mu, low), np.where(long, mu, high)
            moving = (trades != 0) & (trades > self.low) & (trades < self.high)
            slope = np.bincount(self.owner, moving, self.agents) / self.rho
            inside = (least == most) & (self.a > 0) & (least > self.lower) & (least < self.upper)
            slope = slope + np.where(inside, 1 / np.where(self.a > 0, self.a, 1.0), 0.0)
            miss = np.where(short, least - total, np.where(long, most - total, 0.0))
            miss = np.nan_to_num(miss, posinf=1.0, neginf=-1.0)
            newton = mu + np.where(slope > 0, miss / np.where(slope > 0, slope, 1.0), np.sign(miss) * step)
            bracketed = np.isfinite(low) & np.isfinite(high)
            outside = bracketed & ((newton <= low) | (newton >= high))
            jump = (self.a == 0) & (self.lower < self.upper) & (low < -self.b) & (-self.b < high)
            middle = np.where(bracketed, (np.where(bracketed, low, 0) + np.where(bracketed, high, 0)) / 2, 0)
            step = step * np.where(short | long, 2.0, 1.0)
            following = np.where(jump, -self.b, np.where(outside, middle, newton))
            mu = np.where(short | long, following, mu)
            if (bracketed & (high - low < 1e-13 * (1 + np.abs(mu))))[short | long].all():
                break
        self.multiplier = mu
        return self._trades(target, mu)

    def _trades(self, target: FloatArray, mu: FloatArray) -> FloatArray:
        wished = target + mu[self.owner] / self.rho
        soft = np.sign(wished) * np.maximum(np.abs(wished) - self.kink, 0.0)
        # One-way trades have no kink: their fee is a constant slope, and a preference may make it negative.
        cut = np.where(self.low == 0, wished - self.kink, np.where(self.high == 0, wished + self.kink, soft))
        return np.asarray(np.clip(cut, self.low, self.high))

    def _own(self, mu: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Own production at the multiplier: a range where the cost is linear and just covered."""
        flat = self.a == 0
        wished = np.clip((-mu - self.b) / np.where(flat, 1.0, self.a), self.lower, self.upper)
        least = np.where(flat, np.where(-mu > self.b, self.upper, self.lower), wished)
        most = np.where(flat, np.where(-mu < self.b, self.lower, self.upper), wished)
        return least, most
