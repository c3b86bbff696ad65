"""What `make pilot` promises, on the very day that it replays."""

from __future__ import annotations

from dataclasses import replace

from peerwatt.market.ledger import SystemAccount
from peerwatt.messages import Side, Verdict
from peerwatt.record.bills import IntervalTerms, bill_lines
from peerwatt.scenario.scenario import Scenario
from tests.replay.conftest import Day


def test_every_interval_equals_the_reference_to_the_wh_and_the_base_unit(default_day: Day) -> None:
    assert default_day.replayed.first_difference == ""
    assert default_day.result.summary.reference_mismatches == 0
    assert default_day.result.summary.intervals == 96


def test_nothing_comes_from_nowhere(default_day: Day) -> None:
    assert default_day.result.summary.conservation_error == 0
    assert sum(account.cash for account in default_day.result.accounts) == 0


def test_peer_payments_leave_nothing_in_the_pool_they_pass_through(default_day: Day) -> None:
    assert default_day.replayed.final[SystemAccount.COMMUNITY][0] == 0


def test_bills_recomputed_line_by_line_equal_the_accounts_on_chain(default_day: Day) -> None:
    assert default_day.result.bill_check.differences == ()


def test_energy_credit_never_exceeds_what_meters_recorded_as_delivered(default_day: Day) -> None:
    delivered = sum(
        min(s.accepted_sell_wh, s.exported_wh) for s in default_day.result.settlements if s.on_market
    )
    credited = sum(energy for _, energy in default_day.replayed.final[len(SystemAccount) :])
    in_rounding = default_day.replayed.final[SystemAccount.METERING_OPERATOR][1]
    assert credited + in_rounding == delivered
    assert 0 <= in_rounding < len(default_day.result.settlements)


def test_buys_and_sells_balance_in_every_interval(default_day: Day) -> None:
    for log in default_day.replayed.logs:
        assert log.cleared is not None
        volume = log.traded
        assert sum(log.cleared.fills(Side.BUY).values()) == volume
        assert sum(log.cleared.fills(Side.SELL).values()) == volume
        accepted = log.judgement.report.volume if log.judgement else 0
        assert sum(position.buy for position in log.accepted.values()) == accepted
        assert sum(position.sell for position in log.accepted.values()) == accepted


def test_a_curtailed_interval_is_over_its_limit_before_the_gate_and_within_it_after(default_day: Day) -> None:
    limit = default_day.result.summary.limits.voltage_max_pu
    curtailed = [i for i in default_day.result.intervals if i.verdict == Verdict.CURTAIL]
    assert curtailed
    for interval in curtailed:
        assert interval.voltage_max_pu_before > limit
        assert interval.voltage_max_pu_after <= limit + 1e-9
    assert any(interval.accepted_wh < interval.traded_wh for interval in curtailed)


def test_a_curtailed_interval_pays_only_what_was_accepted(default_day: Day, scenario: Scenario) -> None:
    cut = [
        log
        for log in default_day.replayed.logs
        if log.verdict == Verdict.CURTAIL and log.judgement and log.judgement.report.volume < log.traded
    ]
    assert cut
    for log in cut:
        assert log.cleared is not None
        price = log.clearing.buy_price
        terms = IntervalTerms(price, log.verdict)
        fills = {side: log.cleared.fills(side) for side in Side}
        overpaid = 0
        for home in scenario.participants:
            [settlement] = [
                s
                for s in default_day.result.settlements
                if s.interval == log.scenario_interval and s.participant == home.name
            ]
            assert bill_lines(settlement, terms, scenario.tariff).total == -settlement.cash
            whole_fill = replace(
                settlement,
                accepted_sell_wh=fills[Side.SELL].get(home.account, 0),
                accepted_buy_wh=fills[Side.BUY].get(home.account, 0),
            )
            overpaid += abs(bill_lines(whole_fill, terms, scenario.tariff).total + settlement.cash)
        assert overpaid > 0


def test_surplus_that_is_allowed_earns_the_feed_in_tariff_where_the_grid_is_constrained(
    default_day: Day, scenario: Scenario
) -> None:
    curtailed = {
        log.scenario_interval: log for log in default_day.replayed.logs if log.verdict == Verdict.CURTAIL
    }
    surplus = [
        s
        for s in default_day.result.settlements
        if s.interval in curtailed and s.exported_wh > s.accepted_sell_wh
    ]
    assert surplus
    for s in surplus:
        assert s.export_limit_wh is not None
        assert s.exported_wh <= s.export_limit_wh
        price, tariff = curtailed[s.interval].clearing.buy_price, scenario.tariff
        used = min(s.accepted_buy_wh, s.imported_wh)
        bought = s.accepted_buy_wh * (price + tariff.network_fee)
        fed_in = tariff.feed_in * (s.exported_wh - s.accepted_sell_wh)
        drawn = tariff.retail * (s.imported_wh - used)
        assert s.cash == price * s.accepted_sell_wh - bought + fed_in - drawn - s.loss_cost


def test_what_meters_counted_is_solved_again_beside_what_the_report_promised(default_day: Day) -> None:
    limit = default_day.result.summary.limits.voltage_max_pu
    for interval in default_day.result.intervals:
        assert interval.voltage_max_pu_metered is not None
        assert (interval.voltage_max_pu_metered > limit) <= (interval.beyond_limits_metered > 0)
        if interval.verdict == Verdict.CURTAIL:  # loads that miss their forecast, no more
            assert interval.voltage_max_pu_metered < limit + 0.0005


def test_lost_readings_are_overruled_by_the_meters_themselves(default_day: Day) -> None:
    lost = [(log.scenario_interval, account) for log in default_day.replayed.logs for account in log.lost]
    assert lost
    names = {home.account: home.name for home in default_day.replayed.scenario.participants}
    settlements = {(s.interval, s.participant): s for s in default_day.result.settlements}
    logs = {log.scenario_interval: log for log in default_day.replayed.logs}
    for slot, account in lost:
        settlement = settlements[slot, names[account]]
        assert settlement.imported_wh == logs[slot].readings[account].imported
        assert settlement.exported_wh == logs[slot].readings[account].exported


def test_every_household_consumes_own_neighbours_and_grid_energy_that_sum_to_its_meter(
    default_day: Day,
) -> None:
    for interval in default_day.result.intervals:
        settlements = [s for s in default_day.result.settlements if s.interval == interval.interval]
        assert interval.neighbours_wh + interval.grid_wh == sum(s.imported_wh for s in settlements)
        assert interval.own_wh == sum(s.own_wh for s in settlements)
