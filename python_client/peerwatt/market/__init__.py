"""The market in plain integers: book, auction, grid gate, settlement, ledger, and the contract's reference
twin.

Energy is in Wh, money in base units of the payment token (1e-6 of the currency), prices in base units per Wh.
"""

from peerwatt.market.auction import Auctioned, Crossing, clear, cross
from peerwatt.market.book import TickBook
from peerwatt.market.clear_book import BookResult, clear_book
from peerwatt.market.config import MarketConfig, Tariff
from peerwatt.market.errors import MarketError
from peerwatt.market.gate import Position, gate, position
from peerwatt.market.interval import Batch, Interval, Phase
from peerwatt.market.ledger import FIRST_PARTICIPANT, Balance, Ledger, SystemAccount
from peerwatt.market.merit_order import Level, MarginalLevel, walk
from peerwatt.market.metering import EnergyLimits, Metered, metered
from peerwatt.market.order_book import Posting, SkippedOrder
from peerwatt.market.participant import Participant, Status
from peerwatt.market.pricing import Pricing
from peerwatt.market.pro_rata import fill, share, standing
from peerwatt.market.sealed_batches import SealedBatches
from peerwatt.market.settlement import Entries, PeerCash, settle_batch, settle_order
from peerwatt.market.terms import Terms
from peerwatt.market.twin import MarketTwin

__all__ = [
    "FIRST_PARTICIPANT",
    "Auctioned",
    "Balance",
    "Batch",
    "BookResult",
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
    "Position",
    "Posting",
    "Pricing",
    "SealedBatches",
    "SkippedOrder",
    "Status",
    "SystemAccount",
    "Tariff",
    "Terms",
    "TickBook",
    "clear",
    "clear_book",
    "cross",
    "fill",
    "gate",
    "metered",
    "position",
    "settle_batch",
    "settle_order",
    "share",
    "standing",
    "walk",
]
