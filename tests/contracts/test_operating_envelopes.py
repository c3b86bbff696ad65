"""Operating envelopes: a quorum narrows what may be offered, before gate closure, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import pytest
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    LIMIT,
    OnChainMarket,
    committee_key,
    order_key,
    participants,
    signed_order,
    wallet,
)
from refusals import only_skip, refused, tried_at
from sealed_market import SEALED, phase_of

from peerwatt.chain import deploy, open_network
from peerwatt.client import EnvelopeBoard
from peerwatt.errors import InputError
from peerwatt.market import EnergyLimits
from peerwatt.messages import (
    Domain,
    EnvelopeLimits,
    Reading,
    ReadingStatus,
    Side,
    SkipReason,
    Verdict,
    encode_readings,
)

INTERVAL = FIRST_INTERVAL
OPEN = CONFIG.start(INTERVAL) - 1000
HALF = LIMIT // 2
"""500 Wh per quarter-hour."""


@pytest.fixture(scope="module")
def deployed_with_envelopes() -> Iterator[OnChainMarket]:
    with open_network() as network:
        yield OnChainMarket(network, 6, envelopes=True)


@pytest.fixture
def market(deployed_with_envelopes: OnChainMarket) -> Iterator[OnChainMarket]:
    """The same for each test, at a time when the interval takes orders."""
    snapshot = deployed_with_envelopes.network.snapshot()
    deployed_with_envelopes.at(OPEN)
    yield deployed_with_envelopes
    deployed_with_envelopes.network.revert(snapshot)


def test_order_within_its_connection_but_above_the_envelope_is_skipped(market: OnChainMarket) -> None:
    market.publish(market.envelope(INTERVAL, {4: (LIMIT, HALF), 5: (HALF, LIMIT)}))
    for account, side in ((4, Side.SELL), (5, Side.BUY)):
        for quantity in (501, 1000, 1001):
            order = market.order(INTERVAL, account, (side, 20, quantity))
            assert only_skip(market, order) == SkipReason.OVER_ENVELOPE
        other = Side.BUY if side == Side.SELL else Side.SELL
        apart = 60 if other == Side.SELL else 10
        whole = market.order(INTERVAL, account, *sorted([(side, 20, 500), (other, apart, 1000)]))
        assert not market.client.post(INTERVAL, [whole]).skipped


def test_order_over_a_connection_that_the_envelope_left_alone_is_skipped_as_such(
    market: OnChainMarket,
) -> None:
    market.publish(market.envelope(INTERVAL, {4: (LIMIT, LIMIT)}))
    order = market.order(INTERVAL, 4, (Side.SELL, 20, 1001))
    assert only_skip(market, order) == SkipReason.OVER_CONNECTION_LIMIT


def test_skipped_order_can_be_posted_again_smaller(market: OnChainMarket) -> None:
    market.publish(market.envelope(INTERVAL, {4: (0, HALF)}))
    assert only_skip(market, market.order(INTERVAL, 4, (Side.SELL, 20, 600))) == SkipReason.OVER_ENVELOPE
    assert market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 500))]).batch == 0


def test_envelope_is_of_its_interval_alone(market: OnChainMarket) -> None:
    market.publish(market.envelope(INTERVAL, {4: (0, 0)}))
    market.at(CONFIG.start(INTERVAL) - 600)
    order = market.order(INTERVAL + 1, 4, (Side.SELL, 20, 1000))
    assert not market.client.post(INTERVAL + 1, [order]).skipped
    assert market.board.limits(INTERVAL, 0)[4] == EnergyLimits(0, 0)
    assert market.board.limits(INTERVAL, 0)[5] == EnergyLimits(1000, 1000)
    assert market.board.limits(INTERVAL + 1, 0) == {}


def test_orders_posted_before_the_envelope_stay(market: OnChainMarket) -> None:
    early = market.order(INTERVAL, 4, (Side.SELL, 20, 1000))
    market.client.post(INTERVAL, [early])
    market.publish(market.envelope(INTERVAL, {4: (0, 0)}))
    buyer = market.order(INTERVAL, 5, (Side.BUY, 40, 1000))
    assert not market.client.post(INTERVAL, [buyer]).skipped
    market.at(CONFIG.gate_closure(INTERVAL))
    assert market.client.clear(INTERVAL).volume == 1000


def test_settlement_counts_what_the_connection_carries_whatever_the_envelope_said(
    market: OnChainMarket,
) -> None:
    """Readings are bounded by the connection: the envelope binds offers, and the meter tells what flowed."""
    market.publish(market.envelope(INTERVAL, {4: (0, HALF), 5: (HALF, 0)}))
    orders = [market.order(INTERVAL, 4, (Side.SELL, 20, 500)), market.order(INTERVAL, 5, (Side.BUY, 40, 500))]
    batch = market.client.post(INTERVAL, orders).data
    market.at(CONFIG.gate_closure(INTERVAL))
    market.client.clear(INTERVAL)
    market.report(INTERVAL, Verdict.ACCEPT, 500)
    market.at(CONFIG.end(INTERVAL))
    over = Reading(ReadingStatus.ATTESTED, 0, 800)
    readings = [encode_readings([over, Reading(ReadingStatus.ATTESTED, 500, 0)])]
    market.client.attest(INTERVAL, readings, 500, market.attestation(INTERVAL, readings, 500))
    market.at(CONFIG.readings_deadline(INTERVAL))
    before = market.client.accounts(6)[4][0]
    market.client.settle(INTERVAL, 0, replace(batch, readings=readings[0]))
    assert market.client.accounts(6)[4][0] - before == 500 * 130 + 300 * 80


@pytest.mark.parametrize(
    ("members", "bits"),
    [([0, 1], 0b11), ([0, 1, 1], 0b111), ([0, 1, 1], 0b11), ([1, 0, 2], 0b111), ([0, 1, 9], 0b1011), ([], 0)],
    ids=[
        "below the quorum",
        "one signer under two bits",
        "one twice",
        "out of order",
        "a stranger",
        "nobody",
    ],
)
def test_envelope_needs_exactly_a_quorum_in_order(
    market: OnChainMarket, members: list[int], bits: int
) -> None:
    envelope = market.envelope(INTERVAL, {})
    signatures = b"".join(envelope.sign(market.board.domain, committee_key(member)) for member in members)
    refused("NoQuorum", lambda: market.board.publish(envelope, bits, signatures))
    market.board.publish(envelope, *market.quorum_on(envelope, [0, 2, 3]))


@pytest.mark.parametrize("other", ["contract", "market", "chain"])
def test_envelope_signed_for_another_contract_or_chain_is_refused(market: OnChainMarket, other: str) -> None:
    envelope, here = market.envelope(INTERVAL, {}), market.board.domain
    domain = {
        "contract": Domain(here.chain_id, wallet(9).address),
        "market": market.domain,
        "chain": Domain(1, here.market),
    }[other]
    refused("NoQuorum", lambda: market.board.publish(envelope, *market.quorum_on(envelope, domain=domain)))


def test_envelope_of_another_registry_under_the_same_gate_is_refused(market: OnChainMarket) -> None:
    """Two markets may share a committee: what it signs for the one binds nobody of the other."""
    addresses = market.deployment.addresses
    other = deploy(
        market.sender, "OperatingEnvelopes", addresses["ParticipantRegistry"], addresses["GridGate"]
    )
    envelope = market.envelope(INTERVAL, {4: (0, 0)})
    call = other.contract.functions.publishEnvelope
    signed = market.quorum_on(envelope)
    refused("NoQuorum", lambda: market.sender.send(call(tuple(envelope.values().values()), *signed)))
    market.board.publish(envelope, *signed)


@pytest.mark.parametrize("changed", ["interval", "page", "feeder_hash", "inputs_hash", "limits"])
def test_every_field_of_an_envelope_is_signed(market: OnChainMarket, changed: str) -> None:
    market.register(participants(96))
    market.at(CONFIG.start(INTERVAL) - 600)
    few = market.envelope(INTERVAL, {})
    whole = replace(few, limits=few.limits + (EnvelopeLimits(0, 0),) * 86)
    signed = market.quorum_on(whole)
    forged = {
        "interval": replace(whole, interval=INTERVAL + 1),
        "page": replace(whole, page=1, limits=(EnvelopeLimits(LIMIT, LIMIT),) * 10),
        "feeder_hash": replace(whole, feeder_hash=bytes(32)),
        "inputs_hash": replace(whole, inputs_hash=bytes(32)),
        "limits": replace(whole, limits=(*whole.limits[:-1], EnvelopeLimits(0, 1))),
    }[changed]
    refused("NoQuorum", lambda: market.board.publish(forged, *signed))
    market.board.publish(whole, *signed)


def test_first_envelope_counts(market: OnChainMarket) -> None:
    first, wider = market.envelope(INTERVAL, {4: (0, 0)}), market.envelope(INTERVAL, {})
    market.publish(first)
    refused("AlreadyPublished", lambda: market.publish(first))
    refused("AlreadyPublished", lambda: market.publish(wider))
    assert market.board.limits(INTERVAL, 0)[4] == EnergyLimits(0, 0)


def test_envelope_can_only_narrow(market: OnChainMarket) -> None:
    for limits in ((LIMIT + 1, 0), (0, LIMIT + 1), (2**16 - 1, 2**16 - 1)):
        error = refused(
            "LimitTooHigh", lambda limits=limits: market.publish(market.envelope(INTERVAL, {7: limits}))
        )
        assert "7" in str(error)
    supplier = market.envelope(INTERVAL, {0: (1, 0)})
    refused("LimitTooHigh", lambda: market.publish(supplier))


def test_envelope_of_a_wrong_length_or_of_no_page_is_refused(market: OnChainMarket) -> None:
    envelope = market.envelope(INTERVAL, {})
    for limits in ((), envelope.limits[:-1], (*envelope.limits, EnvelopeLimits(0, 0))):
        forged = replace(envelope, limits=limits)
        refused("WrongLength", lambda forged=forged: market.publish(forged))
    call = market.deployment.contract(market.network, "OperatingEnvelopes").functions.publishEnvelope
    torn = (INTERVAL, 0, bytes(32), bytes(32), bytes(4 * 10 - 1))
    refused("WrongLength", lambda: market.sender.send(call(torn, 0b111, bytes(192))))
    for page in (1, 2**16 - 1):
        forged = replace(envelope, page=page)
        refused("UnknownPage", lambda forged=forged: market.publish(forged))


def test_envelope_comes_before_gate_closure_and_not_before_the_interval_opens(market: OnChainMarket) -> None:
    opens, closure = CONFIG.start(INTERVAL + 3 - CONFIG.open_ahead), CONFIG.gate_closure(INTERVAL)
    at = partial(tried_at, market)
    at(opens - 1, "NotYetOpen", lambda: market.publish(market.envelope(INTERVAL + 3, {})))
    at(opens, None, lambda: market.publish(market.envelope(INTERVAL + 3, {})))
    at(closure - 1, None, lambda: market.publish(market.envelope(INTERVAL, {})))
    at(closure, "GateClosed", lambda: market.publish(market.envelope(INTERVAL, {})))


def test_envelope_binds_batches_that_are_revealed_after_gate_closure() -> None:
    """In a sealed market it must be in before gate closure all the same, when orders are committed to."""
    with open_network() as network:
        sealed = OnChainMarket(network, 2, config=SEALED, envelopes=True)
        phase = phase_of(sealed, 0)
        sealed.at(OPEN)
        batch = phase.commit(INTERVAL, [sealed.order(INTERVAL, 4, (Side.SELL, 20, 501))])
        sealed.publish(sealed.envelope(INTERVAL, {4: (LIMIT, HALF)}))
        late = sealed.envelope(INTERVAL, {5: (0, 0)})
        tried_at(sealed, SEALED.gate_closure(INTERVAL), "GateClosed", lambda: sealed.publish(late))
        sealed.at(SEALED.gate_closure(INTERVAL) + 1)
        [skip] = phase.reveal(batch).skipped
        assert skip.reason == SkipReason.OVER_ENVELOPE


def test_rotated_out_keys_publish_no_envelope_of_a_later_interval(market: OnChainMarket) -> None:
    gate = market.deployment.contract(market.network, "GridGate").functions
    newcomers = [wallet(500 + member).address for member in range(4)]
    later = CONFIG.last_open(OPEN) + 1
    market.sender.send(gate.scheduleCommittee(later, newcomers, 3))
    market.publish(market.envelope(INTERVAL, {}))
    market.at(CONFIG.start(later) - 1000)
    envelope = market.envelope(later, {})
    refused("NoQuorum", lambda: market.publish(envelope))
    signatures = b"".join(envelope.sign(market.board.domain, wallet(500 + k).key) for k in range(3))
    market.board.publish(envelope, 0b111, signatures)


def test_who_is_registered_later_is_bound_by_its_connection_alone(market: OnChainMarket) -> None:
    market.publish(market.envelope(INTERVAL, dict.fromkeys(range(4, 10), (0, 0))))
    market.register(participants(1))
    market.sender.send(market.client.market.functions.deposit(10, 10 * market.margin(4)))
    market.sender.send(market.client.market.functions.deposit(0, market.margin(4)))
    assert 10 not in market.board.limits(INTERVAL, 0)
    key = order_key(4)  # `participants` gives every first newcomer the key of account 4
    order = signed_order(market.domain, INTERVAL, 10, [(Side.SELL, 20, 1000)], key)
    assert not market.client.post(INTERVAL, [order]).skipped


def test_envelopes_bind_the_second_page_and_a_batch_that_turns_pages(market: OnChainMarket) -> None:
    with open_network() as network:
        large = OnChainMarket(network, 100, envelopes=True)
        large.at(OPEN)
        large.publish(large.envelope(INTERVAL, {97: (0, HALF)}, page=1))
        sells = [(account, 501) for account in (4, 97, 5, 98)]
        orders = [large.order(INTERVAL, account, (Side.SELL, 20, quantity)) for account, quantity in sells]
        posted = large.client.post(INTERVAL, orders)
        assert [(skip.participant, skip.reason) for skip in posted.skipped] == [
            (97, SkipReason.OVER_ENVELOPE)
        ]


def test_connections_read_by_the_page_are_those_of_the_registry(market: OnChainMarket) -> None:
    newcomers = participants(96)
    market.register([replace(p, import_limit=n + 1, export_limit=1000 - n) for n, p in enumerate(newcomers)])
    found = EnvelopeBoard(market.client).connections()
    assert list(found) == list(range(4, 4 + 6 + 96))
    for account, limits in found.items():
        (*_, imported, exported), _ = market.client.registry.functions.participant(account).call()
        assert limits == EnvelopeLimits(imported, exported)


def test_market_without_envelopes_has_none() -> None:
    with open_network() as network:
        plain = OnChainMarket(network, 1)
        assert plain.client.market.functions.envelopes().call() == "0x" + "00" * 20
        with pytest.raises(InputError, match="no operating envelopes"):
            EnvelopeBoard(plain.client)
