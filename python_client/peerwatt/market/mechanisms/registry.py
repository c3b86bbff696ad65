"""Every mechanism that clears one interval, by name, with its standard settings."""

from __future__ import annotations

from peerwatt.errors import InputError
from peerwatt.market.mechanisms.bilateral import RandomBilateral
from peerwatt.market.mechanisms.continuous import ContinuousDoubleAuction, ZeroIntelligence
from peerwatt.market.mechanisms.huang import Huang
from peerwatt.market.mechanisms.iterative import IterativeDoubleAuction
from peerwatt.market.mechanisms.mcafee import McAfee
from peerwatt.market.mechanisms.muda import Muda
from peerwatt.market.mechanisms.pay_as_bid import PayAsBid
from peerwatt.market.mechanisms.peer_to_peer import CommunityMarket, FullP2P, HybridMarket, NegotiatedP2P
from peerwatt.market.mechanisms.protocol import Mechanism
from peerwatt.market.mechanisms.sharing import BillSharing, MidMarketRate, SupplyDemandRatio, VirtualPool
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

MECHANISMS: dict[str, Mechanism] = {
    mechanism.name: mechanism for mechanism in (*AUCTIONS, *SHARING_RULES, *PEER_TO_PEER)
}


def mechanism(name: str) -> Mechanism:
    """The mechanism of that name.

    Raises:
        InputError: There is none; the message lists them.
    """
    if name not in MECHANISMS:
        raise InputError(f"mechanism '{name}' does not exist; choose from {', '.join(MECHANISMS)}")
    return MECHANISMS[name]
