"""Each batch's word holds the one before: what follows from that for posting, clearing and settling."""

from dataclasses import replace

from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket
from refusals import refused

from peerwatt.messages import (
    NO_TRADE,
    Decision,
    Side,
    TermsWord,
    Verdict,
    clearing_hash,
    encode_decisions,
    posted_commitment,
    posted_commitments,
)
from peerwatt.roles.keeper import Keeper
from peerwatt.roles.relayer import OrderQueue, Relayer

INTERVAL = FIRST_INTERVAL


def test_clearing_hash_commits_to_the_records_of_every_batch(market: OnChainMarket) -> None:
    records = [batch.records for batch in market.traded()]
    clearing = market.client.interval(INTERVAL).clearing_word

    def hash_of(batches: list[bytes]) -> bytes:
        return clearing_hash(INTERVAL, clearing, posted_commitments(INTERVAL, batches))

    assert market.client.clearing_hash(INTERVAL) == hash_of(records)
    altered = records[0][:-1] + bytes([records[0][-1] ^ 1])
    others = ([], records[:1], records[1:], records[::-1], [*records, b""], [altered, records[1]])
    assert len({hash_of(batches) for batches in (records, *others)}) == 1 + len(others)


def test_batch_settles_behind_one_that_the_report_and_the_meters_have_changed(market: OnChainMarket) -> None:
    """What it was posted behind is the other's records: neither decisions nor readings change that."""
    batches = market.traded()
    decisions = [encode_decisions([Decision(300, 0, 0), Decision(0, 300, 0)]), b""]
    market.report(INTERVAL, Verdict.CURTAIL, 300, decisions)
    market.at(CONFIG.attest_deadline(INTERVAL))
    batches[0] = replace(batches[0], decisions=decisions[0])
    signed = [market.signed_reading(INTERVAL, 0, 4, 0, 300)]
    _, readings = market.client.overrule(INTERVAL, 0, batches[0], signed)
    batches[0] = replace(batches[0], readings=readings)
    assert market.client.batch_commitment(INTERVAL, 0) != batches[1].previous
    market.at(CONFIG.readings_deadline(INTERVAL))
    market.client.settle(INTERVAL, 1, batches[1])
    market.client.settle(INTERVAL, 0, batches[0])


def test_first_batch_of_a_slot_that_was_used_before_is_behind_nothing(market: OnChainMarket) -> None:
    """An older interval's words lie in their place: no batch is chained to them, and nobody reads them."""
    old, _ = market.settled()
    again = INTERVAL + CONFIG.batch_ring
    market.at(CONFIG.start(again) - 1000)
    posted = market.client.post(again, [market.order(again, 4, (Side.SELL, 20, 600))])
    assert (posted.batch, posted.previous) == (0, bytes(32))
    assert market.client.batch_commitment(again, 0) == posted_commitment(again, 0, bytes(32), posted.packed)
    refused("UnknownBatch", lambda: market.client.batch_commitment(again, 1))
    market.at(CONFIG.gate_closure(again))
    market.client.clear(again)
    state = market.client.interval(again)
    assert market.client.clearing_hash(again) == clearing_hash(
        again, state.clearing_word, posted_commitments(again, [posted.packed])
    )
    market.report(again, Verdict.ACCEPT, 0)
    market.at(CONFIG.readings_deadline(again))
    refused("UnknownBatch", lambda: market.client.settle(again, 1, old[1]))
    market.client.settle(again, 0, posted.data)
    later = again + CONFIG.batch_ring
    market.at(CONFIG.start(later) - 1000)
    assert market.client.post(later, []).batch is None
    market.at(CONFIG.gate_closure(later))
    assert market.client.clear(later).clearing_hash == clearing_hash(later, NO_TRADE.pack(), [])


def test_keeper_settles_a_relayers_batch_behind_one_that_somebody_else_posted(market: OnChainMarket) -> None:
    market.at(CONFIG.start(INTERVAL) - 1000)
    direct = market.as_wallet(4).post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))])
    with OrderQueue() as queue:
        view = market.client.watch()
        relayer = Relayer(market.client, queue, view)
        relayer.accept(market.order(INTERVAL, 6, (Side.BUY, 40, 500)))
        [posted] = relayer.post(INTERVAL)
        assert posted.previous == posted_commitment(INTERVAL, 0, bytes(32), direct.packed)
        market.at(CONFIG.gate_closure(INTERVAL))
        market.client.clear(INTERVAL)
        market.report(INTERVAL, Verdict.ACCEPT, 500)
        # What the relayer kept is not asked for: the chain tells the keeper both batches.
        market.at(CONFIG.readings_deadline(INTERVAL) + 5)
        Keeper(market.client, CONFIG, view).step(CONFIG.readings_deadline(INTERVAL) + 5)
    view.follow()
    assert sorted(view.interval(INTERVAL).settled) == [0, 1]
    assert {TermsWord.unpack(terms).volume for terms, _ in view.interval(INTERVAL).settled.values()} == {500}
