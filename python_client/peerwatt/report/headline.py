"""The top of the page: what happened in two sentences, six figures, and the checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape

from peerwatt.record.results import BillDifference, IntervalResult, ReplayResult, Summary
from peerwatt.report import words
from peerwatt.report.columns import scaled
from peerwatt.report.outcome import (
    losers_in_words,
    metered_in_words,
    missed_in_words,
    saving,
    surplus_in_words,
)
from peerwatt.units import BASE_UNITS_PER_CURRENCY

NAMED = 20
"""Differences that are named on the page and in the terminal; summary.json has all."""


def headline(result: ReplayResult) -> str:
    """What happened."""
    summary, limits = result.summary, result.summary.limits
    cut = [i for i in result.intervals if i.verdict.cuts]
    first = (
        f"{summary.participants} participants traded <strong>{words.kwh(summary.accepted_wh)} kWh</strong> "
        f"among themselves in {summary.intervals} intervals and together saved "
        f"<strong>{words.money(saving(result))} {escape(summary.currency)}</strong> against what they would "
        "have paid without a market on the same feeder; "
        f"{escape(missed_in_words(result))}, {losers_in_words(result)}"
    )
    kept = sum(account.cash for account in result.accounts if account.account == "community")
    paid_back = -sum(p.lines.community for p in result.participants)
    if paid_back:
        first += (
            f"; {words.money(paid_back)} {escape(summary.currency)} of it the community's account had kept "
            "and paid back per Wh traded"
        )
    elif kept:
        first += f"; the community's account kept {words.money(kept)} {escape(summary.currency)} between them"
    first += "."
    if summary.envelopes:
        first += (
            f" In {summary.envelopes} intervals the committee had published operating envelopes, the "
            "same share for all of what each was expected to exchange, then of its connection: "
            f"{words.count(summary.envelope_shrunk)} orders were kept within them, "
            f"{words.count(summary.envelope_skipped)} skipped above them."
        )
    if not cut:
        return (
            f'<p class="lead">{first} The grid could carry everything: {metered_in_words(summary)}.'
            f"{_sealed(summary)}</p>"
        )
    second = (
        f"In <strong>{len(cut)}</strong> intervals the grid could not carry what was sold and fed in: "
        f"{surplus_in_words(summary)}, {words.kwh(summary.cut_wh)} kWh of trades cut."
    )
    before, after, limit = summary.voltage_max_pu_before, summary.voltage_max_pu_after, limits.voltage_max_pu
    metered = f"The committee promised at most {words.pu(after)} pu, {metered_in_words(summary)}"
    if before > limit:
        second += f" The voltage would have reached {words.pu(before)} pu; the limit is {limit:g} pu."
    if after > limit:
        metered += f"; what is promised above {limit:g} pu comes from those who do not trade"
    second += f" {metered}."
    return f'<p class="lead">{first}</p><p class="lead">{second}{_sealed(summary)}</p>'


def _sealed(summary: Summary) -> str:
    """How orders were hidden until gate closure, where they were."""
    if not summary.sealed_batches:
        return ""
    return (
        f" No order was public before gate closure: {words.count(summary.sealed_batches)} batches were "
        f"committed to under a bond of {words.money(summary.bond)} {escape(summary.currency)} each, and "
        "revealed after it."
    )


def mean_prices(intervals: tuple[IntervalResult, ...]) -> str:
    """Mean prices that buyers paid and sellers got, weighted by accepted energy, in words."""
    paid = _mean([(i.accepted_wh, i.price) for i in intervals if i.price is not None])
    return words.prices(
        paid, _mean([(i.accepted_wh, i.sell_price) for i in intervals if i.sell_price is not None])
    )


def _mean(weighted: Sequence[tuple[int, int]]) -> int | None:
    weight = sum(each for each, _ in weighted)
    return (sum(each * price for each, price in weighted) + weight // 2) // weight if weight else None


def tiles(result: ReplayResult) -> str:
    """Six figures."""
    summary, intervals = result.summary, result.intervals
    imported = sum(i.imported_wh for i in intervals)
    neighbours = sum(i.neighbours_wh for i in intervals)
    cut = sum(1 for i in intervals if i.verdict.cuts)
    better = sum(1 for p in result.participants if p.saving > 0)
    missed = sum(p.forecast_error_cost for p in result.participants)
    limits = summary.limits
    figures = (
        (
            "Traded and accepted",
            words.kwh(summary.accepted_wh),
            "kWh",
            f"{words.share(neighbours / imported if imported else None)} of what the meters imported",
        ),
        (
            "Saved against no market on this feeder",
            words.money(saving(result)),
            summary.currency,
            f"{better} of {summary.participants} households are better off; "
            f"forecasts missed cost {words.money(missed)}",
        ),
        (
            "Mean price",
            mean_prices(intervals),
            "ct/kWh",
            f"feed-in {words.ct(summary.feed_in)}, retail {words.ct(summary.retail)}",
        ),
        (
            "Highest voltage",
            f"{words.pu(summary.voltage_max_pu_before)} → {words.pu(summary.voltage_max_pu_after)}",
            "pu",
            f"before the gate and promised after it, limit {limits.voltage_max_pu:g} pu; "
            f"{metered_in_words(summary)}",
        ),
        (
            "Intervals cut by the gate",
            f"{cut}",
            f"of {summary.intervals}",
            f"{words.kwh(summary.cut_wh)} kWh of trades; {surplus_in_words(summary)}",
        ),
        (
            "Gas per participant and interval",
            words.count(summary.gas_per_participant_interval),
            "",
            f"{words.count(summary.gas_total)} in all, {words.count(summary.orders)} orders",
        ),
    )
    return (
        '<dl class="tiles">'
        + "".join(
            f'<div class="tile"><dt>{escape(name)}</dt><dd class="figure">{escape(figure)} '
            f'<small>{escape(unit)}</small></dd><dd class="rest">{escape(rest)}</dd></div>'
            for name, figure, unit, rest in figures
        )
        + "</dl>"
    )


def skipped_orders(result: ReplayResult) -> dict[str, int]:
    """How many orders the market skipped, by the contract's reason."""
    skipped = {(step.interval, step.participant, step.skipped) for step in result.orders if step.skipped}
    return dict(sorted(Counter(reason for _, _, reason in skipped).items()))


