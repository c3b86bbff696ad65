"""Encrypted keystores, version 3 of the Web3 Secret Storage Definition: what Foundry, ape and geth write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from peerwatt.errors import InputError

VERSION: Final = 3


def read_keystore(path: Path) -> dict[str, Any]:
    """The encrypted content of a keystore file.

    Raises:
        InputError: it cannot be read, or is no keystore of version 3.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("version") != VERSION or "crypto" not in content:
        raise InputError(f"{path}: no keystore of version {VERSION}: name one that a wallet wrote")
    return content


def open_keystore(path: Path, content: dict[str, Any], password: str) -> LocalAccount:
    """The account of a keystore.

    Args:
        path: named in errors.
        content: as `read_keystore` gives it.
        password: that it was encrypted with.

    Raises:
        InputError: another password opens it, or its encryption is none that the standard has.
    """
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(content, password))
    except ValueError:
        raise InputError(f"{path}: this password does not open it: check the password") from None
    except (KeyError, TypeError) as error:
        raise InputError(f"{path}: crypto: {error} is missing or unknown: export the key again") from None
    return account
