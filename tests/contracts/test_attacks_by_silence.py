"""What silence is worth: nothing to a seller, and to a buyer what its connection carries, for a while."""

import pytest
from onchain import CONFIG, FIRST_INTERVAL
from pair import MarketPair

from peerwatt.messages import Reading, ReadingStatus, Side, Verdict, encode_readings

INTERVAL = FIRST_INTERVAL
SELLER, SILENT, HONEST = 4, 6, 7
BOUGHT, FUSE, RETAIL = 300, 1000, 300
GONE = Reading(ReadingStatus.MISSING, 0, 0)


def read(imported: int, exported: int) -> Reading:
    return Reading(ReadingStatus.ATTESTED, imported, exported)


def settled(pair: MarketPair, *readings: Reading) -> list[int]:
    """The seller sells 300 Wh to each of two buyers; what its three members are booked."""
    pair.time = CONFIG.start(INTERVAL) - 1000
    orders = [pair.chain.order(INTERVAL, SELLER, (Side.SELL, 20, 2 * BOUGHT))]
    orders += [pair.chain.order(INTERVAL, buyer, (Side.BUY, 40, BOUGHT)) for buyer in (SILENT, HONEST)]
    pair.post(INTERVAL, orders)
    pair.time = CONFIG.gate_closure(INTERVAL)
    pair.report(pair.chain.report_on(INTERVAL, Verdict.ACCEPT, pair.clear(INTERVAL)))
    pair.time = CONFIG.end(INTERVAL)
    vector = [encode_readings(readings)]
    pair.attest(INTERVAL, vector, 0, pair.chain.attestation(INTERVAL, vector, 0))
    pair.time = CONFIG.readings_deadline(INTERVAL)
    before = [pair.twin.ledger[account].cash for account in (SELLER, SILENT, HONEST)]
    pair.settle(INTERVAL, 0)
    pair.compare(INTERVAL)
    after = [pair.twin.ledger[account].cash for account in (SELLER, SILENT, HONEST)]
    return [now - then for now, then in zip(after, before, strict=True)]


def test_silence_saves_a_buyer_what_its_connection_carries_until_it_is_corrected(pair: MarketPair) -> None:
    """Both drew all that their connections carry: who is silent pays for what it bought, and no more."""
    _, silent, honest = settled(pair, read(0, 600), GONE, read(FUSE, 0))
    assert silent - honest == RETAIL * (FUSE - BOUGHT)
    before = pair.twin.ledger[SILENT].cash
    pair.correct(INTERVAL, 0, 2, 600, encode_readings([read(0, 600), read(FUSE, 0), read(FUSE, 0)]))
    assert pair.twin.ledger[SILENT].cash - before == honest - silent
    pair.compare_accounts()


@pytest.mark.parametrize("exported", [0, 1, 599, 600, FUSE])
def test_silence_never_favours_a_seller(pair: MarketPair, exported: int) -> None:
    mark = pair.mark()
    silent, *_ = settled(pair, GONE, read(BOUGHT, 0), read(BOUGHT, 0))
    pair.back_to(mark)
    spoken, *_ = settled(pair, read(0, exported), read(BOUGHT, 0), read(BOUGHT, 0))
    assert silent <= spoken
