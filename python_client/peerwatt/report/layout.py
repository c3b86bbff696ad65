"""Which columns each file of the export has, in order. Time first, then energy, money, grid, chain.

Bills and their lines have one sign, here as everywhere: positive is what the household pays. A `cash` is no
line of a bill but the change of an account: positive is what it received.
"""

from __future__ import annotations

from peerwatt.record.household_results import ParticipantResult, SettlementResult
from peerwatt.record.results import AccountResult, CurtailmentReason, IntervalResult, OrderStepResult
from peerwatt.report.columns import (
    PERCENT_DECIMALS,
    PU_DECIMALS,
    Column,
    flag,
    kwh,
    kwh_if_any,
    money,
    price,
    real,
    real_if_any,
    share,
    text,
    whole,
)
from peerwatt.verdict import Verdict

Layout = tuple[type, tuple[Column, ...]]
"""The record that a row stands for, and its columns."""

BILL_LINES = (
    "peer_sales",
    "peer_purchases",
    "network_fee",
    "shortfall",
    "unused",
    "feed_in",
    "retail",
    "losses",
    "community",
)


def layouts(currency: str) -> dict[str, Layout]:
    """File name (without .csv) to layout.

    Args:
        currency: ISO 4217 code, part of the money columns' names.
    """
    return {
        "intervals": (IntervalResult, _interval_columns()),
        "participants": (ParticipantResult, _participant_columns(currency)),
        "settlements": (SettlementResult, _settlement_columns(currency)),
        "orders": (OrderStepResult, _order_columns()),
        "curtailments": (CurtailmentReason, _curtailment_columns()),
        "accounts": (AccountResult, (text("account"), money("cash", currency), kwh("energy"))),
    }


def _interval_columns() -> tuple[Column, ...]:
    return (
        whole("interval"),
        text("start"),
        price("price"),
        price("sell_price"),
        whole("orders"),
        whole("skipped"),
        kwh("bid"),
        kwh("offered"),
        kwh("traded"),
        kwh("accepted"),
        kwh("cut", derived=True),
        Column("verdict", "verdict", str, Verdict.named),
        kwh("unsold", derived=True),
        kwh("consumed", derived=True),
        kwh("imported", derived=True),
        kwh("own"),
        kwh("neighbours"),
        kwh("grid"),
        kwh("surplus"),
        kwh("unpaid"),
        kwh("curtailed"),
        kwh("without_market_curtailed"),
        kwh("losses"),
        real("voltage_max_pu_before", PU_DECIMALS),
        real("voltage_max_pu_after", PU_DECIMALS),
        real("voltage_min_pu_before", PU_DECIMALS),
        real("voltage_min_pu_after", PU_DECIMALS),
        real("loading_max_percent_before", PERCENT_DECIMALS),
        real("loading_max_percent_after", PERCENT_DECIMALS),
        real_if_any("voltage_max_pu_metered", PU_DECIMALS),
        real_if_any("voltage_min_pu_metered", PU_DECIMALS),
        real_if_any("loading_max_percent_metered", PERCENT_DECIMALS),
        whole("beyond_limits_after"),
        whole("beyond_limits_metered"),
        whole("gas"),
    )


def _participant_columns(currency: str) -> tuple[Column, ...]:
    return (
        text("participant"),
        text("kind"),
        text("node"),
        kwh("imported"),
        kwh("exported"),
        kwh("own"),
        kwh("bought_from_neighbours"),
        kwh("sold_to_neighbours"),
        kwh("bought_at_tariff", derived=True),
        kwh("sold_at_tariff", derived=True),
        kwh("unpaid_surplus"),
        kwh("curtailed"),
        kwh("loss_share"),
        kwh("without_market"),
        share("self_sufficiency"),
        share("self_consumption"),
        *(money(line, currency, f"lines.{line}") for line in BILL_LINES),
        money("bill_market", currency, derived=True),
        money("without_market_retail", currency),
        money("without_market_feed_in", currency),
        money("bill_without_market", currency, derived=True),
        money("saving", currency, derived=True),
        money("forecast_error_cost", currency),
    )


def _settlement_columns(currency: str) -> tuple[Column, ...]:
    return (
        whole("interval"),
        text("participant"),
        kwh("accepted_sell"),
        kwh("accepted_buy"),
        kwh("imported"),
        kwh("exported"),
        kwh("own"),
        kwh("curtailed"),
        kwh("loss"),
        money("network_charge", currency),
        money("loss_cost", currency),
        kwh("paid_surplus"),
        kwh("unpaid_surplus", derived=True),
        kwh_if_any("export_limit"),
        kwh("without_market"),
        money("cash", currency),
        flag("on_market"),
    )


def _order_columns() -> tuple[Column, ...]:
    return (
        whole("interval"),
        text("participant"),
        text("side"),
        price("price"),
        kwh("quantity"),
        kwh("filled"),
        kwh("accepted"),
        text("skipped"),
        price("traded_at"),
    )


def _curtailment_columns() -> tuple[Column, ...]:
    return (
        whole("interval"),
        text("participant"),
        text("side"),
        kwh("filled"),
        kwh("accepted"),
        kwh("surplus"),
        text("code"),
        text("element"),
        real("value", PU_DECIMALS),
        real("limit", PU_DECIMALS),
        text("unit"),
        text("sentence"),
    )
