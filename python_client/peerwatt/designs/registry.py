"""Every design by name, with its standard settings."""

from __future__ import annotations

from peerwatt.designs.battery import CentralBatteries, HomeBatteries
from peerwatt.designs.battery_auction import BatteryAuction
from peerwatt.designs.bilateral import RandomBilateral
from peerwatt.designs.coalition_designs import MergeAndSplit, NucleolusShares, ShapleyShares
from peerwatt.designs.continuous import ContinuousDoubleAuction, ZeroIntelligence
from peerwatt.designs.contracts import ContractNegotiation, ForwardAndRealTime
from peerwatt.designs.demurrage import DemurrageTokens
from peerwatt.designs.design import Design, PerInterval, TariffOnly
from peerwatt.designs.flexible_demand import FlexibleDemandGame
from peerwatt.designs.huang import Huang
from peerwatt.designs.iterative import IterativeDoubleAuction
from peerwatt.designs.mcafee import McAfee
from peerwatt.designs.muda import Muda
from peerwatt.designs.pay_as_bid import PayAsBid
from peerwatt.designs.peer_to_peer import CommunityMarket, FullP2P, HybridMarket, NegotiatedP2P
from peerwatt.designs.policy_gradient import PolicyGradientBidders
from peerwatt.designs.posted_pool import FixedPrice, PostedMidMarket, PostedRatio
from peerwatt.designs.prospect import ProspectBidders
from peerwatt.designs.protocol import Mechanism
from peerwatt.designs.q_learning import QLearningBidders
from peerwatt.designs.sharing import BillSharing, MidMarketRate, SupplyDemandRatio, VirtualPool
from peerwatt.designs.stackelberg import CoordinatorLeads, SellersLead
from peerwatt.designs.uniform import UniformPrice
from peerwatt.designs.vickrey import Vickrey
from peerwatt.errors import InputError

AUCTIONS: tuple[Mechanism, ...] = (
    UniformPrice(),
    PayAsBid(),
    Vickrey(),
    McAfee(),
    Huang(),
    Muda(),
    ContinuousDoubleAuction(),
    ZeroIntelligence(),
    IterativeDoubleAuction(),
    RandomBilateral(),
)
POSTED_POOLS: tuple[Mechanism, ...] = (PostedMidMarket(), PostedRatio(), FixedPrice())
SHARING_RULES: tuple[Mechanism, ...] = (BillSharing(), MidMarketRate(), SupplyDemandRatio(), VirtualPool())
PEER_TO_PEER: tuple[Mechanism, ...] = (FullP2P(), CommunityMarket(), HybridMarket(), NegotiatedP2P())

GAMES: tuple[Mechanism, ...] = (SellersLead(), CoordinatorLeads(), ContractNegotiation())

NEGOTIATED = ("iterative", "p2p-admm")
"""Hundreds of rounds per clearing: too slow to be cleared thousands of times."""

MECHANISMS: dict[str, Mechanism] = {
    mechanism.name: mechanism
    for mechanism in (*AUCTIONS, *POSTED_POOLS, *SHARING_RULES, *PEER_TO_PEER, *GAMES)
}
"""What clears one interval."""

FAMILIES: dict[str, tuple[Design, ...]] = {
    "reference": (TariffOnly(),),
    "auctions": tuple(PerInterval(each) for each in AUCTIONS),
    "posted pools": tuple(PerInterval(each) for each in POSTED_POOLS),
    "sharing rules": tuple(PerInterval(each, metered=True) for each in SHARING_RULES),
    "peer-to-peer": (
        *(PerInterval(each) for each in PEER_TO_PEER),
        PerInterval(ContractNegotiation()),
        ForwardAndRealTime(),
    ),
    "games": (
        PerInterval(SellersLead()),
        PerInterval(CoordinatorLeads()),
        FlexibleDemandGame(),
        ShapleyShares(),
        NucleolusShares(),
        MergeAndSplit(),
    ),
    "storage": (HomeBatteries(), CentralBatteries(), BatteryAuction(), DemurrageTokens()),
    "learning and behaviour": (QLearningBidders(), PolicyGradientBidders(), ProspectBidders()),
}
DESIGNS: dict[str, Design] = {design.name: design for family in FAMILIES.values() for design in family}
"""What runs over a neighbourhood: the mechanisms, interval by interval, and the designs that look further."""


def mechanism(name: str) -> Mechanism:
    """The mechanism of that name.

    Raises:
        InputError: There is none; the message lists them.
    """
    if name not in MECHANISMS:
        raise InputError(f"mechanism '{name}' does not exist; choose from {', '.join(MECHANISMS)}")
    return MECHANISMS[name]


def design(name: str) -> Design:
    """The design of that name.

    Raises:
        InputError: There is none; the message lists them.
    """
    if name not in DESIGNS:
        raise InputError(f"mechanism '{name}' does not exist; choose from {', '.join(DESIGNS)}")
    return DESIGNS[name]
