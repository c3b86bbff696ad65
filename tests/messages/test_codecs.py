"""Packed forms have the documented layout and read back to what was packed."""

import pytest
from eth_abi import encode as abi_encode
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from peerwatt.messages import (
    Clearing,
    CodecError,
    Decision,
    MarginalTick,
    Order,
    PlacedStep,
    Reading,
    ReadingStatus,
    Record,
    Side,
    SignedOrder,
    SignedReading,
    Step,
    clearing_hash,
    decisions_hash,
    decode_decisions,
    decode_orders,
    decode_readings,
    decode_records,
    decode_signed_readings,
    encode_decisions,
    encode_orders,
    encode_readings,
    encode_records,
    encode_signed_readings,
    gated_commitment,
    metered_commitment,
    metered_hash,
    posted_commitment,
    posted_commitments,
)


def uint(bits: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << bits) - 1)


steps = st.builds(Step, st.sampled_from(Side), uint(8), uint(23))
signatures = st.binary(min_size=64, max_size=64)
orders = st.builds(
    SignedOrder, st.builds(Order, st.just(9), uint(16), st.lists(steps, max_size=9).map(tuple)), signatures
)
records = st.builds(Record, uint(16), st.lists(st.builds(PlacedStep, steps, uint(32)), max_size=8).map(tuple))
decisions = st.builds(Decision, *[uint(32)] * 5, uint(16))
readings = st.builds(Reading, st.sampled_from(ReadingStatus), uint(31), uint(31))
signed_readings = st.lists(
    st.builds(SignedReading, uint(16), uint(32), uint(32), uint(48), uint(48), signatures),
    unique_by=lambda reading: reading.position,
).map(lambda found: tuple(sorted(found, key=lambda reading: reading.position)))
marginals = st.builds(MarginalTick, uint(8), uint(32), uint(32), uint(32))


@given(st.lists(orders, max_size=5).map(tuple))
def test_orders_round_trip(batch: tuple[SignedOrder, ...]) -> None:
    assert decode_orders(encode_orders(batch), 9) == batch


@given(st.lists(records, max_size=5).map(tuple))
def test_records_round_trip(batch: tuple[Record, ...]) -> None:
    assert decode_records(encode_records(batch)) == batch


@given(st.lists(decisions, max_size=5).map(tuple))
def test_decisions_round_trip(batch: tuple[Decision, ...]) -> None:
    assert decode_decisions(encode_decisions(batch)) == batch


@given(st.lists(readings, max_size=5).map(tuple))
def test_readings_round_trip(batch: tuple[Reading, ...]) -> None:
    assert decode_readings(encode_readings(batch)) == batch


@given(signed_readings)
def test_signed_readings_round_trip(batch: tuple[SignedReading, ...]) -> None:
    assert decode_signed_readings(encode_signed_readings(batch)) == batch


@given(st.builds(Clearing, uint(16), uint(16), st.booleans(), marginals, marginals))
def test_clearing_word_round_trips(clearing: Clearing) -> None:
    assert clearing.pack() < 1 << 256
    assert Clearing.unpack(clearing.pack()) == clearing


@given(uint(256))
def test_every_word_is_a_clearing(word: int) -> None:
    used = word & ~(((1 << 15) - 1) << 33)
    assert Clearing.unpack(word).pack() == used


def test_layouts_are_the_documented_ones() -> None:
    sell = Step(Side.SELL, 0xAB, 0x7FFFFF)
    assert sell.pack() == 1 << 31 | 0xAB << 23 | 0x7FFFFF
    assert encode_orders([SignedOrder(Order(1, 0x0102, (sell,)), b"\x99" * 64)]) == (
        b"\x01\x02" + b"\x01" + sell.pack().to_bytes(4, "big") + b"\x99" * 64
    )
    assert encode_records([Record(0x0102, (PlacedStep(sell, 0xDEADBEEF),))]) == (
        b"\x00\x01" + b"\x01\x02" + b"\x01" + sell.pack().to_bytes(4, "big") + b"\xde\xad\xbe\xef"
    )
    assert encode_decisions([Decision(1, 2, 3, 4, 5, 6)]).hex() == (
        "00000001" + "00000002" + "00000003" + "00000004" + "00000005" + "0006" + "0000"
    )
    assert encode_readings([Reading(ReadingStatus.METER_SIGNED, 1, 1)]) == (
        (2 << 62 | 1 << 31 | 1).to_bytes(8, "big")
    )
    assert encode_signed_readings([SignedReading(1, 2, 3, 4, 5, b"\x99" * 64)]).hex() == (
        "00010000000200000003000000000004000000000005" + "99" * 64
    )
    assert Clearing(1, 2, True, MarginalTick(3, 4, 5, 6), MarginalTick(7, 8, 9, 10)).pack() == (
        1
        | 2 << 16
        | 1 << 32
        | 3 << 48
        | 4 << 56
        | 5 << 88
        | 6 << 120
        | 7 << 152
        | 8 << 160
        | 9 << 192
        | 10 << 224
    )


@pytest.mark.parametrize("cut", range(1, 3 + 4 + 64))
def test_orders_cut_anywhere_are_refused(cut: int) -> None:
    whole = encode_orders([SignedOrder(Order(9, 4, (Step(Side.BUY, 1, 1),)), bytes(64))])
    with pytest.raises(CodecError, match="cut short"):
        decode_orders(whole + whole[:cut], 9)


def test_wrong_lengths_are_refused() -> None:
    for decode in (decode_decisions, decode_readings, decode_signed_readings):
        with pytest.raises(CodecError, match="multiple"):
            decode(bytes(7))
    with pytest.raises(CodecError, match="cut short"):
        decode_records(bytes.fromhex("000402") + bytes(15))


def test_signed_readings_out_of_order_or_twice_are_refused() -> None:
    first, second = (SignedReading(position, 0, 0, 0, 0, bytes(64)) for position in (3, 5))
    for batch in ((second, first), (first, first)):
        with pytest.raises(CodecError, match="position"):
            encode_signed_readings(batch)
        with pytest.raises(CodecError, match="position"):
            decode_signed_readings(b"".join(encode_signed_readings([reading]) for reading in batch))


def test_commitments_are_the_documented_hashes() -> None:
    previous = bytes(range(32))
    posted = posted_commitment(0x01020304, 0x0506, previous, b"records")
    assert posted == keccak(bytes.fromhex("00010203040506") + previous + b"records")
    assert gated_commitment(posted, b"decisions") == keccak(b"\x01" + posted + keccak(b"decisions"))
    assert metered_commitment(posted, b"readings") == keccak(b"\x02" + posted + keccak(b"readings"))
    first = posted_commitment(7, 0, bytes(32), b"a")
    assert posted_commitments(7, []) == ()
    assert posted_commitments(7, [b"a", b"b"]) == (first, posted_commitment(7, 1, first, b"b"))
    for words, last in (([], bytes(32)), ([posted, first], first)):
        assert clearing_hash(7, (1 << 256) - 1, words) == keccak(
            abi_encode(["uint256", "uint256", "bytes32"], [7, (1 << 256) - 1, last])
        )
    assert decisions_hash([]) == bytes(32)
    assert decisions_hash([b"a", b""]) == keccak(keccak(b"a") + keccak(b""))
    assert metered_hash([], []) == keccak(b"")
    assert metered_hash([posted, first], [b"a", b""]) == keccak(metered_commitment(posted, b"a") + first)
