"""One test for every way that somebody may try to get more out of the market than is theirs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from onchain import (
    CONFIG,
    ETHER,
    FIRST_INTERVAL,
    OnChainMarket,
    committee_key,
    participants,
    signed_order,
    wallet,
)

from peerwatt.chain import ContractReverted, Sender, deploy
from peerwatt.client import BatchData, MarketClient
from peerwatt.messages import (
    Domain,
    Reading,
    ReadingStatus,
    Side,
    SignedOrder,
    SkipReason,
    Verdict,
    encode_readings,
)
from peerwatt.messages.signature import CURVE_ORDER

INTERVAL = FIRST_INTERVAL


def refused(name: str, call: Callable[[], Any]) -> ContractReverted:
    """The call must be refused by the error of that name."""
    with pytest.raises(ContractReverted) as caught:
        call()
    assert caught.value.name == name, caught.value
    return caught.value


def only_skip(market: OnChainMarket, order: SignedOrder, interval: int = INTERVAL) -> SkipReason:
    """Why the order is skipped when it is posted alone."""
    posted = market.client.post(interval, [order])
    assert posted.batch is None
    [skip] = posted.skipped
    return skip.reason


def opened(market: OnChainMarket, interval: int = INTERVAL) -> None:
    market.at(CONFIG.start(interval) - 1000)


def missing(*batches: BatchData) -> list[bytes]:
    return [b""] * len(batches)


# Signatures


def test_order_replayed_in_another_interval_is_skipped(market: OnChainMarket) -> None:
    market.at(CONFIG.start(INTERVAL) - 1300)
    order = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    assert market.client.post(INTERVAL, [order]).batch == 0
    assert only_skip(market, order) == SkipReason.DUPLICATE_ORDER
    assert only_skip(market, order, INTERVAL - 1) == SkipReason.BAD_SIGNATURE


@pytest.mark.parametrize("other", ["market", "chain"])
def test_order_signed_for_another_market_or_chain_is_skipped(market: OnChainMarket, other: str) -> None:
    opened(market)
    here = market.domain
    foreign = Domain(here.chain_id, wallet(9).address) if other == "market" else Domain(1, here.market)
    order = signed_order(foreign, INTERVAL, 4, [(Side.SELL, 20, 600)])
    assert only_skip(market, order) == SkipReason.BAD_SIGNATURE


def test_report_and_attestation_of_another_market_are_refused(market: OnChainMarket) -> None:
    batches = market.traded()
    foreign = Domain(market.domain.chain_id, wallet(9).address)
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signatures = b"".join(report.sign(foreign, committee_key(member)) for member in range(3))
    refused("NoQuorum", lambda: market.client.report(report, [], 0b111, signatures))
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.end(INTERVAL))
    readings = missing(*batches)
    for signature in (
        market.attestation(INTERVAL, 1, readings, 0, foreign),
        market.attestation(INTERVAL + 1, 1, readings, 0),
        market.attestation(INTERVAL, 2, readings, 0),
        bytes(64),
        b"",
    ):
        refused(
            "NotAttestedByOperator",
            lambda signature=signature: market.client.attest(INTERVAL, readings, 0, signature),
        )


def test_high_s_and_malformed_signatures_are_skipped(market: OnChainMarket) -> None:
    opened(market)
    good = market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    r, vs = int.from_bytes(good.signature[:32], "big"), int.from_bytes(good.signature[32:], "big")
    s, parity = vs & ((1 << 255) - 1), vs >> 255
    high = (CURVE_ORDER - s) | ((1 - parity) << 255)
    for words in (
        (r, high % (1 << 256)),
        (r, CURVE_ORDER - s),
        (r, 0),
        (0, vs),
        (CURVE_ORDER, vs),
        (r ^ 1, vs),
        (r, vs ^ (1 << 255)),
        (0, 0),
    ):
        forged = replace(good, signature=b"".join(word.to_bytes(32, "big") for word in words))
        assert only_skip(market, forged) == SkipReason.BAD_SIGNATURE
    assert market.client.post(INTERVAL, [good]).batch == 0


def test_participant_index_cannot_be_forged(market: OnChainMarket) -> None:
    opened(market)
    mine = market.order(INTERVAL, 4, (Side.BUY, 40, 600))
    theirs = replace(mine, order=replace(mine.order, participant=5))
    assert only_skip(market, theirs) == SkipReason.BAD_SIGNATURE
    for stranger in (0, 1, 2, 3, 10, 95, 96, 65535):
        order = replace(mine, order=replace(mine.order, participant=stranger))
        assert only_skip(market, order) == SkipReason.UNKNOWN_PARTICIPANT


def test_meter_cannot_sign_for_its_neighbour(market: OnChainMarket) -> None:
    [batch, _] = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.attest_deadline(INTERVAL))
    neighbours = replace(market.signed_reading(INTERVAL, 0, 5, 0, 600), position=0)
    _, readings = market.client.overrule(INTERVAL, 0, batch, [neighbours])
    assert readings == bytes(16)


# The committee


def quorum_attempt(market: OnChainMarket, members: list[int], bits: int) -> Callable[[], Any]:
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    signatures = b"".join(report.sign(market.domain, committee_key(member)) for member in members)
    return lambda: market.client.report(report, [], bits, signatures)


@pytest.mark.parametrize(
    ("members", "bits"),
    [
        ([0, 1], 0b0011),
        ([0, 1, 1], 0b0111),
        ([0, 1, 1], 0b0011),
        ([1, 0, 2], 0b0111),
        ([0, 1, 2, 3], 0b1111),
        ([0, 1, 9], 0b1011),
        ([0, 1, 2], 0b10011),
        ([0, 1, 2], 0b111 | 1 << 255),
        ([], 0),
    ],
    ids=[
        "below the quorum",
        "one signer under two bits",
        "one signer twice",
        "out of order",
        "above the quorum",
        "a stranger",
        "a bit beyond the committee",
        "a further bit",
        "nobody",
    ],
)
def test_report_needs_exactly_a_quorum_in_order(market: OnChainMarket, members: list[int], bits: int) -> None:
    market.traded()
    refused("NoQuorum", quorum_attempt(market, members, bits))
    quorum_attempt(market, [0, 2, 3], 0b1101)()


def test_rotated_out_keys_judge_the_intervals_that_were_open_and_no_others(market: OnChainMarket) -> None:
    market.at(CONFIG.start(INTERVAL) - 1100)
    gate = market.deployment.contract(market.network, "GridGate").functions
    newcomers = [wallet(500 + member).address for member in range(4)]
    now = CONFIG.start(INTERVAL) - 1100
    first_untouched = CONFIG.last_open(now) + 1
    refused("TooSoon", lambda: market.sender.send(gate.scheduleCommittee(first_untouched - 1, newcomers, 3)))
    market.sender.send(gate.scheduleCommittee(first_untouched, newcomers, 3))
    market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)

    later = first_untouched
    market.traded(later)
    report = market.report_on(later, Verdict.ACCEPT, 1000)
    refused("NoQuorum", lambda: market.client.report(report, [], *market.quorum_of(report)))
    signatures = b"".join(report.sign(market.domain, wallet(500 + member).key) for member in range(3))
    market.client.report(report, [], 0b111, signatures)


def test_second_conflicting_report_is_refused(market: OnChainMarket) -> None:
    market.traded()
    void = market.report_on(INTERVAL, Verdict.VOID, 0)
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    refused("WrongPhase", lambda: market.client.report(void, [], *market.quorum_of(void)))
    refused("WrongPhase", lambda: market.client.expire(INTERVAL))


def test_report_about_another_clearing_is_refused(market: OnChainMarket) -> None:
    market.traded()
    right = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    wrong = replace(right, clearing_hash=bytes(32))
    refused("OtherClearing", lambda: market.client.report(wrong, [], *market.quorum_of(wrong)))


def test_report_cannot_add_trade_or_charge_more_than_the_maximum(market: OnChainMarket) -> None:
    market.traded()
    for error, report in (
        ("VolumeTooLarge", market.report_on(INTERVAL, Verdict.CAP, 1001)),
        ("VolumeTooLarge", market.report_on(INTERVAL, Verdict.VOID, 1)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.ACCEPT, 999)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.EXPIRED, 0)),
        ("BadVerdict", market.report_on(INTERVAL, Verdict.NONE, 0)),
        ("LossRateTooHigh", market.report_on(INTERVAL, Verdict.ACCEPT, 1000, loss_rate=50_001)),
        ("DecisionsMismatch", market.report_on(INTERVAL, Verdict.CURTAIL, 1000)),
    ):
        refused(error, lambda report=report: market.client.report(report, [], *market.quorum_of(report)))


# Records


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


def test_batch_is_settled_once(market: OnChainMarket) -> None:
    batches, _ = market.settled()
    refused("AlreadySettled", lambda: market.client.settle(INTERVAL, 0, batches[0]))
    refused("UnknownBatch", lambda: market.client.settle(INTERVAL, 2, batches[0]))


def test_batch_is_corrected_once_per_run_and_not_before_it_is_settled(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 500, 600)] * 2)] * 3
    unread = market.client.accounts(8)

    def correct(
        run: int, data: BatchData, by: tuple[int, int], batch: int = 0, interval: int = INTERVAL
    ) -> Any:
        signature = market.attestation(interval, run, readings, 1000)
        return market.client.correct(interval, batch, data, by, run, 1000, readings, signature)

    refused("OldRun", lambda: correct(1, batches[0], settled_by[0]))
    receipt = correct(2, batches[0], settled_by[0])
    assert market.client.accounts(8) != unread
    refused("NotCommitted", lambda: correct(2, batches[0], settled_by[0]))
    now = replace(batches[0], readings=readings[0])
    by = market.client.settlement_terms(receipt)
    refused("OldRun", lambda: correct(2, now, by))
    refused("NotCommitted", lambda: correct(3, batches[0], settled_by[0], batch=2))
    refused("NotCommitted", lambda: correct(3, batches[0], settled_by[0], interval=INTERVAL + 1))
    correct(3, now, by)


def test_correction_needs_the_metering_operator_and_its_window(market: OnChainMarket) -> None:
    batches, settled_by = market.settled()
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 500, 600)] * 2)] * 2
    signature = market.attestation(INTERVAL, 2, readings, 1000)

    def correct(delivered: int, given: bytes) -> Any:
        return market.client.correct(INTERVAL, 0, batches[0], settled_by[0], 2, delivered, readings, given)

    refused("NotAttestedByOperator", lambda: correct(999, signature))
    refused("NotAttestedByOperator", lambda: correct(1000, signature[:63]))
    market.at(CONFIG.correction_deadline(INTERVAL))
    refused("TooLate", lambda: correct(1000, signature))


# The ring and the book


def test_ring_slot_is_not_used_again_before_its_interval_is_settled(market: OnChainMarket) -> None:
    batches = market.traded()
    later = INTERVAL + CONFIG.ring_size
    market.at(CONFIG.start(later) - 1000)
    order = market.order(later, 4, (Side.SELL, 20, 600))
    assert refused("SlotBusy", lambda: market.client.post(later, [order])).args_by_name == {
        "interval": INTERVAL
    }
    market.client.expire(INTERVAL)
    for number, batch in enumerate(batches):
        refused("SlotBusy", lambda: market.client.post(later, [order]))
        market.client.settle(INTERVAL, number, batch)
    assert market.client.post(later, [order]).batch == 0


def test_dust_over_all_ticks_stays_within_the_worst_clearing(market: OnChainMarket) -> None:
    """Steps of 1 Wh at both ends of the grid, on both sides: what they cost to clear stays bounded."""
    opened(market)
    for account, side, first in (
        (4, Side.BUY, 0),
        (5, Side.SELL, 0),
        (6, Side.BUY, 248),
        (7, Side.SELL, 248),
    ):
        steps = [(side, first + tick, 1) for tick in range(8)]
        assert market.client.post(INTERVAL, [market.order(INTERVAL, account, *steps)]).batch is not None
    market.at(CONFIG.gate_closure(INTERVAL))
    cleared = market.client.clear(INTERVAL)
    assert cleared.clearing.volume == 8
    assert cleared.gas < 350_000


def test_order_that_crosses_itself_wins_nothing(market: OnChainMarket) -> None:
    """It trades with itself at one price: it pays the network fee and nothing else moves."""
    opened(market)
    order = market.order(INTERVAL, 4, (Side.BUY, 40, 500), (Side.SELL, 20, 500))
    batch = BatchData(market.client.post(INTERVAL, [order]).packed)
    before = market.client.accounts(8)
    market.at(CONFIG.gate_closure(INTERVAL))
    assert market.client.clear(INTERVAL).clearing.volume == 500
    market.report(INTERVAL, Verdict.ACCEPT, 500)
    market.at(CONFIG.end(INTERVAL))
    readings = [encode_readings([Reading(ReadingStatus.ATTESTED, 500, 500)])]
    market.client.attest(INTERVAL, readings, 500, market.attestation(INTERVAL, 1, readings, 500))
    market.at(CONFIG.readings_deadline(INTERVAL))
    market.client.settle(INTERVAL, 0, replace(batch, readings=readings[0]))
    after = market.client.accounts(8)
    change = [now[0] - then[0] for then, now in zip(before, after, strict=True)]
    assert change == [0, 20 * 500, 0, 0, -20 * 500, 0, 0, 0]


# Money


def test_margin_cannot_leave_before_gate_closure_nor_after(market: OnChainMarket) -> None:
    owner = market.as_wallet(4)
    margin, free = market.margin(4), market.margin(4)
    opened(market)
    market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.BUY, 40, 1000))])
    refused("AboveFreeBalance", lambda: owner.withdraw(4, free + 1))
    owner.withdraw(4, free)
    assert market.client.accounts(5)[4][0] == margin
    refused("AboveFreeBalance", lambda: owner.withdraw(4, 1))
    owner.sender.send(owner.market.functions.requestExit(4))
    refused("AboveFreeBalance", lambda: owner.withdraw(4, 1))
    refused("OpenPosition", lambda: market.sender.send(market.client.market.functions.finishExit(4)))


def test_only_the_wallet_moves_an_account(market: OnChainMarket) -> None:
    functions = market.client.market.functions
    for call in (functions.withdraw(4, 1), functions.takeOutEnergy(4, 0), functions.requestExit(4)):
        refused("NotWallet", lambda call=call: market.sender.send(call))
    token = market.client.energy_token.functions
    refused("OnlyMarket", lambda: market.sender.send(token.mint(market.sender.address, 1)))
    for call in (
        market.deployment.contract(market.network, "ParticipantRegistry").functions.setSuspended(4, True),
        market.deployment.contract(market.network, "GridGate").functions.handOver(wallet(4).address),
    ):
        thief = market.as_wallet(4).sender
        with pytest.raises(ContractReverted, match=r"NotAllowed|NotAdministrator"):
            thief.send(call)


def test_insolvent_participant_is_barred_and_blocks_nobody(market: OnChainMarket) -> None:
    """Nobody reads its meter: what it sold and did not deliver costs it more than it earned."""
    owner = market.as_wallet(4)
    owner.withdraw(4, market.margin(4))
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    market.at(CONFIG.readings_deadline(INTERVAL))
    supplier = market.client.accounts(1)[0][0]
    for number, batch in enumerate(batches):
        market.client.settle(INTERVAL, number, batch)
    cash = market.client.accounts(5)[4][0]
    assert cash < market.margin(4)
    assert market.client.accounts(1)[0][0] != supplier
    later = INTERVAL + 5
    market.at(CONFIG.start(later) - 1000)
    assert only_skip(market, market.order(later, 4, (Side.BUY, 40, 1)), later) == SkipReason.BELOW_MARGIN
    assert market.client.post(later, [market.order(later, 5, (Side.BUY, 40, 1))]).batch == 0
    market.client.deposit(4, market.margin(4) - cash)
    assert market.client.post(later, [market.order(later, 4, (Side.BUY, 40, 1))]).batch == 1


def test_account_cannot_be_filled_until_its_batch_does_not_settle(market: OnChainMarket) -> None:
    sender, token = market.sender, market.client.payment_token.functions
    sender.send(token.mint(sender.address, 2**63))
    full = 2**61 - market.client.accounts(5)[4][0]
    market.client.deposit(4, full)
    for more in (1, 2**61, 2**255):
        refused("DepositTooLarge", lambda more=more: market.client.deposit(4, more))


def test_newcomers_raise_the_suppliers_margin_at_once(market: OnChainMarket) -> None:
    """No booking is needed for the market to notice that nobody stands for them any more."""
    free = market.client.market.functions.freeBalance(0).call()
    market.as_wallet(0).withdraw(0, free)
    opened(market)
    market.client.post(INTERVAL, [market.order(INTERVAL, 5, (Side.BUY, 40, 1))])
    market.register(participants(1))
    refused(
        "SupplierBelowMargin",
        lambda: market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.BUY, 40, 1))]),
    )


@pytest.fixture
def hostile(market: OnChainMarket) -> tuple[OnChainMarket, MarketClient]:
    """A market that is paid in a hostile token, and whose participant 4 is the token itself."""
    token = deploy(market.sender, "HostileToken")
    registry = market.deployment.addresses["ParticipantRegistry"]
    gate = market.deployment.addresses["GridGate"]
    created = deploy(market.sender, "EnergyMarket", registry, gate, token.address)
    addresses = {
        **market.deployment.addresses,
        "EnergyMarket": created.address,
        "PaymentToken": token.address,
    }
    deployment = replace(market.deployment, addresses=addresses)
    owner = wallet(4)
    market.network.fund({owner.address: ETHER})
    client = MarketClient(market.network, deployment, Sender(market.network, owner))
    client.sender.send(token.contract.functions.mint(owner.address, 10**12))
    client.sender.send(token.contract.functions.approve(created.address, 2**255))
    return market, replace_token(client, token.contract)


def replace_token(client: MarketClient, token: Any) -> MarketClient:
    client.payment_token = token
    return client


def test_token_that_calls_back_finds_every_door_shut(hostile: tuple[OnChainMarket, MarketClient]) -> None:
    market, client = hostile
    token, target = client.payment_token, client.market
    margin = market.margin(4)
    client.deposit(4, margin + 1000)
    for reentry in (
        target.encode_abi("withdraw", [4, 1000]),
        target.encode_abi("deposit", [4, 1]),
        target.encode_abi("takeOutEnergy", [4, 0]),
    ):
        client.sender.send(token.functions.arm(target.address, reentry))
        client.withdraw(4, 10)
        answer = bytes(token.functions.answer().call())
        assert market.network.errors.decode(answer).name == "ReentrancyGuardReentrantCall"
    assert client.accounts(5)[4][0] == margin + 1000 - 30 == client.token_balance()


def test_token_that_refuses_leaves_the_accounts_as_they_were(
    hostile: tuple[OnChainMarket, MarketClient],
) -> None:
    market, client = hostile
    client.deposit(4, market.margin(4) + 1000)
    before = client.accounts(5)
    client.sender.send(client.payment_token.functions.refuse(True))
    for call in (lambda: client.withdraw(4, 10), lambda: client.deposit(4, 10)):
        with pytest.raises(ContractReverted, match="no transfer today"):
            call()
        assert client.accounts(5) == before


# Time


def test_each_window_at_its_boundary_seconds(market: OnChainMarket) -> None:
    """What must come before a second is refused at it; what may come from then on is refused before it."""
    client, order = market.client, market.order(INTERVAL, 4, (Side.SELL, 20, 600))
    opens = (INTERVAL - CONFIG.open_ahead) * CONFIG.interval_length

    def at(second: int, error: str | None, call: Callable[[], Any]) -> None:
        snapshot = market.network.snapshot()
        market.at(second)
        if error:
            refused(error, call)
        else:
            call()
        market.network.revert(snapshot)

    at(opens - 1, "NotYetOpen", lambda: client.post(INTERVAL, [order]))
    at(opens, None, lambda: client.post(INTERVAL, [order]))
    closure = CONFIG.gate_closure(INTERVAL)
    at(closure - 1, None, lambda: client.post(INTERVAL, [order]))
    at(closure, "GateClosed", lambda: client.post(INTERVAL, [order]))
    market.at(opens)
    batch = BatchData(client.post(INTERVAL, [order]).packed)
    at(closure - 1, "TooEarly", lambda: client.clear(INTERVAL))
    market.at(closure)
    client.clear(INTERVAL)
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 0)
    deadline = CONFIG.report_deadline(INTERVAL)
    signed = market.quorum_of(report)
    at(deadline - 1, None, lambda: client.report(report, [], *signed))
    at(deadline, "TooLate", lambda: client.report(report, [], *signed))
    at(deadline - 1, "TooEarly", lambda: client.expire(INTERVAL))
    market.at(deadline)
    client.expire(INTERVAL)
    signature = market.attestation(INTERVAL, 1, [b""], 0)
    end, attest = CONFIG.end(INTERVAL), CONFIG.attest_deadline(INTERVAL)
    at(end - 1, "TooEarly", lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(end, None, lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest - 1, None, lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest, "TooLate", lambda: client.attest(INTERVAL, [b""], 0, signature))
    at(attest - 1, "TooEarly", lambda: client.overrule(INTERVAL, 0, batch, []))
    at(attest, None, lambda: client.overrule(INTERVAL, 0, batch, []))
    last = CONFIG.readings_deadline(INTERVAL)
    at(last - 1, None, lambda: client.overrule(INTERVAL, 0, batch, []))
    at(last, "TooLate", lambda: client.overrule(INTERVAL, 0, batch, []))
    at(last - 1, "TooEarly", lambda: client.settle(INTERVAL, 0, batch))
    at(last, None, lambda: client.settle(INTERVAL, 0, batch))
