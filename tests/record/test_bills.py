"""A household's bill: its lines, its registers and the bill without a market."""

import random
from dataclasses import replace

import pytest

from peerwatt.market.market_rules import Tariff
from peerwatt.record.bills import IntervalTerms, bill_lines, forecast_error_cost, participant_result
from peerwatt.record.household_results import SettlementResult
from peerwatt.verdict import DECIDED, Verdict

TARIFF = Tariff(retail=320, feed_in=82, network_fee=15)
SETTLEMENT = SettlementResult(
    interval=7,
    participant="home-1",
    accepted_sell_wh=100,
    accepted_buy_wh=40,
    imported_wh=25,
    exported_wh=130,
    own_wh=60,
    curtailed_wh=0,
    loss_wh=2,
    network_charge=600,
    loss_cost=640,
    paid_surplus_wh=30,
    export_limit_wh=None,
    without_market_wh=130,
    cash=0,
)


def test_every_line_is_the_settlement_table() -> None:
    lines = bill_lines(SETTLEMENT, IntervalTerms(200, Verdict.ACCEPT), TARIFF)
    assert lines.peer_sales == -200 * 100
    assert lines.peer_purchases == 200 * 40
    assert lines.network_fee == 600
    assert lines.shortfall == 0
    assert lines.unused == -82 * 15
    assert lines.feed_in == -82 * 30
    assert lines.retail == 0
    assert lines.losses == 320 * 2
    assert lines.total == -20000 + 8000 + 600 - 1230 - 2460 + 640


def test_a_seller_that_delivers_less_buys_the_shortfall_at_retail() -> None:
    short = replace(SETTLEMENT, exported_wh=70)
    assert bill_lines(short, IntervalTerms(200, Verdict.ACCEPT), TARIFF).shortfall == 320 * 30


@pytest.mark.parametrize("verdict", DECIDED)
def test_surplus_that_is_allowed_earns_the_feed_in_tariff_under_every_verdict(verdict: Verdict) -> None:
    lines = bill_lines(replace(SETTLEMENT, paid_surplus_wh=17), IntervalTerms(200, verdict), TARIFF)
    assert lines.feed_in == -82 * 17


@pytest.mark.parametrize("verdict", DECIDED)
def test_energy_bought_and_not_drawn_earns_nothing_where_the_grid_is_constrained(verdict: Verdict) -> None:
    lines = bill_lines(SETTLEMENT, IntervalTerms(200, verdict), TARIFF)
    assert lines.unused == (-82 * 15 if verdict in (Verdict.ACCEPT, Verdict.EXPIRED) else 0)


def test_an_interval_without_an_order_is_billed_at_the_tariff_whatever_the_verdict() -> None:
    off = replace(
        SETTLEMENT,
        accepted_sell_wh=0,
        accepted_buy_wh=0,
        loss_wh=0,
        network_charge=0,
        loss_cost=0,
        paid_surplus_wh=130,
        on_market=False,
    )
    lines = bill_lines(off, IntervalTerms(None, Verdict.CURTAIL), TARIFF)
    assert lines.total == 320 * 25 - 82 * 130


def test_a_curtailed_interval_pays_only_what_was_accepted() -> None:
    full = bill_lines(SETTLEMENT, IntervalTerms(200, Verdict.ACCEPT), TARIFF)
    cut = bill_lines(replace(SETTLEMENT, accepted_sell_wh=60), IntervalTerms(200, Verdict.CURTAIL), TARIFF)
    assert cut.peer_sales - full.peer_sales == 200 * 40
    assert cut.feed_in == full.feed_in