def skipped_in_words(result: ReplayResult) -> str:
    """`3 orders skipped (2 BelowMargin, 1 OverEnvelope)`."""
    reasons = ", ".join(f"{words.count(count)} {reason}" for reason, count in skipped_orders(result).items())
    return f"{words.count(result.summary.skipped)} orders skipped" + (f" ({reasons})" if reasons else "")


def bills_in_words(result: ReplayResult) -> str:
    """How many bills were compared, and how many the chain knows nothing of."""
    check = result.bill_check
    text = f"{words.count(check.compared)} bills of an interval compared"
    if check.outside:
        text += f", {words.count(check.outside)} outside it (no order: billed at the tariff by the supplier)"
    return text


def bill_differences(result: ReplayResult) -> list[str]:
    """Every difference between a bill and the chain, a sentence each, to the base unit."""
    return [_difference(each, result.summary.currency) for each in result.bill_check.differences]


def _difference(found: BillDifference, currency: str) -> str:
    when = "all intervals" if found.interval is None else f"interval {found.interval}"
    billed, booked, apart = (
        scaled(amount, BASE_UNITS_PER_CURRENCY).replace("-", words.MINUS)
        for amount in (found.by_the_bills, found.on_chain, found.amount)
    )
    return (
        f"{found.account}, {when}: the bill credits {billed} {currency}, the chain booked {booked}; "
        f"{apart} apart"
    )


def checks(result: ReplayResult) -> str:
    """What must be zero, and what the market skipped."""
    summary = result.summary
    differences = bill_differences(result)
    total = sum(account.cash for account in result.accounts)
    rows = (
        (summary.reference_mismatches, "mismatches with the reference market"),
        (summary.conservation_error, "base units lost or made"),
        (total, "base units: the sum of all accounts, fees and losses included"),
        (len(differences), f"bills that differ from the account; {bills_in_words(result)}"),
    )
    listed = "".join(f"<li class=bad>{escape(text)}</li>" for text in differences[:NAMED])
    if len(differences) > NAMED:
        listed += f"<li class=bad>and {len(differences) - NAMED} more, all in summary.json</li>"
    return (
        '<ul class="checks">'
        + "".join(
            f"<li{' class=bad' if value else ''}><b>{value}</b> {escape(text)}</li>" for value, text in rows
        )
        + f"<li>{escape(skipped_in_words(result))}</li>{listed}</ul>"
    )
