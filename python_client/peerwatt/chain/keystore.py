"""Encrypted keystores, version 3 of the Web3 Secret Storage Definition: what wallets write.

geth, MyEtherWallet, Foundry, ape, ethers and web3j differ in what they write: `Crypto` with a capital,
numbers as text, hexadecimal digits with and without `0x`, no address, a key without its leading zeros. All of
that opens. What is encrypted in another way is refused by its name, and so is a file whose address is not its
key's.
"""

from __future__ import annotations

import json
import os
import re
import stat
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from peerwatt.addresses import checked_address
from peerwatt.errors import InputError

VERSION: Final = 3
CIPHER: Final = "aes-128-ctr"
PSEUDORANDOM_FUNCTION: Final = "hmac-sha256"

MOST_BYTES: Final = 65_536
"""Of a file: a keystore has some 500."""
MEBIBYTE: Final = 1 << 20
MOST_MEMORY: Final = 1024 * MEBIBYTE
"""That scrypt may take, bytes: four times what geth's standard keystore takes."""
USUAL_SCRYPT_WORK: Final = 1 << 21
"""Product n·r·p of geth's standard keystore: a second or two."""
MOST_SCRYPT_WORK: Final = 32 * USUAL_SCRYPT_WORK
MOST_ITERATIONS: Final = 10_000_000
"""Of pbkdf2: ten times what eth-account writes."""
MOST_DERIVED_BYTES: Final = 1024
LEAST_DERIVED_BYTES: Final = 32
KEY_BYTES: Final = 32

_OTHER_VERSIONS: Final = {
    1: "version 1, of 2014",
    2: "version 2, a draft",
    4: "version 4, which holds a validator's BLS key (EIP-2335)",
}
_HEX: Final = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})*)")
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def read_keystore(path: Path) -> dict[str, Any]:
    """The encrypted content of a keystore file, names in lower case and values as the standard has them.

    Raises:
        InputError: it cannot be read, is no keystore of version 3, is encrypted in a way that is not opened,
            or asks for more work or memory than an honest one.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    content = _parsed(text, path)
    _require_version(content, path)
    crypto = content.get("crypto")
    if not isinstance(crypto, dict):
        raise InputError(f"{path}: no keystore: crypto is missing: name one that a wallet wrote")
    checked = {"crypto": _checked_crypto(crypto, path), "version": VERSION}
    if content.get("address") not in (None, ""):
        checked["address"] = checked_address(content["address"], f"{path}: address")
    return checked


def open_keystore(path: Path, content: Mapping[str, Any], password: str) -> LocalAccount:
    """The account of a keystore.

    Args:
        path: named in errors.
        content: as `read_keystore` gives it.
        password: that it was encrypted with.

    Raises:
        InputError: another password opens it, or what it opens to is not the key of its address.
    """
    for written in _spellings(password):
        try:
            opened = bytes(Account.decrypt(dict(content), written))
            break
        except ValueError:
            continue
        except MemoryError:
            raise InputError(f"{path}: this machine lacks the memory that it asks for: use another") from None
    else:
        raise InputError(f"{path}: this password does not open it: check the password")
    try:
        # A wallet that counts a key as a number writes it without its leading zeros.
        account: LocalAccount = Account.from_key(opened.rjust(KEY_BYTES, b"\0"))
    except Exception:  # whatever is said of a key that is none must not be shown
        raise InputError(f"{path}: what it opens to is no key of an account: export the key again") from None
    stated = content.get("address", account.address)
    if account.address != stated:
        raise InputError(
            f"{path}: its address is {stated}, but it opens to the key of {account.address}: the file was "
            "changed or mixed up: export the key again"
        )
    return account


def read_password(path: Path) -> str:
    """The password that a file holds: its one line, without the end of the line.

    Raises:
        InputError: it cannot be read, is no text, or has several lines.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES)
        text = content.decode(_encoding(content))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        text = ""
    if content and not text:
        raise InputError(f"{path}: no text: give the password in UTF-8")
    password = text.rstrip("\r\n")
    if "\n" in password or "\r" in password:
        raise InputError(f"{path}: several lines: leave the password alone in it, in one line")
    return password


