"""Records, readings and corrections other than those that the market knows."""

from dataclasses import replace
from typing import Any

from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    OnChainMarket,
)
from refusals import refused

from peerwatt.client import BatchData
from peerwatt.messages import (
    Reading,
    ReadingStatus,
    Verdict,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL


def test_altered_reordered_or_truncated_records_do_not_settle(market: OnChainMarket) -> None:
    first, second = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    records, length = first.records, len(first.records) // 2
    for forged in (
        records[:-1] + bytes([records[-1] ^ 1]),
        records[length:] + records[:length],
        records[:length],
        records + records[:length],
        second.records,
        b"",
    ):
        refused(
            "NotCommitted",
            lambda forged=forged: market.client.settle(INTERVAL, 0, BatchData(forged)),
        )
    refused("NotCommitted", lambda: market.client.settle(INTERVAL, 1, first))
    market.client.settle(INTERVAL, 0, first)


def test_readings_or_decisions_that_nobody_gave_do_not_settle(market: OnChainMarket) -> None:
    first, _ = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    readings = encode_readings([Reading(ReadingStatus.ATTESTED, 0, 600)] * 2)
    for forged in (replace(first, readings=readings), replace(first, decisions=bytes(24))):
        refused("NotCommitted", lambda forged=forged: market.client.settle(INTERVAL, 0, forged))


def test_batch_does_not_settle_behind_another_than_it_was_posted_behind(market: OnChainMarket) -> None:
    first, second = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    third = market.client.batch_commitment(INTERVAL, 1)
    for batch, data, other in (
        (0, first, second.previous),
        (0, first, third),
        (1, second, bytes(32)),
        (1, second, third),
    ):
        forged = replace(data, previous=other)
        refused(
            "NotCommitted", lambda batch=batch, forged=forged: market.client.settle(INTERVAL, batch, forged)
        )
    market.client.settle(INTERVAL, 1, second)
    market.client.settle(INTERVAL, 0, first)


def test_batch_is_settled_once(market: OnChainMarket) -> None:
    batches, _ = market.settled()
    refused("AlreadySettled", lambda: market.client.settle(INTERVAL, 0, batches[0]))
    refused("UnknownBatch", lambda: market.client.settle(INTERVAL, 2, batches[0]))


def test_batch_is_corrected_once_per_run_and_not_before_it_is_settled(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    readings = encode_readings([Reading(ReadingStatus.ATTESTED, 500, 600)] * 2)
    unread = market.client.accounts(8)

    def correct(run: int, data: BatchData, by: tuple[int, int], batch: int = 0) -> Any:
        return market.correct(INTERVAL, batch, data, by, run, readings, 1000)

    def book(run: int, data: BatchData, by: tuple[int, int]) -> Any:
        return market.client.correct(INTERVAL, 0, data, by, run, 1000, readings)

    refused("OldRun", lambda: correct(1, batches[0], settled_by[0]))
    receipt = correct(2, batches[0], settled_by[0])
    assert market.client.accounts(8) != unread
    refused("NotCommitted", lambda: book(2, batches[0], settled_by[0]))
    now = replace(batches[0], readings=readings)
    by = market.client.settlement_terms(receipt)
    refused("OldRun", lambda: book(2, now, by))
    refused("NotCommitted", lambda: correct(3, batches[0], settled_by[0], batch=2))
    correct(3, now, by)


def test_batch_that_was_never_settled_is_not_corrected(market: OnChainMarket) -> None:
    """The first batch is settled, the second waits: what corrects the first does nothing to the second."""
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    by = market.client.settlement_terms(market.client.settle(INTERVAL, 0, batches[0]))
    readings = encode_readings([Reading(ReadingStatus.ATTESTED, 500, 600)] * 2)
    for batch, data in enumerate(batches):
        proposed = market.propose(INTERVAL, batch, data, 2, readings, 1000)
    market.at(proposed.since)
    for data, settled_by in ((batches[1], by), (batches[0], by), (batches[1], (0, 0))):
        refused(
            "NotCommitted",
            lambda data=data, settled_by=settled_by: market.client.correct(
                INTERVAL, 1, data, settled_by, 2, 1000, readings
            ),
        )
    market.client.correct(INTERVAL, 0, batches[0], by, 2, 1000, readings)
