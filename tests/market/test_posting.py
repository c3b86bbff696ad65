"""Posted orders are taken, or skipped for the first reason that applies."""

from typing import Any

import pytest

from peerwatt.market import SystemAccount
from peerwatt.market.errors import GateClosed, NotYetOpen, SlotBusy, SupplierBelowMargin, TooEarly
from peerwatt.messages import MAX_LANE_TOTAL, MAX_STEP_QUANTITY, Side, SignedOrder, SkipReason, Step

BUY, SELL = Side.BUY, Side.SELL


def reasons(neighbourhood: Any, *orders: SignedOrder) -> list[tuple[int, SkipReason]]:
    posting = neighbourhood.twin.post(neighbourhood.interval, orders)
    return [(skipped.position, skipped.reason) for skipped in posting.skipped]


def test_good_orders_form_a_batch(neighbourhood: Any) -> None:
    posting = neighbourhood.twin.post(
        neighbourhood.interval,
        [neighbourhood.order(4, (BUY, 1, 10), (SELL, 20, 600)), neighbourhood.order(5, (SELL, 20, 400))],
    )
    assert (posting.batch, posting.skipped) == (0, ())
    assert [[each.offset for each in record.steps] for record in posting.records] == [[0, 0], [600]]


def test_batch_of_nothing_but_skipped_orders_leaves_no_trace(neighbourhood: Any) -> None:
    posting = neighbourhood.twin.post(neighbourhood.interval, [neighbourhood.order(77, (BUY, 1, 1))])
    assert (posting.batch, posting.records) == (None, ())
    assert neighbourhood.twin.interval(neighbourhood.interval).batches == []


def test_every_reason(neighbourhood: Any) -> None:
    twin, order = neighbourhood.twin, neighbourhood.order
    twin.suspend(5)
    twin.ledger.add(6, cash=-1)
    foreign = order(4, (BUY, 1, 1), interval=neighbourhood.interval + 1)
    assert reasons(
        neighbourhood,
        order(4, (BUY, 2, 1), (BUY, 1, 1)),
        order(3, (BUY, 1, 1)),
        order(8, (BUY, 1, 1)),
        order(5, (BUY, 1, 1)),
        order(6, (BUY, 1, 1)),
        order(7, (SELL, 1, 1000)),
        order(7, (SELL, 1, 1)),
        order(4, (BUY, 1, 600), (BUY, 2, 401)),
        order(4, (SELL, 1, 1001)),
        SignedOrder(order(4, (BUY, 1, 1)).order, order(4, (BUY, 1, 2)).signature),
        SignedOrder(order(4, (BUY, 1, 1)).order, bytes(64)),
        foreign,
    ) == [
        (0, SkipReason.MALFORMED_STEPS),
        (1, SkipReason.UNKNOWN_PARTICIPANT),
        (2, SkipReason.UNKNOWN_PARTICIPANT),
        (3, SkipReason.SUSPENDED),
        (4, SkipReason.BELOW_MARGIN),
        (6, SkipReason.DUPLICATE_ORDER),
        (7, SkipReason.OVER_CONNECTION_LIMIT),
        (8, SkipReason.OVER_CONNECTION_LIMIT),
        (9, SkipReason.BAD_SIGNATURE),
        (10, SkipReason.BAD_SIGNATURE),
        (11, SkipReason.BAD_SIGNATURE),
    ]


def fill_lane(neighbourhood: Any, room: int) -> None:
    """Leave ``room`` Wh in the lane (SELL, 20), as very many participants could."""
    book = neighbourhood.twin.interval(neighbourhood.interval).book
    while (left := MAX_LANE_TOTAL - room - book.total(SELL, 20)) > 0:
        book.post([Step(SELL, 20, min(left, MAX_STEP_QUANTITY))])


def test_full_lane_skips_the_whole_order(neighbourhood: Any) -> None:
    neighbourhood.twin.post(neighbourhood.interval, [])
    fill_lane(neighbourhood, room=10)
    assert reasons(
        neighbourhood,
        neighbourhood.order(4, (BUY, 1, 5), (SELL, 20, 11)),
        neighbourhood.order(5, (SELL, 20, 10)),
    ) == [(0, SkipReason.LANE_FULL)]
    assert neighbourhood.twin.interval(neighbourhood.interval).book.total(BUY, 1) == 0


