"""Roles: what each may do, when it takes effect, what is announced, and what no role can do."""

from collections.abc import Callable
from dataclasses import astuple, fields, replace
from functools import partial
from typing import Any

import pytest
from eth_account import Account
from onchain import (
    CONFIG,
    FIRST_INTERVAL,
    METERING_OPERATOR,
    TARIFF,
    OnChainMarket,
    committee_key,
    participants,
    role,
    wallet,
)
from refusals import missing, only_skip, opened, refused

from peerwatt.chain import Sender, deploy
from peerwatt.messages import (
    MeterAttestation,
    Side,
    SkipReason,
    Verdict,
    address_of,
    metered_hash,
)

INTERVAL = FIRST_INTERVAL
NOBODY = "0x" + "00" * 20


def registry_of(market: OnChainMarket) -> Any:
    return market.client.registry


def gate_of(market: OnChainMarket) -> Any:
    return market.deployment.contract(market.network, "GridGate")


def announced(event: Any, receipt: Any) -> dict[str, Any]:
    """The arguments of the one event of its kind in the receipt."""
    [found] = event().process_receipt(receipt)
    return dict(found["args"])


def as_anybody(market: OnChainMarket, number: int) -> Sender:
    return market.as_wallet(number).sender


# Who may


@pytest.mark.parametrize(
    ("contract", "call"),
    [
        ("ParticipantRegistry", lambda f: f.register([])),
        ("ParticipantRegistry", lambda f: f.setSuspended(4, True)),
        ("ParticipantRegistry", lambda f: f.setPostingPaused(True)),
        ("ParticipantRegistry", lambda f: f.proposeTariff(2 * INTERVAL, (300, 80, 20))),
        ("ParticipantRegistry", lambda f: f.acceptTariff(2 * INTERVAL, (300, 80, 20))),
        ("ParticipantRegistry", lambda f: f.setSupplierCover(2**63)),
        ("ParticipantRegistry", lambda f: f.proposeWallet(5, NOBODY)),
        ("ParticipantRegistry", lambda f: f.vetoWallet(5)),
        ("ParticipantRegistry", lambda f: f.acceptWallet(5)),
        ("GridGate", lambda f: f.scheduleCommittee(2 * INTERVAL, [NOBODY], 1)),
    ],
)
def test_only_the_holder_of_a_role_may_use_it(
    market: OnChainMarket, contract: str, call: Callable[[Any], Any]
) -> None:
    functions = market.deployment.contract(market.network, contract).functions
    refused("NotAllowed", lambda: as_anybody(market, 4).send(call(functions)))


def test_operator_and_administrator_cannot_touch_an_account_nor_report(market: OnChainMarket) -> None:
    """The market's sender holds both roles: they open no door of the market itself."""
    market.traded()
    functions = market.client.market.functions
    for call in (functions.withdraw(4, 1), functions.takeOutEnergy(4, 0), functions.requestExit(4)):
        refused("NotWallet", lambda call=call: market.sender.send(call))
    report = market.report_on(INTERVAL, Verdict.ACCEPT, 1000)
    refused("NoQuorum", lambda: market.client.report(report, [], 0, b""))


# Handing over


ROLES = [
    ("ParticipantRegistry", "operator"),
    ("ParticipantRegistry", "metering operator"),
    ("GridGate", "administrator"),
]


@pytest.mark.parametrize(("contract", "name"), ROLES)
def test_role_is_handed_over_in_two_steps(market: OnChainMarket, contract: str, name: str) -> None:
    """An offer changes nothing, the last one counts, and only who has it can accept it, once."""
    deployed = market.deployment.contract(market.network, contract)
    functions, events = deployed.functions, deployed.events
    old = holder_of(market, name)
    first, second = as_anybody(market, 4), as_anybody(market, 5)

    def offer(to: Sender) -> Any:
        return functions.offerRole(role(name), to.address)

    accept = functions.acceptRole(role(name))
    refused("NotAllowed", lambda: first.send(accept))
    refused("NotAllowed", lambda: first.send(offer(first)))
    event = announced(events.RoleOffered, old.send(offer(first)))
    assert event == {"role": role(name), "next": first.address}
    assert functions.offeredTo(role(name)).call() == first.address
    assert functions.holderOf(role(name)).call() == old.address
    refused("NotAllowed", lambda: second.send(accept))
    old.send(offer(second))
    refused("NotAllowed", lambda: first.send(accept))
    event = announced(events.RoleChanged, second.send(accept))
    assert event == {"role": role(name), "holder": second.address}
    assert functions.holderOf(role(name)).call() == second.address
    refused("NotAllowed", lambda: second.send(accept))
    refused("NotAllowed", lambda: old.send(offer(old)))


