"""What participants and operators do with a market on a chain: deploy, register, deposit, post, settle."""

from peerwatt.client.deployment import MarketRoles, deploy_market
from peerwatt.client.market import MarketClient
from peerwatt.client.operating_envelopes import EnvelopeBoard, published_limits
from peerwatt.client.sealed_phase import SealedBatch, SealedPhase
from peerwatt.client.state import BatchData, IntervalState, PostedBatch, TermsWord
from peerwatt.client.wallet import Wallet, deposit_together, open_wallets

__all__ = [
    "BatchData",
    "EnvelopeBoard",
    "IntervalState",
    "MarketClient",
    "MarketRoles",
    "PostedBatch",
    "SealedBatch",
    "SealedPhase",
    "TermsWord",
    "Wallet",
    "deploy_market",
    "deposit_together",
    "open_wallets",
    "published_limits",
]
