"""Addresses as people write them: refused where their checksum (EIP-55) says that a digit is wrong."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from peerwatt.errors import InputError

_REMEMBERED: Final = 16_384
_ADDRESS: Final = re.compile(r"(?:0[xX])?([0-9a-fA-F]{40})")


def checked_address(value: Any, where: str) -> ChecksumAddress:
    """An address with its checksum, from whatever a person or a program wrote.

    Letters of one case say nothing of a checksum and are taken; in mixed case it must be right. Without `0x`
    and as 20 bytes it is taken too.

    Args:
        value: the address.
        where: for the error: file and field, or argument.

    Raises:
        InputError: it is no address, or its checksum is wrong.
    """
    if isinstance(value, bytes | bytearray) and len(value) == 20:
        return to_checksum_address(bytes(value))
    if not isinstance(value, str):
        raise InputError(f"{where}: {_shown(value)} is no address: give text of 0x and 40 hexadecimal digits")
    try:
        return _checked(value.strip())
    except ValueError as error:
        raise InputError(f"{where}: {_shown(value)} {error}") from None


@lru_cache(_REMEMBERED)
def _checked(text: str) -> ChecksumAddress:
    found = _ADDRESS.fullmatch(text)
    if found is None:
        raise ValueError("is no address: give 0x and 40 hexadecimal digits")
    digits = found[1]
    address = to_checksum_address("0x" + digits)
    if digits not in (digits.lower(), digits.upper(), address[2:]):
        raise ValueError(
            "has a wrong checksum (EIP-55), so a digit or the case of a letter is wrong: "
            "copy it again from where it comes"
        )
    return address


def _shown(value: object) -> str:
    """A value in one short line."""
    text = repr(value)
    # A private key is as long as 32 bytes: what is longer than an address is not printed.
    return text if len(text) <= 46 else f"a value of {len(text)} characters"
