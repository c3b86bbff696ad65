"""Full peer-to-peer, community-based and hybrid markets on a book of orders.

Each order is a peer with a linear cost, each design a graph (see `trade_network`); the central solution is a
vertex of a network-flow polytope, so energy and prices come out in whole numbers. Terms may add a network
charge by distance between participants and say who belongs to which community.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from peerwatt.designs.admm import ConsensusAdmm
from peerwatt.designs.central import solve_centrally
from peerwatt.designs.orders import Book, FloatArray, Terms
from peerwatt.designs.outcome import Outcome, Trade, from_trades, nothing, sealed_messages
from peerwatt.designs.protocol import OFF_CHAIN
from peerwatt.designs.trade_network import Peers, TradeNetwork, community_based, full_p2p

SOUSA = "Sousa et al., Renew. Sust. Energy Reviews 104 (2019) 367-378"

NEARLY_WHOLE = 0.01  # Wh: what a negotiated trade may miss a whole number by


@dataclass(frozen=True)
class FullP2P:
    """Equation 1 of Sousa et al.: every seller trades with every buyer, at the price of their trade."""

    name: str = "full-p2p"
    title: str = "full peer-to-peer market (multi-bilateral economic dispatch)"
    source: str = f"{SOUSA}, equation 1"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval; buyers pay their node's price, sellers get theirs, network charges between."""
        if book.silent:
            return nothing(book)
        return dispatched(book, with_charges(full_p2p(peers_of(book, terms), 0.0), book, terms))


@dataclass(frozen=True)
class CommunityMarket:
    """Equation 2: each community's manager balances its members; they do not trade with one another."""

    name: str = "community"
    title: str = "community-based market, one manager each"
    source: str = f"{SOUSA}, equation 2"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        if book.silent:
            return nothing(book)
        return dispatched(book, community_based(peers_of(book, terms), 0.0))


@dataclass(frozen=True)
class HybridMarket:
    """Equation 3: communities inside, peer-to-peer between their managers.

    Attributes:
        between_fee: Transaction cost of energy between two communities, base units per Wh.
    """

    between_fee: int = 20
    name: str = "hybrid"
    title: str = "hybrid market: communities that trade with one another"
    source: str = f"{SOUSA}, equation 3"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval."""
        if book.silent:
            return nothing(book)
        peers = peers_of(book, terms)
        labels = np.unique(peers.community).tolist()
        between = {(one, two): float(self.between_fee) for one in labels for two in labels if one < two}
        return dispatched(book, community_based(peers, 0.0, between=between))


@dataclass(frozen=True)
class NegotiatedP2P:
    """Equation 1 again, negotiated by consensus ADMM; trades are rounded down to whole Wh.

    Attributes:
        rounds: Most rounds of negotiation per interval.
    """

    rounds: int = 1_000
    name: str = "p2p-admm"
    title: str = "full peer-to-peer market, negotiated by consensus ADMM"
    source: str = "Baroche et al., IEEE Trans. Power Systems 34 (2019) 2553-2564"
    runs: str = OFF_CHAIN

    def clear(self, book: Book, terms: Terms) -> Outcome:
        """Clear one interval; each pair trades at the middle of what both would still accept."""
        if book.silent:
            return nothing(book)
        network = with_charges(full_p2p(peers_of(book, terms), 0.0), book, terms)
        typical = float(np.mean(network.peers.upper - network.peers.lower))
        spread = max(terms.retail - terms.feed_in, 1)
        admm = ConsensusAdmm(
            penalty=5 * spread / max(typical, 1.0), tolerance=typical * 1e-3, rounds=self.rounds
        )
        solved = admm.solve(network)
        bids, trades = len(book.bids), []
        left = np.concatenate([book.bids.quantity, book.asks.quantity])
        for seller, buyer, fee, flow in zip(
            network.seller, network.buyer, network.fee, solved.flow, strict=True
        ):
            energy = min(int(flow + NEARLY_WHOLE), int(left[seller]), int(left[buyer]))
            cost, limit = network.peers.b[seller], network.peers.b[buyer] - fee
            if energy > 0 and cost <= limit:
                price = int(np.clip((solved.price[seller] + solved.price[buyer] - fee) / 2, cost, limit))
                trades.append(Trade(int(buyer), int(seller) - bids, energy, price))
                left[[seller, buyer]] -= energy
        return from_trades(book, trades, solved.messages, solved.iterations)


def peers_of(book: Book, terms: Terms) -> Peers:
    """One peer per order: the bids first, then the asks."""
    participant = np.concatenate([book.bids.participant, book.asks.participant])
    community = np.zeros(book.participants) if terms.community is None else np.asarray(terms.community)
    none_bid, none_ask = np.zeros(len(book.bids)), np.zeros(len(book.asks))
    return Peers(
        name=tuple(str(who) for who in participant.tolist()),
        a=np.zeros(len(participant)),
        b=np.concatenate([book.bids.price, book.asks.price]).astype(float),
        lower=np.concatenate([-book.bids.quantity.astype(float), none_ask]),
        upper=np.concatenate([none_bid, book.asks.quantity.astype(float)]),
        community=community[participant].astype(np.int64),
    )


def with_charges(network: TradeNetwork, book: Book, terms: Terms) -> TradeNetwork:
    """The network with the charge by distance on every trade."""
    if terms.distance_fee is None:
        return network
    participant = np.concatenate([book.bids.participant, book.asks.participant])
    fee: FloatArray = np.asarray(terms.distance_fee, dtype=float)
    return network.with_surcharge(fee[participant[network.seller], participant[network.buyer]])


def dispatched(book: Book, network: TradeNetwork) -> Outcome:
    """The central solution as an outcome: everybody at its own node's price."""
    solved, bids, orders = solve_centrally(network), len(book.bids), len(book.bids) + len(book.asks)
    power = np.rint(network.power(solved.flow)).astype(np.int64)[:orders]
    price = np.rint(solved.price).astype(np.int64)[:orders]
    bought, sold = -power[:bids], power[bids:]
    return Outcome(bought, sold, bought * price[:bids], sold * price[bids:], messages=sealed_messages(book))
