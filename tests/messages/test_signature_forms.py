"""A signature has one packed form however a wallet gives it, and what is in no such form is refused."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.messages import (
    CodecError,
    Domain,
    Order,
    Side,
    SignatureError,
    SignedOrder,
    SignedReading,
    Step,
    address_of,
    compact_signature,
    decode_order,
    decode_signed_reading,
    encode_orders,
    encode_signed_readings,
)
from peerwatt.messages.signature import CURVE_ORDER, MAX_S

DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = bytes(31) + b"\x07"


def order_of(interval: int) -> Order:
    return Order(interval, 4, (Step(Side.SELL, 20, 500), Step(Side.SELL, 30, 100)))


def forms(order: Order) -> list[Any]:
    """One signature by eth-account, as eth-account, ethers 5 and 6, viem, cast and Ledger's app write it."""
    wallet = Account.sign_typed_data(KEY, full_message=order.typed_data(DOMAIN))
    r, s, parity = wallet.r, wallet.s, wallet.v - 27
    hex_r, hex_s = (f"0x{value:064x}" for value in (r, s))
    rs = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    compact = order.sign(DOMAIN, KEY)
    long = rs + bytes([27 + parity])
    high = {"r": hex_r, "s": hex(CURVE_ORDER - s)}
    return [
        compact,
        bytearray(compact),
        compact.hex(),
        "0x" + compact.hex(),
        "0x" + compact.hex().upper(),
        long,
        rs + bytes([parity]),
        wallet.signature,
        "0x" + long.hex(),
        "0X" + long.hex().upper(),
        f" {long.hex()}\n",
        wallet,
        {"r": hex_r, "s": hex_s, "v": 27 + parity},
        {"r": r, "s": s, "v": parity},
        {"r": str(r), "s": str(s), "yParity": str(parity)},
        {"r": hex_r, "s": hex_s, "yParity": hex(parity), "v": str(27 + parity)},
        {"r": hex_r[2:], "s": hex_s[2:], "v": 27 + parity},
        {"_type": "signature", "networkV": None, "r": hex_r, "s": hex_s, "v": 27 + parity},
        {"r": hex_r, "s": hex_s, "_vs": "0x" + compact[32:].hex(), "recoveryParam": parity, "v": 27 + parity},
        high | {"v": 27 + (parity ^ 1)},
        rs[:32] + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([27 + (parity ^ 1)]),
    ]


@settings(max_examples=25)
@given(st.integers(0, (1 << 32) - 1))
def test_every_form_of_a_wallet_is_packed_alike(interval: int) -> None:
    order = order_of(interval)
    expected = order.sign(DOMAIN, KEY)
    for form in forms(order):
        assert compact_signature(form) == expected
        assert order.recover(DOMAIN, form) == address_of(KEY)
        assert SignedOrder(order, form) == SignedOrder(order, expected)
        assert SignedReading(0, 1, 0, 1, 0, form).signature == expected


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (b"", "has 0 bytes"),
        (bytes(63), "has 63 bytes"),
        (bytes(66), "has 66 bytes"),
        (bytes(65), "out of range"),
        (bytes([1] * 64) + b"\x1d", "v is 29"),
        (bytes([1] * 64) + b"\x25", "v is 37"),
        (b"\xff" * 64 + b"\x1b", "out of range"),
        ("0x", "no hexadecimal"),
        ("0x123", "no hexadecimal"),
        ("signature", "no hexadecimal"),
        ("0x" + "11" * 63, "has 63 bytes"),
        ("0x" + "١" * 128, "no hexadecimal"),
        (None, "no r and s"),
        (5, "no r and s"),
        ([], "no r and s"),
        ({}, "no r and s"),
        ({"r": "0x1"}, "no r and s"),
        ({"r": 1, "s": 1}, "neither v nor yParity"),
        ({"r": 1, "s": 1, "v": 27, "yParity": 1}, "contradict"),
        ({"r": 1, "s": 1, "v": 35}, "v is 35"),
        ({"r": 1, "s": 1, "v": True}, "v is no number"),
        ({"r": 1.5, "s": 1, "v": 27}, "r is no number"),
        ({"r": "x", "s": 1, "v": 27}, "r is no number"),
        ({"r": 0, "s": 1, "v": 27}, "out of range"),
        ({"r": 1, "s": CURVE_ORDER, "v": 27}, "out of range"),
        ({"r": -1, "s": 1, "v": 27}, "out of range"),
    ],
)
def test_what_no_wallet_gives_is_refused(form: Any, message: str) -> None:
    with pytest.raises(SignatureError, match=message):
        compact_signature(form)


def test_a_compact_signature_with_a_high_s_is_still_refused() -> None:
    forged = (1).to_bytes(32, "big") + (MAX_S + 1).to_bytes(32, "big")
    with pytest.raises(SignatureError, match="high s"):
        order_of(1).recover(DOMAIN, compact_signature(forged))


def test_one_packed_message_may_end_in_a_long_signature() -> None:
    order = order_of(9)
    long = bytes(Account.sign_typed_data(KEY, full_message=order.typed_data(DOMAIN)).signature)
    signed, reading = SignedOrder(order, long), SignedReading(3, 1, 2, 4, 5, long)
    packed, packed_reading = encode_orders([signed]), encode_signed_readings([reading])
    assert decode_order(packed, 9) == decode_order(packed[:-64] + long, 9) == signed
    assert decode_signed_reading(packed_reading[:-64] + long) == reading
    with pytest.raises(CodecError, match="2 orders in one"):
        decode_order(packed * 2, 9)
    with pytest.raises(CodecError, match="cut short"):
        decode_order(packed[:-1], 9)
    with pytest.raises(SignatureError, match="v is 99"):
        decode_order(packed[:-64] + long[:64] + b"c", 9)
