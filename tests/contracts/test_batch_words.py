"""A batch has one word, from its posting to the end of its corrections; then a later interval's has it."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket
from refusals import refused

from peerwatt.client import BatchData
from peerwatt.messages import (
    Reading,
    ReadingStatus,
    Side,
    Verdict,
    encode_readings,
    posted_commitment,
    settled_commitment,
)

INTERVAL = FIRST_INTERVAL
CORRECTED = encode_readings([Reading(ReadingStatus.ATTESTED, 500, 600)] * 2)


def correct(market: OnChainMarket, data: BatchData, settled_by: tuple[int, int], run: int = 2) -> Any:
    return market.correct(INTERVAL, 0, data, settled_by, run, CORRECTED, 1000)


def test_word_says_what_the_batch_was_settled_by(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    posted = posted_commitment(INTERVAL, 0, bytes(32), batches[0].records)
    assert market.client.batch_commitment(INTERVAL, 0) == settled_commitment(posted, *settled_by[0])


def test_batch_that_was_corrected_settles_neither_as_it_was_nor_as_it_is(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    correct(market, batches[0], settled_by[0])
    books = market.client.accounts(8)
    for data in (batches[0], replace(batches[0], readings=CORRECTED)):
        refused("NotCommitted", lambda data=data: market.client.settle(INTERVAL, 0, data))
    assert market.client.accounts(8) == books


def test_batch_is_corrected_after_its_slot_of_the_ring_was_used_again(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    play(market, INTERVAL + CONFIG.ring_size)
    refused("UnknownBatch", lambda: market.client.batch_commitment(INTERVAL, 0))
    books = market.client.accounts(8)
    correct(market, batches[0], settled_by[0])
    assert market.client.accounts(8) != books


def test_word_of_a_batch_is_taken_over_when_it_can_no_longer_be_corrected(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    market.propose(INTERVAL, 0, batches[0], 2, CORRECTED, 1000)
    later = INTERVAL + CONFIG.batch_ring
    market.at((later - CONFIG.open_ahead) * CONFIG.interval_length)
    booking = (INTERVAL, 0, batches[0], settled_by[0], 2, 1000, CORRECTED)
    refused("TooLate", lambda: market.client.correct(*booking))
    market.client.post(later, [market.order(later, 4, (Side.SELL, 20, 600))])
    refused("NotCommitted", lambda: market.client.correct(*booking))


def test_no_other_number_stands_for_an_interval_whose_corrections_are_closed(market: OnChainMarket) -> None:
    """A word is found and made from the low bits of the number, which nobody can propose a correction for."""
    batches, settled_by = market.settled()
    market.propose(INTERVAL, 0, batches[0], 2, CORRECTED, 1000)
    market.at(CONFIG.booking_deadline(INTERVAL))
    books = market.client.accounts(8)
    for number, refusal in ((INTERVAL, "TooLate"), (INTERVAL + (CONFIG.batch_ring << 40), "NotCommitted")):
        refused(
            refusal,
            lambda number=number: market.client.correct(
                number, 0, batches[0], settled_by[0], 2, 1000, CORRECTED
            ),
        )
    assert market.client.accounts(8) == books


@given(
    length=st.integers(1, 7200),
    window=st.integers(0, 30 * 86_400),
    delay=st.integers(1, 30 * 86_400),
    open_ahead=st.integers(1, 96),
    beyond=st.integers(2, 96),
)
def test_no_interval_takes_orders_whose_words_an_older_one_still_needs(
    length: int, window: int, delay: int, open_ahead: int, beyond: int
) -> None:
    config = replace(
        CONFIG,
        interval_length=length,
        gate_lead=0,
        report_window=0,
        attest_window=0,
        overrule_window=0,
        correction_window=window,
        correction_delay=delay,
        open_ahead=open_ahead,
        ring_size=open_ahead + beyond,
    )
    first_order = (INTERVAL + config.batch_ring - config.open_ahead) * config.interval_length
    assert config.last_open(first_order - 1) < INTERVAL + config.batch_ring
    assert config.booking_deadline(INTERVAL) <= first_order
    # And the older one was settled, because both have one slot of the ring.
    assert config.batch_ring % config.ring_size == 0


def play(market: OnChainMarket, interval: int) -> None:
    market.at(CONFIG.start(interval) - 1000)
    posted = market.client.post(interval, [market.order(interval, 4, (Side.SELL, 20, 600))])
    market.at(CONFIG.gate_closure(interval))
    market.client.clear(interval)
    market.report(interval, Verdict.ACCEPT, 0)
    market.at(CONFIG.readings_deadline(interval))
    market.client.settle(interval, 0, posted.data)
