"""Chains: opening one, deploying to it, sending, and reading what a contract refused."""

from peerwatt.chain.abi import Interface
from peerwatt.chain.artifacts import Artifact, artifact_names, load_artifact
from peerwatt.chain.contract import Call, Contract, ContractEvent, EventData
from peerwatt.chain.demo_keys import demo_account, demo_private_key
from peerwatt.chain.deployment import DEPLOYMENTS, Creation, Deployed, Deployment, deploy
from peerwatt.chain.errors import (
    ChainClockError,
    ContractReverted,
    NodeBusy,
    NodeMissing,
    NodeRefused,
    NotMined,
    OutOfGas,
    TransactionRefused,
    UnreachableChain,
    WrongChain,
)
from peerwatt.chain.events import BLOCKS_PER_REQUEST, events_since
from peerwatt.chain.history import Head
from peerwatt.chain.network import BLOCK_GAS_LIMIT, GAS_PRICE, LOCAL_CHAIN_ID, MINING_SECONDS, Network
from peerwatt.chain.networks import open_network
from peerwatt.chain.transactions import TRANSACTION_GAS_CAP, Sender, send_together
from peerwatt.chain.under_brownie import brownie_url

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
    "Head",
    "Interface",
    "Network",
    "NodeBusy",
    "NodeMissing",
    "NodeRefused",
    "NotMined",
    "OutOfGas",
    "Sender",
    "TransactionRefused",
    "UnreachableChain",
    "WrongChain",
    "artifact_names",
    "brownie_url",
    "demo_account",
    "demo_private_key",
    "deploy",
    "events_since",
    "load_artifact",
    "open_network",
    "send_together",
]
