"""Signatures as wallets give them, brought into the one form that is packed: 64 bytes (EIP-2098), low s.

Wallets give 65 bytes ``r || s || v`` with v 27, 28, 0 or 1, the compact 64 bytes, either as hexadecimal text,
or r, s and v (or yParity) as fields. A high s is replaced by n - s under the other parity: the same key has
signed the same message, hardware modules and cloud key stores give a high s every second time, and the
contracts take only the low one. So an order has one form however its signature came.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from peerwatt.messages.errors import SignatureError
from peerwatt.messages.signature import CURVE_ORDER, MAX_S, SIGNATURE_LENGTH

LONG_LENGTH: Final = 65
"""Bytes of a signature with v."""

_FORMS: Final = "give 65 bytes r, s, v, or the compact 64 bytes (EIP-2098), as bytes or hexadecimal text"
_HEX: Final = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2})+)")
_PARITY_OF_V: Final = {27: 0, 28: 1, 0: 0, 1: 1}
_FIELD_NAMES: Final = ("r", "s", "v", "yParity")


def compact_signature(signature: Any) -> bytes:
    """A signature in the form that is packed.

    Args:
        signature: 65 or 64 bytes; the same as hexadecimal text, with or without ``0x``; a mapping or an
            object with r, s and v or yParity, each a number or text. 64 bytes come back as they are.

    Raises:
        SignatureError: It is none of these, or r, s or v is out of range.
    """
    if type(signature) is bytes and len(signature) == SIGNATURE_LENGTH:
        return signature
    if isinstance(signature, str):
        signature = _bytes_of_text(signature)
    if isinstance(signature, bytes | bytearray | memoryview):
        return _of_bytes(bytes(signature))
    if not isinstance(signature, Mapping):
        signature = {name: getattr(signature, name) for name in _FIELD_NAMES if hasattr(signature, name)}
    return _of_fields(signature)


def _bytes_of_text(text: str) -> bytes:
    found = _HEX.fullmatch(text.strip())
    if found is None:
        raise SignatureError(f"The signature's text is no hexadecimal number of whole bytes: {_FORMS}.")
    return bytes.fromhex(found[1])


def _of_bytes(signature: bytes) -> bytes:
    if len(signature) == SIGNATURE_LENGTH:
        return signature
    if len(signature) != LONG_LENGTH:
        raise SignatureError(f"The signature has {len(signature)} bytes: {_FORMS}.")
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    return _packed(r, s, _parity(signature[64]))


def _of_fields(fields: Mapping[str, Any]) -> bytes:
    if fields.get("r") is None or fields.get("s") is None:
        raise SignatureError(f"The signature has no r and s: {_FORMS}.")
    stated = [_number(fields[name], name) for name in ("v", "yParity") if fields.get(name) is not None]
    parities = {_parity(value) for value in stated}
    if len(parities) != 1:
        said = "neither v nor yParity" if not parities else "v and yParity that contradict one another"
        raise SignatureError(f"The signature has {said}: give r, s and v as the wallet does.")
    return _packed(_number(fields["r"], "r"), _number(fields["s"], "s"), parities.pop())


def _parity(v: int) -> int:
    if v not in _PARITY_OF_V:
        raise SignatureError(
            f"The signature's v is {v}: a signed message has 27, 28, 0 or 1; others are of transactions."
        )
    return _PARITY_OF_V[v]


def _packed(r: int, s: int, parity: int) -> bytes:
    if not 0 < r < CURVE_ORDER or not 0 < s < CURVE_ORDER:
        raise SignatureError("The signature's r or s is out of range: sign the message again.")
    if s > MAX_S:
        s, parity = CURVE_ORDER - s, parity ^ 1
    return r.to_bytes(32, "big") + (parity << 255 | s).to_bytes(32, "big")


def _number(value: Any, name: str) -> int:
    """A field: a number, its decimal or ``0x`` text, or big-endian bytes."""
    if isinstance(value, bytes | bytearray):
        return int.from_bytes(value, "big")
    if isinstance(value, str) and re.fullmatch(r"0[xX][0-9a-fA-F]{1,64}", value.strip()):
        return int(value, 16)
    if isinstance(value, str) and re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()):
        return int(value, 16)
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,78}", value.strip()):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise SignatureError(f"The signature's {name} is no number: give it as the wallet does.")
