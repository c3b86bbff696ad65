"""The grid gate only reduces, and what it lets stand sums to its volume exactly."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from peerwatt.market import (
    Auctioned,
    MarketConfig,
    Tariff,
    Terms,
    TickBook,
    accepted_of,
    accepted_quantity,
    clear,
    fill,
    gate,
)
from peerwatt.messages import Clearing, Decision, PlacedStep, Record, Side, Step, Verdict
from tests.market.conftest import CONFIG, TARIFF

MAX_LOSS_RATE = 50_000
UNIFORM = MarketConfig(
    interval_length=900,
    gate_lead=300,
    report_window=240,
    attest_window=300,
    overrule_window=300,
    correction_window=86400,
    open_ahead=2,
    ring_size=4,
    base_price=100,
    tick_size=1,
    margin_price=400,
    max_loss_rate=MAX_LOSS_RATE,
)
NAMED = replace(UNIFORM, max_network_fee=15)
ticks = st.integers(0, 6)
quantities = st.one_of(st.integers(1, 12), st.integers(1, (1 << 23) - 1))
steps = st.builds(Step, st.sampled_from(Side), ticks, quantities)
books = st.lists(steps, min_size=2, max_size=25)
decisions = st.builds(Decision, *(st.integers(0, 40),) * 3, st.integers(0, 2000), st.integers(0, 40))


def posted(book_steps: list[Step]) -> tuple[TickBook, list[PlacedStep], Auctioned]:
    book = TickBook()
    placed = [book.post([step])[0] for step in book_steps]
    return book, placed, clear(book, CONFIG, TARIFF)


def accepted_sums(placed: list[PlacedStep], gated: Clearing) -> list[int]:
    return [sum(accepted_quantity(each, gated) for each in placed if each.step.side == side) for side in Side]


def terms(gated: Clearing, verdict: Verdict, volume: int, loss_rate: int = 0) -> Terms:
    return Terms(gated, verdict, loss_rate, volume, delivered=0, tariff=Tariff(300, 80, 20))


@given(books, st.data())
def test_cap_is_nested_in_the_fills_and_sums_to_its_volume(
    book_steps: list[Step], data: st.DataObject
) -> None:
    book, placed, (cleared, matched) = posted(book_steps)
    volume = data.draw(st.integers(0, matched))
    gated = gate(book, cleared, Verdict.CAP, volume)
    assert accepted_sums(placed, gated) == [volume, volume]
    assert all(0 <= accepted_quantity(each, gated) <= fill(each, cleared) for each in placed)
    if volume:
        assert (gated.buy_price, gated.sell_price) == (cleared.buy_price, cleared.sell_price)


@given(books, st.data())
def test_cap_keeps_the_merit_order(book_steps: list[Step], data: st.DataObject) -> None:
    book, placed, (cleared, matched) = posted(book_steps)
    assume(matched)
    gated = gate(book, cleared, Verdict.CAP, data.draw(st.integers(1, matched)))
    for each in placed:
        worse = [
            other
            for other in placed
            if other.step.side == each.step.side
            and (other.step.tick < each.step.tick) == (each.step.side == Side.BUY)
            and other.step.tick != each.step.tick
        ]
        if any(accepted_quantity(other, gated) for other in worse):
            assert accepted_quantity(each, gated) == each.step.quantity


@given(books)
def test_cap_at_the_volume_is_acceptance(book_steps: list[Step]) -> None:
    book, placed, (cleared, matched) = posted(book_steps)
    capped = gate(book, cleared, Verdict.CAP, matched)
    accepted = gate(book, cleared, Verdict.ACCEPT, matched)
    assert capped == accepted == cleared
    assert [accepted_quantity(each, accepted) for each in placed] == [fill(each, cleared) for each in placed]


@given(books, decisions, st.sampled_from(Verdict), st.integers(0, MAX_LOSS_RATE))
def test_no_verdict_adds_to_a_fill(
    book_steps: list[Step], decision: Decision, verdict: Verdict, loss_rate: int
) -> None:
    _, placed, (cleared, matched) = posted(book_steps)
    filled = [sum(fill(each, cleared) for each in placed if each.step.side == side) for side in Side]
    order = accepted_of(
        Record(4, tuple(placed)), terms(cleared, verdict, matched, loss_rate), decision, UNIFORM
    )
    if verdict == Verdict.CURTAIL:
        assert (order.buy, order.sell) == (min(filled[0], decision.buy), min(filled[1], decision.sell))
    else:
        assert [order.buy, order.sell] == filled
    assert order.loss <= decision.loss
    assert order.loss * 1_000_000 <= (order.buy + order.sell) * MAX_LOSS_RATE


@given(books, st.sampled_from(Verdict))
def test_nothing_stands_of_a_volume_of_nothing(book_steps: list[Step], verdict: Verdict) -> None:
    book, placed, (cleared, _) = posted(book_steps)
    record = Record(4, tuple(placed))
    order = accepted_of(record, terms(gate(book, cleared, verdict, 0), verdict, 0, 1000), None, UNIFORM)
    assert (order.sell, order.buy, order.loss) == (0, 0, 0)


@given(books)
def test_curtailment_without_decisions_leaves_nothing(book_steps: list[Step]) -> None:
    _, placed, (cleared, matched) = posted(book_steps)
    order = accepted_of(
        Record(4, tuple(placed)), terms(cleared, Verdict.CURTAIL, matched, 1000), None, UNIFORM
    )
    assert (order.sell, order.buy, order.loss) == (0, 0, 0)


@given(books, st.integers(0, MAX_LOSS_RATE))
def test_uniform_losses_are_floored(book_steps: list[Step], loss_rate: int) -> None:
    _, placed, (cleared, matched) = posted(book_steps)
    at_rate = terms(cleared, Verdict.ACCEPT, matched, loss_rate)
    record = Record(4, tuple(placed))
    order = accepted_of(record, at_rate, None, UNIFORM)
    assert order.loss == (order.sell + order.buy) * loss_rate // 1_000_000
    assert accepted_of(record, replace(at_rate, loss_rate=0), None, UNIFORM).loss == 0


@given(books, decisions, st.sampled_from(Verdict))
def test_a_buyer_pays_the_uniform_fee_where_charges_are_not_named(
    book_steps: list[Step], decision: Decision, verdict: Verdict
) -> None:
    _, placed, (cleared, matched) = posted(book_steps)
    record, applied = Record(4, tuple(placed)), terms(cleared, verdict, matched)
    for decided, market in ((None, UNIFORM), (None, NAMED), (decision, UNIFORM)):
        order = accepted_of(record, applied, decided, market)
        assert order.charge == applied.tariff.network_fee * order.buy


@given(books, decisions, st.sampled_from(Verdict))
def test_a_named_charge_is_paid_up_to_the_markets_maximum(
    book_steps: list[Step], decision: Decision, verdict: Verdict
) -> None:
    _, placed, (cleared, matched) = posted(book_steps)
    order = accepted_of(Record(4, tuple(placed)), terms(cleared, verdict, matched), decision, NAMED)
    assert order.charge == min(decision.charge, 15 * (order.sell + order.buy))