def holder_of(market: OnChainMarket, name: str) -> Sender:
    if name != "metering operator":
        return market.sender
    holder = Sender(market.network, Account.from_key(METERING_OPERATOR))
    market.network.fund({holder.address: 10**18})
    return holder


@pytest.mark.parametrize(("contract", "name"), ROLES)
def test_offer_is_taken_back_by_another(market: OnChainMarket, contract: str, name: str) -> None:
    functions = market.deployment.contract(market.network, contract).functions
    old, newcomer = holder_of(market, name), as_anybody(market, 4)
    old.send(functions.offerRole(role(name), newcomer.address))
    old.send(functions.offerRole(role(name), NOBODY))
    refused("NotAllowed", lambda: newcomer.send(functions.acceptRole(role(name))))
    assert functions.holderOf(role(name)).call() == old.address


@pytest.mark.parametrize(("contract", "name"), ROLES)
def test_holder_of_one_role_can_offer_no_other(market: OnChainMarket, contract: str, name: str) -> None:
    """Neither that of another holder, nor one that nobody holds."""
    functions = market.deployment.contract(market.network, contract).functions
    newcomer = as_anybody(market, 4)
    for other in {found for place, found in ROLES if place == contract} - {name} | {"nobody's"}:
        holder = holder_of(market, name)
        refused("NotAllowed", lambda: holder.send(functions.offerRole(role(other), newcomer.address)))  # noqa: B023
        refused("NotAllowed", lambda: newcomer.send(functions.acceptRole(role(other))))  # noqa: B023


def test_attestations_are_the_new_metering_operators_from_its_acceptance_on(market: OnChainMarket) -> None:
    batches = market.traded()
    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    functions = registry_of(market).functions
    old, newcomer = holder_of(market, "metering operator"), as_anybody(market, 4)
    old.send(functions.offerRole(role("metering operator"), newcomer.address))
    newcomer.send(functions.acceptRole(role("metering operator")))
    market.at(CONFIG.end(INTERVAL))
    readings = missing(*batches)
    by_old = market.attestation(INTERVAL, readings, 0)
    refused("NotAttestedByOperator", lambda: market.client.attest(INTERVAL, readings, 0, by_old))
    words = [market.client.batch_commitment(INTERVAL, batch) for batch in range(len(batches))]
    message = MeterAttestation(INTERVAL, metered_hash(words, readings), 0)
    market.client.attest(INTERVAL, readings, 0, message.sign(market.domain, bytes(wallet(4).key)))


# Suspension and pause


def test_open_positions_of_a_suspended_participant_settle_and_it_is_readmitted(
    market: OnChainMarket,
) -> None:
    batches = market.traded()
    functions, events = registry_of(market).functions, registry_of(market).events
    receipt = market.sender.send(functions.setSuspended(4, True))
    assert announced(events.Suspended, receipt) == {"index": 4, "byOperator": True, "bySupplier": False}
    later = INTERVAL + 1
    order = market.order(later, 4, (Side.SELL, 20, 100))
    assert only_skip(market, order, later) == SkipReason.SUSPENDED

    market.report(INTERVAL, Verdict.ACCEPT, 1000)
    before = market.client.accounts(5)[4][0]
    market.at(CONFIG.readings_deadline(INTERVAL))
    market.client.settle(INTERVAL, 0, batches[0])
    price = market.client.interval(INTERVAL).clearing.buy_price
    assert market.client.accounts(5)[4][0] - before == 600 * (price - 300)
    free = market.client.market.functions.freeBalance(4).call()
    market.as_wallet(4).withdraw(4, free)
    market.client.deposit(4, market.margin(4))

    last = INTERVAL + 5
    market.at(CONFIG.start(last) - 1000)
    order = market.order(last, 4, (Side.SELL, 20, 100))
    assert only_skip(market, order, last) == SkipReason.SUSPENDED
    receipt = market.sender.send(functions.setSuspended(4, False))
    assert announced(events.Suspended, receipt) == {"index": 4, "byOperator": False, "bySupplier": False}
    assert market.client.post(last, [order]).batch == 0


