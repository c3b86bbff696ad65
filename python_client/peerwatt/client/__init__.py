"""What participants and operators do with a market on a chain: deploy, register, deposit, post, settle."""

from peerwatt.chain import Head
from peerwatt.client.corrections import CorrectionBoard, ProposedCorrection, correction_of
from peerwatt.client.deployment import MarketRoles, deploy_market, require_market_room
from peerwatt.client.follower import Follower
from peerwatt.client.market import MarketClient
from peerwatt.client.market_follower import MarketFollower, MarketTransaction
from peerwatt.client.market_view import IntervalView, MarketView
from peerwatt.client.operating_envelopes import EnvelopeBoard, published_limits
from peerwatt.client.sealed_phase import SealedBatch, SealedPhase
from peerwatt.client.state import BatchData, IntervalState, PostedBatch
from peerwatt.client.wallet import Wallet, deposit_together, open_wallets

__all__ = [
    "BatchData",
    "CorrectionBoard",
    "EnvelopeBoard",
    "Follower",
    "Head",
    "IntervalState",
    "IntervalView",
    "MarketClient",
    "MarketFollower",
    "MarketRoles",
    "MarketTransaction",
    "MarketView",
    "PostedBatch",
    "ProposedCorrection",
    "SealedBatch",
    "SealedPhase",
    "Wallet",
    "correction_of",
    "deploy_market",
    "deposit_together",
    "open_wallets",
    "published_limits",
    "require_market_room",
]