def readable_by_others(path: Path) -> bool:
    """Whether other accounts of this machine may read a file; on Windows nothing is known of it."""
    return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def _encoding(content: bytes) -> str:
    """By the mark at the beginning, which editors on Windows leave there; else UTF-8."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def _spellings(password: str) -> list[str]:
    """A password as it was given, and as ethers writes it: the same letters, composed (NFKC)."""
    return list(dict.fromkeys([password, unicodedata.normalize("NFKC", password)]))


def _parsed(text: bytes, path: Path) -> dict[str, Any]:
    if len(text) > MOST_BYTES:
        raise InputError(f"{path}: no keystore: longer than {MOST_BYTES} bytes: name one that a wallet wrote")
    try:
        content = json.loads(text.decode(_encoding(text)), object_pairs_hook=_lower_case)
    except _Twice as error:
        raise InputError(f"{path}: {error} is there twice: export the key again") from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: no keystore of version {VERSION}: it is not JSON: name one that a wallet wrote"
        )
    return content


class _Twice(Exception):
    """A name that is there twice but for its case."""


def _lower_case(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name.lower() in found:
            raise _Twice(name.lower())
        found[name.lower()] = value
    return found


def _require_version(content: Mapping[str, Any], path: Path) -> None:
    version = _whole(content.get("version"))
    if version == VERSION:
        return
    if "encseed" in content:
        found = "a wallet of Ethereum's presale"
    elif {"privatekey", "privkey", "private_key"} & set(content):
        found = "a key that is not encrypted"
    elif version is None:
        found = "no version"
    else:
        found = _OTHER_VERSIONS.get(version, "another version")
    raise InputError(
        f"{path}: no keystore of version {VERSION}: it has {found}: export the key again from your wallet"
    )


def _checked_crypto(crypto: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The part that is encrypted, as the standard has it."""
    read = _Fields(crypto, f"{path}: crypto")
    read.require_name("cipher", CIPHER)
    kdf = read.name("kdf")
    if kdf not in ("scrypt", "pbkdf2"):
        raise InputError(
            f"{path}: crypto.kdf: {kdf!r} is not opened, only scrypt and pbkdf2 are: export the key again"
        )
    ciphertext = read.data("ciphertext", range(1, KEY_BYTES + 1))
    iv = read.part("cipherparams").data("iv", range(16, 17))
    parameters = read.part("kdfparams")
    return {
        "cipher": CIPHER,
        "cipherparams": {"iv": iv},
        "ciphertext": ciphertext,
        "kdf": kdf,
        "kdfparams": _scrypt(parameters) if kdf == "scrypt" else _pbkdf2(parameters),
        "mac": read.data("mac", range(32, 33)),
    }


def _scrypt(read: _Fields) -> dict[str, Any]:
    n, r, p = (read.number(name, 1, 1 << 40) for name in ("n", "r", "p"))
    if n < 2 or n & (n - 1):
        raise InputError(f"{read.where}.n: {n} is no power of two above 1: export the key again")
    memory, work = 128 * r * (n + p), n * r * p
    if memory > MOST_MEMORY or work > MOST_SCRYPT_WORK:
        raise InputError(
            f"{read.where}: n {n}, r {r}, p {p} ask for {-(-memory // MEBIBYTE)} MiB of memory and "
            f"{-(-work // USUAL_SCRYPT_WORK)} times the work of a usual keystore: at most "
            f"{MOST_MEMORY // MEBIBYTE} MiB and {MOST_SCRYPT_WORK // USUAL_SCRYPT_WORK} times are spent: "
            "export the key again"
        )
    return {"n": n, "r": r, "p": p, **_salt_and_length(read)}


def _pbkdf2(read: _Fields) -> dict[str, Any]:
    read.require_name("prf", PSEUDORANDOM_FUNCTION)
    iterations = read.number("c", 1, MOST_ITERATIONS)
    return {"c": iterations, "prf": PSEUDORANDOM_FUNCTION, **_salt_and_length(read)}


def _salt_and_length(read: _Fields) -> dict[str, Any]:
    return {
        "salt": read.data("salt", range(MOST_DERIVED_BYTES + 1)),
        "dklen": read.number("dklen", LEAST_DERIVED_BYTES, MOST_DERIVED_BYTES),
    }


class _Fields:
    """One object of a keystore, read field by field; an error names the field."""

    def __init__(self, content: Mapping[str, Any], where: str) -> None:
        self._content = content
        self.where = where

    def part(self, name: str) -> _Fields:
        """An object in it."""
        value = self._get(name)
        if not isinstance(value, dict):
            raise InputError(f"{self.where}.{name}: is no object: export the key again")
        return _Fields(value, f"{self.where}.{name}")

    def name(self, name: str) -> str:
        """A name, in lower case."""
        return str(self._get(name))[:40].lower()

    def require_name(self, name: str, known: str) -> None:
        """Refuse any name but the known one."""
        found = self.name(name)
        if found != known:
            raise InputError(
                f"{self.where}.{name}: {found!r} is not opened, only {known} is: export the key again"
            )

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number, also written as text."""
        value = _whole(self._get(name))
        if value is None or not least <= value <= most:
            raise InputError(
                f"{self.where}.{name}: is no whole number from {least} to {most}: export the key again"
            )
        return value

    def data(self, name: str, lengths: range) -> str:
        """Bytes as hexadecimal digits."""
        value = self._get(name)
        found = _HEX.fullmatch(value) if isinstance(value, str) else None
        if found is None or len(found[1]) // 2 not in lengths:
            length = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
            raise InputError(
                f"{self.where}.{name}: is not {length} bytes in hexadecimal digits: export the key again"
            )
        return found[1].lower()

    def _get(self, name: str) -> Any:
        if self._content.get(name) is None:
            raise InputError(f"{self.where}.{name}: is missing: export the key again")
        return self._content[name]


def _whole(value: Any) -> int | None:
    """A whole number, also one that was written as text or with a point; None for anything else."""
    if isinstance(value, str) and _DIGITS.fullmatch(value.strip()):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
