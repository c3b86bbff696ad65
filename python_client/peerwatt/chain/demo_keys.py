"""Keys for local demonstrations: derived from a public seed, worthless by construction.

Anyone who reads this file can compute them. They must never hold anything of value, and no command uses
them on a chain that Peerwatt did not start or that was not named explicitly.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils import keccak

# How many accounts are kept: making one costs a multiplication on the curve.
ACCOUNTS = 16_384
# Order of the group of secp256k1 (SEC 2, section 2.4.1): a private key lies in 1..order-1.
SECP256K1_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def demo_private_key(seed: int | str, role: str, index: int = 0) -> bytes:
    """The 32-byte private key of a role, e.g. `demo_private_key(1, "meter", 7)`.

    The key is `keccak256("peerwatt demo key|<seed>|<role>|<index>")`, hashed once more in the practically
    impossible case that it is no valid private key.
    """
    key = keccak(text=f"peerwatt demo key|{seed}|{role}|{index}")
    while not 0 < int.from_bytes(key, "big") < SECP256K1_ORDER:
        key = keccak(key)
    return key


@lru_cache(ACCOUNTS)
def demo_account(seed: int | str, role: str, index: int = 0) -> LocalAccount:
    """The account of `demo_private_key(seed, role, index)`."""
    return cast(LocalAccount, Account.from_key(demo_private_key(seed, role, index)))
