"""What is asked when an interval opens, and whom it knows from then on: on chain and in the twin."""

import pytest
from onchain import CONFIG, FIRST_INTERVAL, meter_key, order_key, signed_order
from pair import MarketPair
from refusals import refused

from peerwatt.market import FIRST_PARTICIPANT, Participant, SystemAccount
from peerwatt.market.errors import SupplierBelowMargin
from peerwatt.messages import Side, SignedOrder, SkipReason, Verdict, address_of

INTERVAL = FIRST_INTERVAL
LATER = INTERVAL + 1
PAGE = 96


def order(pair: MarketPair, account: int, interval: int = INTERVAL) -> SignedOrder:
    side, tick = (Side.SELL, 20) if account % 2 else (Side.BUY, 40)
    return signed_order(pair.chain.domain, interval, account, [(side, tick, 10)])


def newcomers(pair: MarketPair, count: int) -> list[int]:
    """So many more participants, registered and with their margins."""
    first = pair.chain.client.account_count()
    accounts = list(range(first, first + count))
    pair.register(
        [Participant(address_of(order_key(each)), address_of(meter_key(each)), 1, 1) for each in accounts]
    )
    for account in accounts:
        pair.deposit(account, pair.twin.margin(account))
    return accounts


def leave_the_supplier_its_margin(pair: MarketPair) -> None:
    pair.withdraw(SystemAccount.SUPPLIER, pair.twin.free_balance(SystemAccount.SUPPLIER))


@pytest.fixture
def taking_orders(pair: MarketPair) -> MarketPair:
    """At a second when two intervals could take orders and none is open."""
    pair.time = CONFIG.start(INTERVAL - 1)
    return pair


def reasons(pair: MarketPair, interval: int, *accounts: int) -> list[SkipReason]:
    posted = pair.post(interval, [order(pair, account, interval) for account in accounts])
    return [skip.reason for skip in posted.skipped]


def test_participant_registered_after_an_interval_opened_is_unknown_there_and_taken_in_the_next(
    taking_orders: MarketPair,
) -> None:
    pair = taking_orders
    pair.post(INTERVAL, [order(pair, 4)])
    [newcomer] = newcomers(pair, 1)
    assert reasons(pair, INTERVAL, 5, newcomer) == [SkipReason.UNKNOWN_PARTICIPANT]
    assert reasons(pair, LATER, 5, newcomer) == []
    for interval in (INTERVAL, LATER):
        pair.compare(interval)


def test_empty_batch_opens_an_interval_and_fixes_whom_it_knows(taking_orders: MarketPair) -> None:
    pair = taking_orders
    pair.post(INTERVAL, [])
    assert pair.state(INTERVAL).accounts == pair.chain.client.account_count()
    assert reasons(pair, INTERVAL, *newcomers(pair, 1)) == [SkipReason.UNKNOWN_PARTICIPANT]


def test_whom_an_interval_knows_is_told_apart_on_every_page(taking_orders: MarketPair) -> None:
    """The last that it knows ends a page, or lies within one; later pages it does not know at all."""
    pair = taking_orders
    known = newcomers(pair, PAGE - pair.chain.client.account_count())
    pair.post(INTERVAL, [])
    later = newcomers(pair, 1)
    assert (known[-1], later) == (PAGE - 1, [PAGE])
    assert reasons(pair, INTERVAL, known[-1], PAGE, 4) == [SkipReason.UNKNOWN_PARTICIPANT]
    pair.post(LATER, [])
    last = newcomers(pair, 1)
    assert reasons(pair, LATER, known[-1], PAGE, *last) == [SkipReason.UNKNOWN_PARTICIPANT]


def test_supplier_at_its_margin_opens_an_interval_and_one_unit_below_it_does_not(
    taking_orders: MarketPair,
) -> None:
    pair = taking_orders
    leave_the_supplier_its_margin(pair)
    mark, time = pair.mark(), pair.time
    pair.post(INTERVAL, [order(pair, 4)])
    pair.back_to(mark)
    pair.time = time
    pair.register([Participant(address_of(order_key(10)), address_of(meter_key(10)), 1, 0)])
    short = -pair.twin.free_balance(SystemAccount.SUPPLIER)
    pair.deposit(SystemAccount.SUPPLIER, short - 1)
    with pytest.raises(SupplierBelowMargin):
        pair.post(INTERVAL, [order(pair, 4)])
    pair.deposit(SystemAccount.SUPPLIER, 1)
    assert pair.post(INTERVAL, [order(pair, 4)]).batch == 0


def test_interval_keeps_taking_orders_when_its_supplier_has_fallen_below_its_margin(
    taking_orders: MarketPair,
) -> None:
    pair = taking_orders
    leave_the_supplier_its_margin(pair)
    pair.post(INTERVAL, [order(pair, 4)])
    newcomers(pair, 1)
    assert pair.twin.free_balance(SystemAccount.SUPPLIER) < 0
    with pytest.raises(SupplierBelowMargin):
        pair.post(LATER, [order(pair, 5, LATER)])
    assert reasons(pair, INTERVAL, 5, 6, 7) == []
    pair.compare(INTERVAL)


def test_open_interval_takes_no_orders_while_posting_is_paused(taking_orders: MarketPair) -> None:
    market = taking_orders.chain
    taking_orders.post(INTERVAL, [order(taking_orders, 4)])
    pause = market.client.registry.functions.setPostingPaused
    market.sender.send(pause(True))
    refused("PostingIsPaused", lambda: market.client.post(INTERVAL, [order(taking_orders, 5)]))
    market.sender.send(pause(False))
    assert market.client.post(INTERVAL, [order(taking_orders, 5)]).batch == 1


def test_slot_that_held_a_larger_interval_knows_only_who_was_registered_when_it_opened_again(
    taking_orders: MarketPair,
) -> None:
    """What says whom an interval knows says its volume later: nothing of an older one is left in it."""
    pair = taking_orders
    accounts = range(FIRST_PARTICIPANT, FIRST_PARTICIPANT + 4)
    pair.post(INTERVAL, [order(pair, account) for account in accounts])
    pair.time = CONFIG.gate_closure(INTERVAL)
    volume = pair.clear(INTERVAL)
    assert volume > pair.chain.client.account_count()
    pair.compare(INTERVAL)
    pair.report(pair.chain.report_on(INTERVAL, Verdict.ACCEPT, volume))
    pair.time = CONFIG.readings_deadline(INTERVAL)
    pair.settle(INTERVAL, 0)
    again = INTERVAL + CONFIG.ring_size
    pair.time = CONFIG.start(again) - 1000
    pair.post(again, [])
    assert reasons(pair, again, *newcomers(pair, 1)) == [SkipReason.UNKNOWN_PARTICIPANT]
    pair.compare(again)