def test_reasons_are_checked_in_their_order(neighbourhood: Any) -> None:
    """One order with every fault; mended fault by fault it shows the next reason each time."""
    twin, order = neighbourhood.twin, neighbourhood.order
    twin.post(neighbourhood.interval, [order(5, (BUY, 3, 1))])
    fill_lane(neighbourhood, room=10)
    state = twin.interval(neighbourhood.interval)

    def now(account: int, *steps: tuple[Side, int, int], signature: bytes = bytes(64)) -> SkipReason:
        reason = twin.skip_reason(state, SignedOrder(order(account, *steps).order, signature))
        assert isinstance(reason, SkipReason)
        return reason

    too_much = (SELL, 20, 1001)
    assert now(99, too_much, too_much) == SkipReason.MALFORMED_STEPS
    assert now(99, too_much) == SkipReason.UNKNOWN_PARTICIPANT
    twin.suspend(5)
    twin.ledger.add(5, cash=-1)
    assert now(5, too_much) == SkipReason.SUSPENDED
    twin.readmit(5)
    assert now(5, too_much) == SkipReason.BELOW_MARGIN
    twin.ledger.add(5, cash=1)
    assert now(5, too_much) == SkipReason.DUPLICATE_ORDER
    state.posted.clear()
    assert now(5, too_much) == SkipReason.OVER_CONNECTION_LIMIT
    assert now(5, (SELL, 20, 11)) == SkipReason.BAD_SIGNATURE
    signature = order(5, (SELL, 20, 11)).signature
    assert now(5, (SELL, 20, 11), signature=signature) == SkipReason.LANE_FULL


def test_skipped_order_may_be_posted_again(neighbourhood: Any) -> None:
    good = neighbourhood.order(4, (BUY, 1, 1))
    assert reasons(neighbourhood, SignedOrder(good.order, bytes(64)), good, good) == [
        (0, SkipReason.BAD_SIGNATURE),
        (2, SkipReason.DUPLICATE_ORDER),
    ]


def test_signatures_are_not_checked_when_they_are_known_to_be_good(neighbourhood: Any) -> None:
    neighbourhood.twin.check_signatures = False
    assert reasons(neighbourhood, SignedOrder(neighbourhood.order(4, (BUY, 1, 1)).order, bytes(64))) == []


def test_supplier_below_its_margin_opens_no_interval_and_keeps_those_that_are_open(
    neighbourhood: Any,
) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    twin.withdraw(SystemAccount.SUPPLIER, twin.free_balance(SystemAccount.SUPPLIER))
    twin.post(interval, [])
    twin.ledger.add(SystemAccount.COMMUNITY, cash=-1)  # a debt of anybody's weighs on the supplier
    with pytest.raises(SupplierBelowMargin, match="1 base units below"):
        twin.post(interval + 1, [])
    assert reasons(neighbourhood, neighbourhood.order(4, (BUY, 1, 1))) == []
    twin.deposit(SystemAccount.SUPPLIER, 1)
    twin.post(interval + 1, [])


def test_interval_knows_nobody_who_was_registered_after_it_opened(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    twin.post(interval, [])
    newcomer = neighbourhood.join()
    order = neighbourhood.order(newcomer, (BUY, 1, 1))
    assert reasons(neighbourhood, order) == [(0, SkipReason.UNKNOWN_PARTICIPANT)]
    order = neighbourhood.order(newcomer, (BUY, 1, 1), interval=interval + 1)
    assert twin.post(interval + 1, [order]).batch == 0


def test_posting_window_at_its_boundary_seconds(neighbourhood: Any) -> None:
    twin, interval = neighbourhood.twin, neighbourhood.interval
    start, closure = interval * 900, interval * 900 - 300
    opens = start - 4 * 900
    with pytest.raises(NotYetOpen):
        twin.post(interval, [], now=opens - 1)
    twin.post(interval, [], now=opens)
    with pytest.raises(TooEarly):
        twin.clear(interval, now=closure - 1)
    twin.post(interval, [], now=closure - 1)
    with pytest.raises(GateClosed):
        twin.post(interval, [], now=closure)
    twin.clear(interval, now=closure)


def test_ring_slot_is_free_when_its_interval_is_settled(neighbourhood: Any) -> None:
    twin = neighbourhood.twin
    later = neighbourhood.interval + twin.config.ring_size
    neighbourhood.traded()
    neighbourhood.attested([(0, 600), (500, 0)], [(0, 400), (500, 0)], delivered=1000)
    twin.settle(neighbourhood.interval, 0)
    with pytest.raises(SlotBusy, match=str(neighbourhood.interval)):
        twin.post(later, [])
    twin.settle(neighbourhood.interval, 1)
    assert twin.post(later, [neighbourhood.order(4, (BUY, 1, 1), interval=later)]).batch == 0
