"""Each household's bill with the market against the bill that the tariff alone would have made."""

from __future__ import annotations

from peerwatt.record.household_results import ParticipantResult
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.svg import Frame, Scale, circle, label, line, picture, plain, room_for, widened
from peerwatt.units import BASE_UNITS_PER_CURRENCY

ROW = 34.0
WIDTH = 1000.0


def bills(result: ReplayResult) -> Chart:
    """A pair of dots per household: tariff only, and with the market."""
    currency = result.summary.currency
    people = result.participants
    amounts = [_amount(a) for p in people for a in (p.bill_market, p.bill_tariff_only)]
    left = room_for((p.participant for p in people), 110)
    frame = Frame(left, 26, 860, 26 + ROW * max(len(people), 1))
    x = Scale(*widened(min([0.0, *amounts]), max([0.0, *amounts]), 0.04), frame.left, frame.right)
    parts = [frame.x_axis(x, plain(), f"{currency}; left of zero the household is paid", 9)]
    parts.append(line(x(0), frame.top - 6, x(0), frame.bottom, "zero"))
    parts.append(label("saving", WIDTH - 16, frame.top - 8, "axis-title", "end"))
    for k, p in enumerate(people):
        y = frame.top + ROW * (k + 0.5)
        before, after = x(_amount(p.bill_tariff_only)), x(_amount(p.bill_market))
        parts.append(line(frame.left, y, frame.right, y, "rule"))
        parts.append(line(before, y, after, y, "saving" if p.saving >= 0 else "saving loss"))
        parts.append(circle(before, y, 6, "dot tariff-only"))
        parts.append(circle(after, y, 6, "dot market"))
        parts.append(label(p.participant, frame.left - 12, y + 5, "name", "end"))
        sign = "gain" if p.saving >= 0 else "loss"
        parts.append(label(words.money(p.saving, plus=True), WIDTH - 16, y + 5, f"amount {sign}", "end"))
    return Chart(
        drawing=picture(
            WIDTH,
            frame.bottom + 44,
            "".join(parts),
            "Bills with and without the market",
            "For each household the bill at the tariff alone, the bill with the market, and the saving.",
        ),
        keys=(Key("market", "with the market"), Key("tariff-only", "at the tariff alone, same meter")),
        table=_table(people, currency),
    )


def _table(people: tuple[ParticipantResult, ...], currency: str) -> Table:
    heads = (
        "household",
        "peer sales",
        "peer purchases",
        "network fee",
        "shortfall",
        "unused",
        "feed-in",
        "retail",
        "losses",
        f"bill ({currency})",
        f"tariff only ({currency})",
        f"saving ({currency})",
    )
    rows = []
    for p in people:
        each = p.lines
        lines = (
            each.peer_sales,
            each.peer_purchases,
            each.network_fee,
            each.shortfall,
            each.unused,
            each.feed_in,
            each.retail,
            each.losses,
        )
        ends = (p.bill_market, p.bill_tariff_only, p.saving)
        rows.append((p.participant, *(words.money(amount) for amount in (*lines, *ends))))
    return Table(heads, tuple(rows))


def _amount(base_units: int) -> float:
    return base_units / BASE_UNITS_PER_CURRENCY
