"""Chains: opening one, deploying to it, sending, and reading what a contract refused."""

from peerwatt.chain.abi import Interface
from peerwatt.chain.artifacts import Artifact, artifact_names, load_artifact
from peerwatt.chain.contract import Call, Contract, ContractEvent, EventData
from peerwatt.chain.demo_keys import demo_account, demo_private_key
from peerwatt.chain.deployment import DEPLOYMENTS, Creation, Deployed, Deployment, deploy
from peerwatt.chain.errors import (
    ChainClockError,
    ContractReverted,
    FeeTooLow,
    NodeBusy,
    NodeMissing,
    NodeRefused,
    NonceTaken,
    NoSuchContract,
    NotMined,
    OutOfGas,
    TransactionRefused,
    UnreachableChain,
    WrongChain,
)
from peerwatt.chain.events import BLOCKS_PER_REQUEST, events_since
from peerwatt.chain.fees import FeePolicy
from peerwatt.chain.finality import Finality
from peerwatt.chain.gas_limits import TRANSACTION_GAS_CAP, block_gas_limit, require_room
from peerwatt.chain.history import Head
from peerwatt.chain.network import BLOCK_GAS_LIMIT, GAS_PRICE, LOCAL_CHAIN_ID, MINING_SECONDS, Network
from peerwatt.chain.networks import open_network
from peerwatt.chain.stack_depth import limit_recursion
from peerwatt.chain.transactions import Sender, send_together
from peerwatt.chain.under_brownie import brownie_url

limit_recursion()

__all__ = [
    "BLOCKS_PER_REQUEST",
    "BLOCK_GAS_LIMIT",
    "DEPLOYMENTS",
    "GAS_PRICE",
    "LOCAL_CHAIN_ID",
    "MINING_SECONDS",
    "TRANSACTION_GAS_CAP",
    "Artifact",
    "Call",
    "ChainClockError",
    "Contract",
    "ContractEvent",
    "ContractReverted",
    "Creation",
    "Deployed",
    "Deployment",
    "EventData",
    "FeePolicy",
    "FeeTooLow",
    "Finality",
    "Head",
    "Interface",
    "Network",
    "NoSuchContract",
    "NodeBusy",
    "NodeMissing",
    "NodeRefused",
    "NonceTaken",
    "NotMined",
    "OutOfGas",
    "Sender",
    "TransactionRefused",
    "UnreachableChain",
    "WrongChain",
    "artifact_names",
    "block_gas_limit",
    "brownie_url",
    "demo_account",
    "demo_private_key",
    "deploy",
    "events_since",
    "load_artifact",
    "open_network",
    "require_room",
    "send_together",
]
