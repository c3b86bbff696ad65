"""Every design by name, with its standard settings."""

from __future__ import annotations

from peerwatt.errors import InputError
from peerwatt.market.mechanisms.battery import CentralBatteries, HomeBatteries
from peerwatt.market.mechanisms.battery_auction import BatteryAuction
from peerwatt.market.mechanisms.bilateral import RandomBilateral
from peerwatt.market.mechanisms.coalition_designs import MergeAndSplit, NucleolusShares, ShapleyShares
from peerwatt.market.mechanisms.continuous import ContinuousDoubleAuction, ZeroIntelligence
from peerwatt.market.mechanisms.contracts import ContractNegotiation, ForwardAndRealTime
from peerwatt.market.mechanisms.demurrage import DemurrageTokens
from peerwatt.market.mechanisms.design import Design, PerInterval, TariffOnly
from peerwatt.market.mechanisms.flexible_demand import FlexibleDemandGame
from peerwatt.market.mechanisms.huang import Huang
from peerwatt.market.mechanisms.iterative import IterativeDoubleAuction
from peerwatt.market.mechanisms.mcafee import McAfee
from peerwatt.market.mechanisms.muda import Muda
from peerwatt.market.mechanisms.pay_as_bid import PayAsBid
from peerwatt.market.mechanisms.peer_to_peer import CommunityMarket, FullP2P, HybridMarket, NegotiatedP2P
from peerwatt.market.mechanisms.policy_gradient import PolicyGradientBidders
from peerwatt.market.mechanisms.prospect import ProspectBidders
from peerwatt.market.mechanisms.protocol import Mechanism
from peerwatt.market.mechanisms.q_learning import QLearningBidders
from peerwatt.market.mechanisms.sharing import BillSharing, MidMarketRate, SupplyDemandRatio, VirtualPool
from peerwatt.market.mechanisms.stackelberg import CoordinatorLeads, SellersLead
from peerwatt.market.mechanisms.uniform import UniformPrice
from peerwatt.market.mechanisms.vickrey import Vickrey

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
SHARING_RULES: tuple[Mechanism, ...] = (BillSharing(), MidMarketRate(), SupplyDemandRatio(), VirtualPool())
PEER_TO_PEER: tuple[Mechanism, ...] = (FullP2P(), CommunityMarket(), HybridMarket(), NegotiatedP2P())

GAMES: tuple[Mechanism, ...] = (SellersLead(), CoordinatorLeads(), ContractNegotiation())

NEGOTIATED = ("iterative", "p2p-admm")
"""Hundreds of rounds per clearing: too slow to be cleared thousands of times."""

MECHANISMS: dict[str, Mechanism] = {
    mechanism.name: mechanism for mechanism in (*AUCTIONS, *SHARING_RULES, *PEER_TO_PEER, *GAMES)
}
"""What clears one interval."""

FAMILIES: dict[str, tuple[Design, ...]] = {
    "reference": (TariffOnly(),),
    "auctions": tuple(PerInterval(each) for each in AUCTIONS),
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