def test_where_the_energy_came_from_sums_to_the_meter() -> None:
    terms = {7: IntervalTerms(200, Verdict.ACCEPT), 8: IntervalTerms(150, Verdict.CURTAIL)}
    result = participant_result(
        "home-1",
        "prosumer",
        "n1",
        [SETTLEMENT, replace(SETTLEMENT, interval=8, paid_surplus_wh=0)],
        terms,
        TARIFF,
    )
    assert result.bought_from_neighbours_wh + result.bought_at_tariff_wh == result.imported_wh == 50
    assert (
        result.sold_to_neighbours_wh + result.sold_at_tariff_wh + result.unpaid_surplus_wh
        == result.exported_wh
        == 260
    )
    assert result.unpaid_surplus_wh == 30
    assert result.bill_without_market == 320 * 50 - 82 * 260
    assert result.bill_market == result.lines.total
    assert result.saving == result.bill_without_market - result.bill_market


def test_missed_forecasts_cost_what_was_paid_for_them_beyond_what_they_earned() -> None:
    short = replace(SETTLEMENT, exported_wh=70, accepted_buy_wh=0, paid_surplus_wh=0)
    terms = IntervalTerms(200, Verdict.ACCEPT)
    earned = (200 * 100 - 600 - 640) * 30 // 100  # of the sale, after its charge and its losses
    assert forecast_error_cost(short, terms, TARIFF) == 320 * 30 - earned
    over = replace(SETTLEMENT, accepted_sell_wh=0)
    undrawn = over.accepted_buy_wh - over.imported_wh
    paid = -(-(200 * over.accepted_buy_wh + 600 + 640) * undrawn // over.accepted_buy_wh)
    assert undrawn > 0
    assert forecast_error_cost(over, terms, TARIFF) == paid - 82 * undrawn
    cut = IntervalTerms(200, Verdict.CURTAIL)
    assert forecast_error_cost(over, cut, TARIFF) == paid
    met = replace(SETTLEMENT, imported_wh=SETTLEMENT.accepted_buy_wh)
    assert forecast_error_cost(met, terms, TARIFF) == 0


@pytest.mark.parametrize("verdict", DECIDED)
def test_a_trade_within_its_limits_saves_nothing_less_than_nothing_but_for_missed_forecasts(
    verdict: Verdict,
) -> None:
    """For every home and interval, to the base unit, whatever it sold, bought, fed in and drew."""
    draws = random.Random(7)
    for _ in range(2000):
        sells, price = draws.random() < 0.5, draws.randint(82, 305)
        traded, metered = draws.choice((0, 1, 7, 500)), draws.choice((0, 1, 6, 7, 499, 900))
        room = ((price - 82) if sells else (320 - 15 - price)) * traded
        fed_in, drawn = (metered, 3) if sells else (0, metered)
        row = replace(
            SETTLEMENT,
            accepted_sell_wh=traded if sells else 0,
            accepted_buy_wh=0 if sells else traded,
            exported_wh=fed_in,
            imported_wh=drawn,
            network_charge=0 if sells else 15 * traded,
            loss_cost=draws.randint(0, room),
            paid_surplus_wh=max(0, fed_in - traded) if sells else 0,
            without_market_wh=fed_in,
        )
        terms = IntervalTerms(price, verdict)
        saving = 320 * drawn - 82 * fed_in - bill_lines(row, terms, TARIFF).total
        missed = forecast_error_cost(row, terms, TARIFF)
        assert missed >= 0
        assert saving + missed >= 0, row


def test_self_sufficiency_is_undefined_without_generation_and_never_zero() -> None:
    consumer = participant_result(
        "c",
        "consumer",
        "n",
        [replace(SETTLEMENT, exported_wh=0, own_wh=0)],
        {7: IntervalTerms(1, Verdict.ACCEPT)},
        TARIFF,
    )
    assert consumer.self_sufficiency is None
    assert consumer.self_consumption is None
    prosumer = participant_result(
        "p", "prosumer", "n", [SETTLEMENT], {7: IntervalTerms(1, Verdict.ACCEPT)}, TARIFF
    )
    assert prosumer.self_sufficiency == pytest.approx(60 / 85)
    assert prosumer.self_consumption == pytest.approx(60 / 190)