def test_pause_stops_new_posts_and_nothing_else(market: OnChainMarket) -> None:
    """While paused an interval goes from posting to its correction, and everybody can leave."""
    opened(market)
    orders = [market.order(INTERVAL, 4, (Side.SELL, 20, 600)), market.order(INTERVAL, 6, (Side.BUY, 40, 600))]
    batch = market.client.post(INTERVAL, orders).data
    functions, events = registry_of(market).functions, registry_of(market).events
    receipt = market.sender.send(functions.setPostingPaused(True))
    assert announced(events.PostingPaused, receipt) == {"paused": True}
    late = market.order(INTERVAL, 5, (Side.SELL, 20, 1))
    refused("PostingIsPaused", lambda: market.client.post(INTERVAL, [late]))

    owner, calls = market.as_wallet(4), market.client.market.functions
    owner.withdraw(4, 1)
    owner.sender.send(calls.requestExit(4))
    market.client.deposit(5, 1)
    market.at(CONFIG.gate_closure(INTERVAL))
    market.client.clear(INTERVAL)
    market.report(INTERVAL, Verdict.ACCEPT, 600)
    market.at(CONFIG.end(INTERVAL))
    market.client.attest(INTERVAL, [b""], 0, market.attestation(INTERVAL, [b""], 0))
    signed = market.signed_reading(INTERVAL, 0, 4, 0, 600)
    _, readings = market.client.overrule(INTERVAL, 0, batch, [signed])
    batch = replace(batch, readings=readings)
    market.at(CONFIG.readings_deadline(INTERVAL))
    by = market.client.settlement_terms(market.client.settle(INTERVAL, 0, batch))
    market.correct(INTERVAL, 0, batch, by, 2, readings, 600)
    owner.sender.send(calls.finishExit(4))
    owner.withdraw(4, market.client.accounts(5)[4][0])
    assert market.client.accounts(5)[4][0] == 0

    later = INTERVAL + 10
    market.at(CONFIG.start(later) - 1000)
    order = market.order(later, 5, (Side.SELL, 20, 1))
    refused("PostingIsPaused", lambda: market.client.post(later, [order]))
    market.sender.send(functions.setPostingPaused(False))
    assert market.client.post(later, [order]).batch == 0


# Parameters


def test_tariff_takes_effect_from_a_future_interval_and_is_announced(market: OnChainMarket) -> None:
    """Intervals that take orders keep the tariff that their orders were made under."""
    now = CONFIG.start(INTERVAL) - 1000
    market.at(now)
    market.client.post(INTERVAL, [market.order(INTERVAL, 4, (Side.SELL, 20, 600))])
    functions, events = registry_of(market).functions, registry_of(market).events
    supplier = market.as_wallet(0).sender
    first = CONFIG.last_open(now) + 1
    new = (310, 90, 10)
    for too_soon in (INTERVAL, first - 1):
        refused("TooSoon", lambda at=too_soon: market.sender.send(functions.proposeTariff(at, new)))
    said = {"fromInterval": first, "retail": 310, "feedIn": 90, "networkFee": 10}
    receipt = market.sender.send(functions.proposeTariff(first, new))
    assert announced(events.TariffProposed, receipt) == said
    assert functions.tariffAt(first).call() == (300, 80, 20)
    assert announced(events.TariffScheduled, supplier.send(functions.acceptTariff(first, new))) == said
    assert functions.tariffAt(first - 1).call() == (300, 80, 20)
    assert functions.tariffAt(first).call() == new
    assert market.client.interval(INTERVAL).terms.retail == 300
    market.at(CONFIG.start(first) - 1000)
    market.client.post(first, [market.order(first, 4, (Side.SELL, 20, 600))])
    terms = market.client.interval(first).terms
    assert (terms.retail, terms.feed_in, terms.network_fee) == new


