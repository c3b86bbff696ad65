"""Whoever has ether settles what nobody's own records have: everything that it takes is in events."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from onchain import CONFIG, ETHER, FIRST_INTERVAL, OnChainMarket, wallet

from peerwatt.chain import Artifact, Contract, Sender, deploy, open_network
from peerwatt.client import MarketClient
from peerwatt.messages import (
    Decision,
    Reading,
    ReadingStatus,
    Side,
    Verdict,
    encode_decisions,
    encode_readings,
    encode_signed_readings,
)
from peerwatt.oracle.public_record import report_on_chain
from peerwatt.roles.settler import Outcome, Settler, Step

INTERVAL = FIRST_INTERVAL
FORWARDER = Artifact.from_json(
    json.loads((Path(__file__).parent / "artifacts" / "Forwarder.json").read_text())
)


@pytest.fixture(scope="module")
def founded() -> Iterator[tuple[OnChainMarket, Contract]]:
    with open_network() as network:
        market = OnChainMarket(network, 4, config=replace(CONFIG, max_network_fee=25))
        yield market, deploy(market.sender, FORWARDER).contract


@pytest.fixture
def parties(founded: tuple[OnChainMarket, Contract]) -> Iterator[tuple[OnChainMarket, Contract]]:
    snapshot = founded[0].network.snapshot()
    yield founded
    founded[0].network.revert(snapshot)


def stranger(market: OnChainMarket) -> Settler:
    key = wallet(77)
    market.network.fund({key.address: ETHER})
    return Settler(MarketClient(market.network, market.deployment, Sender(market.network, key)), sends=True)


def forward(market: OnChainMarket, forwarder: Contract, *calls: bytes) -> None:
    target = market.client.market.address
    market.sender.send(forwarder.functions.forward([target] * len(calls), list(calls)))


def test_a_strangers_order_that_nobody_relays_is_settled_from_the_chain_alone(
    parties: tuple[OnChainMarket, Contract],
) -> None:
    market, _ = parties
    market.at(CONFIG.start(INTERVAL) - 1000)
    market.as_wallet(4).post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 1))])
    market.network.advance_to(CONFIG.book_closure(INTERVAL))
    waits = CONFIG.report_deadline(INTERVAL)
    assert list(stranger(market).settle()) == [
        Outcome(INTERVAL, Step.CLEARED),
        Outcome(INTERVAL, Step.WAITS, until=waits),
    ]
    market.network.advance_to(CONFIG.readings_deadline(INTERVAL))
    assert list(stranger(market).settle()) == [
        Outcome(INTERVAL, Step.EXPIRED),
        Outcome(INTERVAL, Step.SETTLED, 0),
    ]
    assert list(stranger(market).settle()) == []
    assert market.client.interval(INTERVAL).settled == 1


def test_what_came_through_another_contract_is_settled_from_events(
    parties: tuple[OnChainMarket, Contract],
) -> None:
    """Posts for two intervals at once, report, attestation and a meter's own word, none of them a call of its
    own."""
    market, forwarder = parties
    client, network = market.client, market.network
    market.at(CONFIG.start(INTERVAL) - 700)
    own = [(4, Side.SELL, 500), (5, Side.BUY, 400), (6, Side.BUY, 100)]
    orders = [market.order(INTERVAL, account, (side, 20, amount)) for account, side, amount in own]
    later = [market.order(INTERVAL + 1, 4, (Side.SELL, 20, 100))]
    posts = [client.post_call(INTERVAL, [each]).data for each in orders]
    forward(market, forwarder, posts[0], client.post_call(INTERVAL + 1, later).data, *posts[1:])
    market.at(CONFIG.book_closure(INTERVAL))
    client.clear(INTERVAL)

    decisions = [encode_decisions([Decision(300, 300, 2, 3)]), b"", encode_decisions([Decision(0, 50, 1)])]
    report = market.report_on(INTERVAL, Verdict.CURTAIL, 300, decisions)
    forward(market, forwarder, client.report_call(report, decisions, *market.quorum_of(report)).data)
    assert report_on_chain(client, INTERVAL).report == report
    assert report_on_chain(client, INTERVAL).decisions == tuple(decisions)

    market.at(CONFIG.end(INTERVAL))
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 0, 200)]), b"", b""]
    attest = client.market.functions.attest
    forward(
        market,
        forwarder,
        attest(INTERVAL, readings, 200, market.attestation(INTERVAL, readings, 200)).data,
    )
    signed = market.signed_reading(INTERVAL, 0, 6, 70, 0)
    view = client.watch()
    view.follow()
    overrule = client.market.functions.overrule
    forward(
        market,
        forwarder,
        overrule(INTERVAL, 2, view.interval(INTERVAL).data(2).abi, encode_signed_readings([signed])).data,
    )

    network.advance_to(CONFIG.readings_deadline(INTERVAL))
    settled = [each for each in stranger(market).settle(INTERVAL) if each.step == Step.SETTLED]
    assert [each.batch for each in settled] == [0, 1, 2]
    assert [cash for cash, _ in client.accounts(7)][4:] != [0, 0, 0]
    assert client.interval(INTERVAL).settled == 3


def test_nobody_but_the_market_has_readings_told_as_overruled(
    parties: tuple[OnChainMarket, Contract],
) -> None:
    market, _ = parties
    batch = market.traded()[0]
    side = market.deployment.contract(market.network, "SignedReadings")
    state = market.client.interval(INTERVAL)
    call = side.functions.overrule(
        market.client.market.functions.domainSeparator().call(),
        INTERVAL,
        0,
        state.terms_word,
        state.clearing_word,
        batch.abi,
        encode_signed_readings([market.signed_reading(INTERVAL, 0, 4, 0, 5)]),
    )
    with pytest.raises(Exception, match="NotMarket"):
        market.sender.send(call)
