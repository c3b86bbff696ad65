"""An operator that turns against the supplier: it registers, sets tariffs, suspends; what each can cost."""

from dataclasses import replace

import pytest
from onchain import CONFIG, FIRST_INTERVAL, OnChainMarket, participants
from refusals import only_skip, opened, refused

from peerwatt.client import BatchData
from peerwatt.market import SystemAccount
from peerwatt.messages import Side, SkipReason, encode_readings
from peerwatt.messages.reading import Reading, ReadingStatus

INTERVAL = FIRST_INTERVAL
SUPPLIER = SystemAccount.SUPPLIER
BURNT = "0x" + "00" * 19 + "01"


def free(market: OnChainMarket) -> int:
    return int(market.client.market.functions.freeBalance(SUPPLIER).call())


def test_operator_locks_the_supplier_by_no_registration(market: OnChainMarket) -> None:
    """One connection of 6.5 MW with a burnt key locked the supplier's whole deposit for good."""
    before, registered = free(market), market.client.registry.functions.totalEnergyLimit().call()
    huge = (BURNT, BURNT, BURNT, 1, 65_535, 65_535)
    register = market.client.registry.functions.register
    needed = registered + 2 * (65_535 * 25)
    error = refused("AboveSupplierCover", lambda: market.sender.send(register([huge])))
    assert error.args_by_name == {"needed": needed, "cover": registered}
    least = (BURNT, BURNT, BURNT, 1, 1, 0)
    refused("AboveSupplierCover", lambda: market.sender.send(register([least])))
    assert free(market) == before
    market.as_wallet(SUPPLIER).withdraw(SUPPLIER, before)
    opened(market)
    assert market.client.post(INTERVAL, [market.order(INTERVAL, 5, (Side.BUY, 40, 1))]).batch == 0


def test_registration_stops_no_interval(market: OnChainMarket) -> None:
    """The supplier holds the margin of its cover and not a unit more: who joins within it changes nothing."""
    market.cover(participants(2))
    market.as_wallet(SUPPLIER).withdraw(SUPPLIER, free(market))
    market.at(CONFIG.start(INTERVAL - 1))
    for interval in (INTERVAL, INTERVAL + 1):
        market.register_within_cover(participants(1))
        assert free(market) == 0
        assert market.client.post(interval, [market.order(interval, 5, (Side.BUY, 40, 1))]).batch == 0
    refused("AboveSupplierCover", lambda: market.register_within_cover(participants(1)))


def test_cover_is_the_suppliers_and_stops_at_what_is_registered(market: OnChainMarket) -> None:
    functions, events = market.client.registry.functions, market.client.registry.events
    registered = functions.totalEnergyLimit().call()
    supplier = market.as_wallet(SUPPLIER).sender
    refused("NotAllowed", lambda: market.sender.send(functions.setSupplierCover(registered)))
    error = refused("AboveSupplierCover", lambda: supplier.send(functions.setSupplierCover(registered - 1)))
    assert error.args_by_name == {"needed": registered, "cover": registered - 1}
    margin = market.margin(SUPPLIER)
    receipt = supplier.send(functions.setSupplierCover(registered + 1))
    [event] = events.SupplierCoverSet().process_receipt(receipt)
    assert event["args"]["cover"] == registered + 1 == functions.supplierCover().call()
    assert market.margin(SUPPLIER) == margin + CONFIG.ring_size * CONFIG.margin_price
    supplier.send(functions.setSupplierCover(registered))
    assert market.margin(SUPPLIER) == margin


def test_operator_raises_no_tariff_without_the_supplier(market: OnChainMarket) -> None:
    """It could pay its own plant any feed-in; the supplier accepts exactly what it saw, once."""
    functions = market.client.registry.functions
    market.at(CONFIG.start(INTERVAL))
    dear, first = (300, 300, 20), CONFIG.last_open(CONFIG.start(INTERVAL)) + 2
    supplier = market.as_wallet(SUPPLIER).sender
    market.sender.send(functions.proposeTariff(first, dear))
    refused("NotAllowed", lambda: market.sender.send(functions.acceptTariff(first, dear)))
    for other in ((first, (300, 80, 20)), (first + 1, dear)):
        refused("NotProposed", lambda other=other: supplier.send(functions.acceptTariff(*other)))
    market.sender.send(functions.proposeTariff(first, (300, 82, 20)))
    refused("NotProposed", lambda: supplier.send(functions.acceptTariff(first, dear)))
    supplier.send(functions.acceptTariff(first, (300, 82, 20)))
    refused("NotProposed", lambda: supplier.send(functions.acceptTariff(first, (300, 82, 20))))
    assert functions.tariffAt(first).call() == (300, 82, 20)
    market.sender.send(functions.proposeTariff(first + 1, dear))
    market.at(CONFIG.start(first))
    refused("TooSoon", lambda: supplier.send(functions.acceptTariff(first + 1, dear)))
    assert functions.tariffAt(first + 1).call() == (300, 82, 20)


