"""The market in plain integers: book, auction, grid gate, settlement, ledger, and the contract's reference
twin.

Energy is in Wh, money in base units of the payment token (1e-6 of the currency), prices in base units per Wh.
"""

from peerwatt.market.accepted import Accepted, accepted_of, gate
from peerwatt.market.auction import Auctioned, Crossing, cap, clear, cross
from peerwatt.market.clear_book import BookResult, clear_book
from peerwatt.market.corrections import Corrections
from peerwatt.market.energy_market import MarketTwin
from peerwatt.market.errors import MarketError
from peerwatt.market.interval_ring import Batch, Interval, Phase
from peerwatt.market.ledger import FIRST_PARTICIPANT, Balance, Ledger, SystemAccount
from peerwatt.market.market_rules import MarketConfig, Tariff
from peerwatt.market.merit_order import Level, MarginalLevel, walk
from peerwatt.market.order_book import Posting, SkippedOrder
from peerwatt.market.participant_registry import EnergyLimits, Participant, Status
from peerwatt.market.pricing import Pricing
from peerwatt.market.pro_rata import accepted_quantity, fill, share
from peerwatt.market.sealed_batches import SealedBatches
from peerwatt.market.settlement import Entries, Metered, PeerCash, metered, settle_batch, settle_order
from peerwatt.market.terms import Terms
from peerwatt.market.tick_book import TickBook

__all__ = [
    "FIRST_PARTICIPANT",
    "Accepted",
    "Auctioned",
    "Balance",
    "Batch",
    "BookResult",
    "Corrections",
    "Crossing",
    "EnergyLimits",
    "Entries",
    "Interval",
    "Ledger",
    "Level",
    "MarginalLevel",
    "MarketConfig",
    "MarketError",
    "MarketTwin",
    "Metered",
    "Participant",
    "PeerCash",
    "Phase",
    "Posting",
    "Pricing",
    "SealedBatches",
    "SkippedOrder",
    "Status",
    "SystemAccount",
    "Tariff",
    "Terms",
    "TickBook",
    "accepted_of",
    "accepted_quantity",
    "cap",
    "clear",
    "clear_book",
    "cross",
    "fill",
    "gate",
    "metered",
    "settle_batch",
    "settle_order",
    "share",
    "walk",
]
