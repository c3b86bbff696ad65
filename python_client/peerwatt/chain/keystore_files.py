"""Where keystores lie: new ones, and those of other programs by their accounts' names."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from eth_account import Account
from eth_account.signers.local import LocalAccount

from peerwatt.errors import InputError

_NAME = re.compile(r"[\w.@+-][\w .@+-]*")
_ADDRESS = re.compile(r"(?:0x)?([0-9a-f]{40})")


def create_keystore(path: Path, password: str) -> LocalAccount:
    """Make a new key, and write it encrypted; only the owner may read the file.

    Args:
        path: of the file, which must not be there.
        password: that opens it; scrypt with geth's standard cost makes the key of it.

    Raises:
        InputError: the password is empty, something is at the path, or it cannot be written.
    """
    if not password:
        raise InputError(f"{path}: the password is empty: choose one")
    account: LocalAccount = Account.create()
    text = json.dumps(Account.encrypt(account.key, password, kdf="scrypt"), indent=1) + "\n"
    try:
        with suppress(FileExistsError):
            path.parent.mkdir(parents=True, exist_ok=True)
        # Nothing is ever written over: it may be somebody's only copy of a key.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(f"{path}: is there already: name another file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return account


def keystore_of(account: str, home: Path | None = None) -> Path:
    """The keystore of an account that Foundry, ape or geth keeps.

    Args:
        account: its name in Foundry or ape, or its address in geth.
        home: the user's directory; the one of this process where None.

    Raises:
        InputError: there is none, or there are several.
    """
    if not _NAME.fullmatch(account):
        raise InputError(f"--account {account!r}: is no name of an account: name a file by --keystore")
    found = [path for path in _candidates(account, home or Path.home()) if path.is_file()]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"--account {account}: there are several: name one by --keystore: {', '.join(map(str, found))}"
        )
    raise InputError(
        f"--account {account}: neither Foundry (~/.foundry/keystores) nor ape (~/.ape/accounts) nor geth "
        "(~/.ethereum/keystore) has it: name a file by --keystore"
    )


def _candidates(account: str, home: Path) -> Iterator[Path]:
    yield home / ".foundry" / "keystores" / account
    yield home / ".ape" / "accounts" / f"{account}.json"
    address = _ADDRESS.fullmatch(account.lower())
    if address is not None:
        yield from sorted((home / ".ethereum" / "keystore").glob(f"UTC--*--{address[1]}"))
