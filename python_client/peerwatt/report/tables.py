"""The result of a replay in the terminal: one table of what happened, one of every household's bill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from peerwatt.record.results import ReplayResult, Summary
from peerwatt.report import words
from peerwatt.report.headline import mean_prices, saving

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(result: ReplayResult) -> Table:
    """What happened, a line each."""
    from rich.table import Table

    summary, limits = result.summary, result.summary.limits
    verdicts = ", ".join(f"{count} {name}" for name, count in summary.verdicts.items() if count)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column()
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
        ("verdicts", f"{verdicts}; {words.kwh(cut)} kWh cut"),
        (
            "voltage",
            f"at most {words.pu(summary.voltage_max_pu_before)} pu before the gate, "
            f"{words.pu(summary.voltage_max_pu_after)} pu after, limit {limits.voltage_max_pu:g} pu",
        ),
        ("loading", f"at most {words.percent(summary.loading_max_percent_after)} % after the gate"),
        ("losses", f"{words.kwh(summary.losses_wh)} kWh"),
        ("saved", f"{words.money(saving(result))} {summary.currency} by all households together"),
        (
            "gas",
            f"{words.count(summary.gas_total)}, {words.count(summary.gas_per_participant_interval)} per "
            "participant and interval",
        ),
        (
            "checks",
            f"{summary.reference_mismatches} mismatches with the reference market, conservation error "
            f"{summary.conservation_error}",
        ),
        ("time", f"{summary.wall_seconds:.1f} s"),
    ):
        table.add_row(name, value)
    return table


def sealed_row(summary: Summary) -> Iterator[tuple[str, str]]:
    """How orders were hidden until gate closure, where they were."""
    if summary.sealed_batches:
        yield (
            "sealed",
            f"{words.count(summary.sealed_batches)} batches, each revealed within "
            f"{summary.reveal_window_s} s of gate closure for its bond of {words.money(summary.bond)} "
            f"{summary.currency}",
        )


def envelope_row(summary: Summary) -> Iterator[tuple[str, str]]:
    """What the operating envelopes did, where there were any."""
    if summary.envelopes:
        yield (
            "envelopes",
            f"in {summary.envelopes} intervals; {words.count(summary.envelope_shrunk)} orders kept within "
            f"them, {words.count(summary.envelope_skipped)} skipped above them",
        )


def bills_table(result: ReplayResult) -> Table:
    """Each household: energy in kWh, bills in the currency."""
    from rich.table import Table

    currency = result.summary.currency
    table = Table(box=None, pad_edge=False)
    table.add_column("household")
    heads = (
        "own kWh",
        "neighbours kWh",
        "grid kWh",
        "sold kWh",
        "fed in kWh",
        "held back kWh",
        f"market {currency}",
        f"tariff {currency}",
        f"saving {currency}",
    )
    for head in heads:
        table.add_column(head, justify="right")
    for p in result.participants:
        energy = (
            p.own_wh,
            p.bought_from_neighbours_wh,
            p.bought_at_tariff_wh,
            p.sold_to_neighbours_wh,
            p.sold_at_tariff_wh + p.unpaid_surplus_wh,
            p.curtailed_wh,
        )
        bills = (
            words.money(p.bill_market),
            words.money(p.bill_tariff_only),
            words.money(p.saving, plus=True),
        )
        table.add_row(p.participant, *(words.kwh(e) for e in energy), *bills)
    return table
