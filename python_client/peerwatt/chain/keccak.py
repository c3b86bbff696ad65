"""Keccak-256, by the fastest backend of eth-hash that is installed."""

from __future__ import annotations

import os
from typing import Any

from eth_hash.auto import keccak


def _prefer_pysha3(shared: Any) -> None:
    """Let everybody who has `keccak` of eth-hash (web3, eth-account, py-evm) hash with safe-pysha3.

    eth-hash itself prefers pycryptodome, which takes four times as long.
    """
    try:
        from eth_hash.backends import pysha3
    except ImportError:
        return
    shared.hasher, shared.preimage = pysha3.keccak256, pysha3.preimage


if not os.environ.get("ETH_HASH_BACKEND"):
    _prefer_pysha3(keccak)

__all__ = ["keccak"]
