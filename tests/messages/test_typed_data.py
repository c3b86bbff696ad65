"""Digests by hand equal the EIP-712 encoding that every wallet uses."""

import json

import pytest
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.messages import (
    Domain,
    EnvelopeLimits,
    FieldError,
    MeterAttestation,
    MeterCorrection,
    MeterReading,
    NetworkReport,
    OperatingEnvelope,
    Order,
    Side,
    Step,
)
from peerwatt.messages.domain import TypedMessage

DOMAIN = Domain(31337, "0x5FbDB2315678afecb367f032d93F642f64180aa3")


def uint(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


hashes = st.binary(min_size=32, max_size=32)
steps = st.builds(Step, st.sampled_from(Side), uint(8), uint(23))
limits = st.builds(EnvelopeLimits, uint(16), uint(16))
messages = st.one_of(
    st.builds(Order, uint(32), uint(16), st.lists(steps, max_size=9).map(tuple)),
    st.builds(MeterReading, uint(32), uint(16), uint(32), uint(32), uint(48), uint(48)),
    st.builds(MeterAttestation, uint(32), hashes, uint(40)),
    st.builds(MeterCorrection, uint(32), uint(16), uint(16), hashes, uint(40)),
    st.builds(NetworkReport, uint(32), uint(8), uint(40), uint(24), hashes, hashes, hashes, hashes),
    st.builds(OperatingEnvelope, uint(32), uint(16), hashes, hashes, st.lists(limits).map(tuple)),
)


@given(messages, uint(256))
def test_digest_equals_eth_account_encoding(message: TypedMessage, chain_id: int) -> None:
    domain = Domain(chain_id, DOMAIN.market)
    signable = encode_typed_data(full_message=message.typed_data(domain))
    assert signable.header == domain.separator
    assert message.digest(domain) == keccak(b"\x19" + signable.version + signable.header + signable.body)


@given(messages, uint(256))
def test_typed_data_is_json_that_every_reader_keeps(message: TypedMessage, chain_id: int) -> None:
    domain = Domain(chain_id, DOMAIN.market)
    typed_data = message.typed_data(domain)
    # As JavaScript reads it: every number a double.
    read = json.loads(json.dumps(typed_data, allow_nan=False), parse_int=lambda digits: int(float(digits)))
    assert read == typed_data
    assert set(read["types"]) >= {"EIP712Domain", read["primaryType"]}
    signable = encode_typed_data(full_message=read)
    assert message.digest(domain) == keccak(b"\x19" + signable.version + signable.header + signable.body)


def test_digest_depends_on_market_and_chain() -> None:
    order = Order(1, 4, (Step(Side.BUY, 1, 1),))
    other_market = Domain(DOMAIN.chain_id, "0x" + "11" * 20)
    other_chain = Domain(1, DOMAIN.market)
    assert len({order.digest(domain) for domain in (DOMAIN, other_market, other_chain)}) == 3


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: Step(Side.BUY, 256, 1), r"Step\.tick"),
        (lambda: Step(Side.BUY, 0, 1 << 23), r"Step\.quantity"),
        (lambda: Step(Side.BUY, 0, -1), r"Step\.quantity"),
        (lambda: Step(Side.BUY, 0, 1.5), r"Step\.quantity"),
        (lambda: Step(2, 0, 1), r"Step\.side"),
        (lambda: Order(1 << 32, 4, ()), r"Order\.interval"),
        (lambda: MeterReading(1, 4, 1 << 32, 0, 0, 0), r"MeterReading\.imported"),
        (lambda: MeterAttestation(1, b"", 0), r"MeterAttestation\.metered"),
        (lambda: MeterCorrection(1, 0, 1 << 16, bytes(32), 0), r"MeterCorrection\.run"),
        (lambda: EnvelopeLimits(0, 1 << 16), r"EnvelopeLimits\.exported"),
        (lambda: OperatingEnvelope(1, 0, b"", bytes(32), ()), r"OperatingEnvelope\.feeder_hash"),
        (lambda: Domain(1, "0x12"), r"Domain\.market"),
    ],
)
def test_field_that_does_not_fit_is_refused_by_name(build, named) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FieldError, match=named):
        build()
