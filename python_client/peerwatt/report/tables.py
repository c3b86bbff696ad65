"""The result of a replay in the terminal: what happened, and what every household paid, drew and fed in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from peerwatt.record.results import ReplayResult, Summary
from peerwatt.report import words
from peerwatt.report.headline import (
    NAMED,
    bill_differences,
    bills_in_words,
    mean_prices,
    skipped_in_words,
)
from peerwatt.report.outcome import metered_in_words, saving_in_words, surplus_in_words
from peerwatt.report.terminal import table

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(result: ReplayResult) -> Table:
    """What happened, a line each."""
    summary, limits = result.summary, result.summary.limits
    verdicts = ", ".join(f"{count} {name}" for name, count in summary.verdicts.items() if count)
    made = table("", "", long=1)
    made.show_header = False
    cut = summary.traded_wh - summary.accepted_wh
    for name, value in (
        ("scenario", f"{summary.scenario}, {summary.start}, {summary.intervals} intervals"),
        ("pricing", summary.pricing),
        ("chain", f"{summary.chain}, seed {summary.seed}"),
        ("orders", f"{words.count(summary.orders)}, of which {summary.skipped} skipped"),
        *sealed_row(summary),
        *envelope_row(summary),
        ("traded", f"{words.kwh(summary.traded_wh)} kWh, accepted {words.kwh(summary.accepted_wh)} kWh"),
        ("mean price", f"{mean_prices(result.intervals)} ct/kWh"),
        ("verdicts", f"{verdicts}; {words.kwh(cut)} kWh of trades cut"),
        ("surplus", surplus_in_words(summary)),
        (
            "voltage",
            f"at most {words.pu(summary.voltage_max_pu_before)} pu before the gate, "
            f"{words.pu(summary.voltage_max_pu_after)} pu promised after it, {metered_in_words(summary)}; "
            f"limit {limits.voltage_max_pu:g} pu",
        ),
        ("loading", f"at most {words.percent(summary.loading_max_percent_after)} % after the gate"),
        ("losses", f"{words.kwh(summary.losses_wh)} kWh"),
        ("saved", saving_in_words(result)),
        *community_row(result),
        (
            "gas",
            f"{words.count(summary.gas_total)}, {words.count(summary.gas_per_participant_interval)} per "
            "participant and interval",
        ),
        *checks_rows(result),
        ("time", f"{summary.wall_seconds:.1f} s"),
    ):
        made.add_row(name, value)
    return made


def checks_rows(result: ReplayResult) -> Iterator[tuple[str, str]]:
    """What must agree, every difference by name, and the orders that the market skipped."""
    summary, differences = result.summary, bill_differences(result)
    yield (
        "checks",
        f"{summary.reference_mismatches} mismatches with the reference market, conservation error "
        f"{summary.conservation_error}",
    )
    yield "bills", f"{len(differences)} that differ from the chain; {bills_in_words(result)}"
    if summary.first_difference:
        yield "", summary.first_difference
    for difference in differences[:NAMED]:
        yield "", difference
    if len(differences) > NAMED:
        yield "", f"and {len(differences) - NAMED} more bills, all in summary.json"
    if summary.skipped:
        yield "", skipped_in_words(result)


def sealed_row(summary: Summary) -> Iterator[tuple[str, str]]:
    """How orders were hidden until gate closure, where they were."""
    if summary.sealed_batches:
        yield (
            "sealed",
            f"{words.count(summary.sealed_batches)} batches, each revealed within "
            f"{summary.reveal_window_s} s of gate closure for its bond of {words.money(summary.bond)} "
            f"{summary.currency}",
        )


def community_row(result: ReplayResult) -> Iterator[tuple[str, str]]:
    """What buyers paid beyond what sellers got, where that is anything."""
    paid_back = -sum(p.lines.community for p in result.participants)
    kept = sum(account.cash for account in result.accounts if account.account == "community")
    if paid_back:
        yield (
            "community",
            f"{words.money(paid_back)} {result.summary.currency} kept and paid back per Wh traded",
        )
    elif kept:
        yield "community", f"{words.money(kept)} {result.summary.currency} kept by its account"


def envelope_row(summary: Summary) -> Iterator[tuple[str, str]]:
    """What the operating envelopes did, where there were any."""
    if summary.envelopes:
        yield (
            "envelopes",
            f"in {summary.envelopes} intervals; {words.count(summary.envelope_shrunk)} orders kept within "
            f"them, {words.count(summary.envelope_skipped)} skipped above them",
        )


def household_tables(result: ReplayResult) -> Iterator[Table]:
    """Bills, what was consumed, and what was generated: three tables that leave a long name its room."""
    currency = result.summary.currency
    bills = table(
        "household",
        f"market\n{currency}",
        f"without it\n{currency}",
        f"saving\n{currency}",
        f"forecasts missed\n{currency}",
    )
    consumed = table("household", "own\nkWh", "neighbours\nkWh", "grid\nkWh")
    generated = table("household", "own\nkWh", "sold\nkWh", "fed in\nkWh", "held back\nkWh")
    for p in result.participants:
        bills.add_row(
            p.participant,
            words.money(p.bill_market),
            words.money(p.bill_without_market),
            words.money(p.saving, plus=True),
            words.money(p.forecast_error_cost),
        )
        drawn = (p.own_wh, p.bought_from_neighbours_wh, p.bought_at_tariff_wh)
        consumed.add_row(p.participant, *map(words.kwh, drawn))
        fed = (p.own_wh, p.sold_to_neighbours_wh, p.sold_at_tariff_wh + p.unpaid_surplus_wh, p.curtailed_wh)
        if any(fed):
            generated.add_row(p.participant, *map(words.kwh, fed))
    yield bills
    yield consumed
    if generated.row_count:
        yield generated


def show_result(result: ReplayResult) -> None:
    """Print all of it."""
    from peerwatt.report.local_time import in_local_time
    from peerwatt.report.terminal import results, show

    show(summary_table(in_local_time(result)))
    for each in household_tables(result):
        results().print()
        show(each)