def test_tariff_that_has_not_begun_is_replaced_and_one_that_counts_is_not(market: OnChainMarket) -> None:
    now = CONFIG.start(INTERVAL) - 1000
    functions = registry_of(market).functions
    first = CONFIG.last_open(now) + 1
    supplier = market.as_wallet(0).sender

    def scheduled(interval: int, tariff: tuple[int, int, int]) -> None:
        market.sender.send(functions.proposeTariff(interval, tariff))
        supplier.send(functions.acceptTariff(interval, tariff))

    market.at(now)
    scheduled(first + 5, (310, 90, 10))
    scheduled(first, (320, 90, 10))
    assert functions.tariffAt(first + 5).call() == (320, 90, 10)
    market.at(CONFIG.start(first))
    scheduled(first + 9, (330, 90, 10))
    assert functions.tariffAt(first + 8).call() == (320, 90, 10)
    assert functions.tariffAt(first + 9).call() == (330, 90, 10)


@pytest.mark.parametrize("tariff", [(401, 80, 20), (79, 80, 20), (300, 80, 300)])
def test_tariff_that_no_margin_covers_is_refused(market: OnChainMarket, tariff: tuple[int, int, int]) -> None:
    functions = registry_of(market).functions
    refused("BadTariff", lambda: market.sender.send(functions.proposeTariff(2 * INTERVAL, tariff)))


def test_committee_takes_effect_from_a_future_interval_and_is_announced(market: OnChainMarket) -> None:
    now = CONFIG.start(INTERVAL) - 1000
    market.at(now)
    gate, first = gate_of(market), CONFIG.last_open(now) + 1
    members = [wallet(500 + member).address for member in range(7)]
    refused("TooSoon", lambda: market.sender.send(gate.functions.scheduleCommittee(first - 1, members, 5)))
    receipt = market.sender.send(gate.functions.scheduleCommittee(first, members, 5))
    event = announced(gate.events.CommitteeScheduled, receipt)
    assert (event["fromInterval"], list(event["members"]), event["quorum"]) == (first, members, 5)
    before, quorum = gate.functions.committeeAt(first - 1).call()
    assert (before, quorum) == ([address_of(committee_key(member)) for member in range(4)], 3)
    assert gate.functions.committeeAt(first).call() == [members, 5]


@pytest.mark.parametrize(
    "committee", [([], 0), ([1, 2, 3], 2), ([1, 1, 2, 3], 3), ([1, 2, 3, 0], 3), ([1, 2], 3)]
)
def test_committee_that_a_third_could_overrule_is_refused(
    market: OnChainMarket, committee: tuple[list[int], int]
) -> None:
    """Also one with a member twice, with nobody as a member, or that cannot reach its quorum."""
    members = [wallet(500 + member).address if member else NOBODY for member in committee[0]]
    functions = gate_of(market).functions
    refused(
        "BadCommittee",
        lambda: market.sender.send(functions.scheduleCommittee(2 * INTERVAL, members, committee[1])),
    )


def test_registration_is_announced_with_everything_that_counts(market: OnChainMarket) -> None:
    first, newcomers = market.client.account_count(), participants(1)
    [newcomer] = newcomers
    market.cover(newcomers)
    entry = (wallet(first).address, newcomer.order_key, newcomer.meter_key, 7, 40, 40)
    receipt = market.sender.send(registry_of(market).functions.register([entry]))
    event = announced(registry_of(market).events.ParticipantRegistered, receipt)
    assert tuple(event.values()) == (first, *entry)


def test_ring_that_an_exit_could_not_read_in_a_block_is_refused(market: OnChainMarket) -> None:
    config = astuple(replace(CONFIG, ring_size=4096))
    place = [field.name for field in fields(CONFIG)].index("ring_size")
    roles = [market.sender.address, market.sender.address, [market.sender.address] * 4]
    for size, refusal in ((4096, None), (4097, "BadConfig")):
        values = (*config[:place], size, *config[place + 1 :])
        deployment = partial(deploy, market.sender, "ParticipantRegistry", values, astuple(TARIFF), *roles)
        if refusal is None:
            deployment()
        else:
            assert refused(refusal, deployment).args_by_name == {"field": "ringSize"}
