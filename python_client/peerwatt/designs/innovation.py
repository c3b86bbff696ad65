"""Relaxed consensus + innovation: agree on a price with each partner, and let it move with the mismatch.

Sorin, Bobo & Pinson, IEEE Trans. Power Systems 34 (2019) 994-1004, section IV. In each round every peer n
updates, from what its partner m told it last,

    lambda_nm -= beta (lambda_nm - lambda_mn) + alpha (P_nm + P_mn)          consensus and innovation
    P_nm      += f_nm ((lambda_nm - mu_n - b_n) / a_n - sum_m P_nm)          towards what that price is worth

with f_nm in proportion to |P_nm| + delta. mu_n, the multiplier of the peer's own bounds, is a private matter
and found exactly here where the paper lets it drift. The steps fade, so accuracy is bought with rounds: the
ADMM of this package needs far fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from peerwatt.designs.central import Dispatch
from peerwatt.designs.messaging import BYTES_PER_MESSAGE, Links, Messaging
from peerwatt.designs.trade_network import TradeNetwork
from peerwatt.errors import InputError


@dataclass(frozen=True)
class ConsensusInnovation:
    """Settings of the negotiation.

    Attributes:
        alpha: Step of the innovation, per (mean curvature x mean number of partners) of the network. 0.24 is
            fast where every message arrives; take 0.06 where messages are lost.
        beta: Step of the consensus.
        delta: Keeps a door open to partners with no trade yet; units of energy.
        alpha_fade, beta_fade, delta_fade: They are divided by round ** fade.
        tolerance: Stop when no two views of a trade differ, and no price moves, by more.
        rounds: Most rounds of negotiation.
        messaging: Asynchronous or lossy communication; a link that fails holds its trade and its price.
    """

    alpha: float = 0.24
    beta: float = 0.1
    delta: float = 1.0
    alpha_fade: float = 0.01
    beta_fade: float = 0.1
    delta_fade: float = 0.9
    tolerance: float = 1e-3
    rounds: int = 20_000
    messaging: Messaging = field(default_factory=Messaging)

    def solve(self, network: TradeNetwork) -> Dispatch:
        """Negotiate until it stands still, or the rounds are over (`gap` then tells how far off it is).

        Raises:
            InputError: A peer's cost is not strictly convex, or an edge goes both ways (a pool or a desk):
                the method has no answer to a linear cost, use ADMM.
        """
        peers, edges = network.peers, len(network.seller)
        if (peers.a <= 0).any() or network.both_ways.any():
            raise InputError(
                "consensus + innovation: needs strictly convex costs and one-way edges; use ADMM"
            )
        links = Links(self.messaging, network.seller, network.buyer, len(peers))
        owner = np.concatenate([network.seller, network.buyer])
        sells = np.arange(2 * edges) < edges
        a, b = peers.a[owner], peers.b[owner]
        half_fee = np.where(sells, 0.5, -0.5) * np.concatenate([network.fee, network.fee])
        start = (b[:edges] + b[edges:]) / 2
        price, power = np.concatenate([start, start]), np.zeros(2 * edges)
        step = self.alpha * float(peers.a.mean()) * 2 * edges / len(peers)
        weight, done, worst, gap = power, 0, np.inf, np.inf
        while done < self.rounds and worst >= self.tolerance:
            done += 1
            up = links.exchange()
            heard = np.concatenate([up, up])
            apart = price - np.concatenate([price[edges:], price[:edges]])
            mismatch = power[:edges] + power[edges:]
            change = -self.beta / done**self.beta_fade * apart
            change -= step / done**self.alpha_fade * np.concatenate([mismatch, mismatch])
            price = price + np.where(heard, change, 0.0)
            weight = np.abs(power) + self.delta / done**self.delta_fade
            weight = weight / np.bincount(owner, weight, len(peers))[owner]
            net = price - b - half_fee
            mean = np.bincount(owner, weight * net, len(peers))
            limit = mean - peers.a * np.clip(mean / peers.a, peers.lower, peers.upper)
            total = np.bincount(owner, power, len(peers))
            moved = power + weight * ((net - limit[owner]) / a - total[owner])
            moved = np.where(sells, np.maximum(moved, 0.0), np.minimum(moved, 0.0))
            power = np.where(heard, moved, power)
            gap = float(np.abs(power[:edges] + power[edges:]).max(initial=0.0))
            worst = max(gap, float(np.abs(change).max(initial=0.0)))
        flow = np.minimum(power[:edges], -power[edges:])
        prices = np.bincount(owner, price * weight, len(peers)).astype(float)
        return Dispatch(flow, prices, done, links.messages, links.messages * BYTES_PER_MESSAGE, gap)
