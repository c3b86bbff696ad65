"""Signatures are compact, low-s, and recover to the signer alone."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from peerwatt.messages import Domain, Order, Side, SignatureError, Step, address_of
from peerwatt.messages.signature import CURVE_ORDER, MAX_S, sign_digest, split_signature

DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")
KEY = bytes(31) + b"\x07"
ORDER = Order(7, 4, (Step(Side.SELL, 20, 500),))

keys = st.integers(1, CURVE_ORDER - 1).map(lambda number: number.to_bytes(32, "big"))


@settings(max_examples=50)
@given(keys, st.integers(0, (1 << 32) - 1))
def test_signature_is_eth_accounts_in_compact_form(key: bytes, interval: int) -> None:
    order = Order(interval, 4, ORDER.steps)
    signature = order.sign(DOMAIN, key)
    wallet = Account.sign_message(encode_typed_data(full_message=order.typed_data(DOMAIN)), key)
    assert split_signature(signature) == (wallet.r, wallet.s, wallet.v - 27)
    assert order.recover(DOMAIN, signature) == Account.from_key(key).address == address_of(key)


def test_signature_over_another_message_recovers_somebody_else() -> None:
    signature = ORDER.sign(DOMAIN, KEY)
    assert Order(8, 4, ORDER.steps).recover(DOMAIN, signature) != address_of(KEY)
    assert ORDER.recover(Domain(1, DOMAIN.market), signature) != address_of(KEY)


def compact(r: int, s: int, parity: int) -> bytes:
    return r.to_bytes(32, "big") + (parity << 255 | s).to_bytes(32, "big")


def test_high_s_is_refused() -> None:
    r = 1
    assert split_signature(compact(r, MAX_S, 0)) == (r, MAX_S, 0)
    with pytest.raises(SignatureError, match="high s"):
        ORDER.recover(DOMAIN, compact(r, MAX_S + 1, 0))


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(63), bytes(65), bytes(64), compact(0, 1, 0), compact(1, 0, 1), compact(CURVE_ORDER, 1, 0)],
    ids=["empty", "short", "65 bytes", "zero", "r = 0", "s = 0", "r = n"],
)
def test_malformed_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(SignatureError):
        ORDER.recover(DOMAIN, signature)


def test_point_off_the_curve_is_refused() -> None:
    with pytest.raises(SignatureError, match="no public key"):
        ORDER.recover(DOMAIN, compact(5, 1, 0))  # x = 5 is on no point of secp256k1


@pytest.mark.parametrize("key", [bytes(32), bytes(31), CURVE_ORDER.to_bytes(32, "big")])
def test_bad_private_key_is_refused(key: bytes) -> None:
    with pytest.raises(SignatureError, match="private key"):
        sign_digest(bytes(32), key)