def test_operators_own_plant_earns_until_the_supplier_suspends_it_and_no_interval_longer(
    market: OnChainMarket,
) -> None:
    """A plant without a panel, whose own meter signs what it never fed in.

    Each interval costs the supplier at most the feed-in tariff of its export limit; once suspended, only what
    it posted before still settles.
    """
    plant, functions = 4, market.client.registry.functions
    supplier = market.as_wallet(SUPPLIER).sender
    before, last = market.client.accounts(5), INTERVAL + 1
    batches: dict[int, BatchData] = {}
    market.at(CONFIG.start(INTERVAL - 1))
    for interval in (INTERVAL, last):
        order = market.order(interval, plant, (Side.SELL, 255, 1))
        batches[interval] = market.client.post(interval, [order]).data
    supplier.send(functions.setSuspended(plant, True))
    market.sender.send(functions.setSuspended(plant, False))
    for interval in batches:
        market.at(CONFIG.report_deadline(interval))
        market.client.clear(interval)
        market.client.expire(interval)
    for interval, batch in batches.items():
        market.at(CONFIG.attest_deadline(interval))
        claimed = market.signed_reading(interval, 0, plant, 0, 1000)
        market.client.overrule(interval, 0, batch, [claimed])
        readings = encode_readings([Reading(ReadingStatus.METER_SIGNED, 0, 1000)])
        market.at(CONFIG.readings_deadline(interval))
        market.client.settle(interval, 0, replace(batch, readings=readings))
    after = market.client.accounts(5)
    taken = 2 * 1000 * 80
    assert after[plant][0] - before[plant][0] == taken == before[0][0] - after[0][0]
    for interval in range(last + 4, last + 6):
        market.at(CONFIG.start(interval) - 1000)
        order = market.order(interval, plant, (Side.SELL, 255, 1))
        assert only_skip(market, order, interval) == SkipReason.SUSPENDED


@pytest.mark.parametrize("first", ["operator", "supplier"])
def test_neither_readmits_whom_the_other_suspends(market: OnChainMarket, first: str) -> None:
    functions, events = market.client.registry.functions, market.client.registry.events
    parties = {"operator": market.sender, "supplier": market.as_wallet(SUPPLIER).sender}
    [other] = set(parties) - {first}

    def suspended(by: str, on: bool) -> tuple[bool, bool]:
        [event] = events.Suspended().process_receipt(parties[by].send(functions.setSuspended(4, on)))
        return event["args"]["byOperator"], event["args"]["bySupplier"]

    opened(market)
    order = market.order(INTERVAL, 4, (Side.SELL, 20, 100))
    own = first == "operator", first == "supplier"
    assert suspended(first, True) == own
    assert suspended(other, False) == own
    assert only_skip(market, order) == SkipReason.SUSPENDED
    assert suspended(other, True) == (True, True)
    assert suspended(first, False) == (not own[0], not own[1])
    assert only_skip(market, order) == SkipReason.SUSPENDED
    assert suspended(other, False) == (False, False)
    assert market.client.post(INTERVAL, [order]).batch == 0


def test_registration_keeps_who_is_suspended_on_its_page(market: OnChainMarket) -> None:
    functions = market.client.registry.functions
    market.as_wallet(SUPPLIER).sender.send(functions.setSuspended(5, True))
    market.sender.send(functions.setSuspended(6, True))
    market.register([replace(newcomer, import_limit=1) for newcomer in participants(1)])
    suspended = [functions.participant(account).call()[1] for account in range(4, 11)]
    assert suspended == [False, True, True, False, False, False, False]
