"""Where the homes' energy came from and where their generation went, over the day and by household."""

from __future__ import annotations

from collections.abc import Sequence

from peerwatt.record.household_results import ParticipantResult
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.day import WIDTH, Day
from peerwatt.report.svg import Frame, Scale, label, picture, plain, rect, room_for
from peerwatt.units import WH_PER_KWH

SOURCES = (Key("own", "own generation"), Key("neighbours", "neighbours"), Key("grid", "grid"))
ROW = 30.0


def energy_by_source(result: ReplayResult) -> Chart:
    """Consumption over the day, stacked: own, neighbours, grid. The last two are the meters' import."""
    day = Day(result.intervals, result.summary.interval_length_s)
    frame = day.frame(30, 260)
    top = max([1, *(i.consumed_wh for i in result.intervals)]) / WH_PER_KWH
    y = Scale(0, top * 1.05, frame.bottom, frame.top)
    parts = [frame.y_axis(y, plain(1 if top < 4 else 0), "kWh consumed per interval")]
    width = day.x(1) - day.x(0)
    gap = min(1.0, width / 6)
    for k, i in enumerate(result.intervals):
        base = 0.0
        for key, energy in zip(SOURCES, (i.own_wh, i.neighbours_wh, i.grid_wh), strict=True):
            if energy:
                height = y(energy / WH_PER_KWH) - y(0)
                parts.append(rect(day.x(k) + gap / 2, y(base), width - gap, height, f"fill {key.class_}"))
            base += energy / WH_PER_KWH
    parts += [day.axis(frame.bottom), day.sensor(frame.top, frame.bottom)]
    return Chart(
        drawing=picture(
            WIDTH,
            295,
            "".join(parts),
            "Energy by source over the day",
            "What all homes consumed in each interval, from their own generation, from neighbours and from "
            "the grid.",
        ),
        keys=SOURCES,
        table=Table(
            (
                "start (UTC)",
                "consumed (kWh)",
                "own (kWh)",
                "imported (kWh)",
                "of it neighbours",
                "of it grid",
            ),
            tuple(
                (
                    words.moment(i.start, day.many_days),
                    words.kwh(i.consumed_wh),
                    words.kwh(i.own_wh),
                    words.kwh(i.imported_wh),
                    words.kwh(i.neighbours_wh),
                    words.kwh(i.grid_wh),
                )
                for i in result.intervals
            ),
        ),
    )


def consumption_by_household(result: ReplayResult) -> Chart:
    """Each household's consumption by source."""
    rows = [
        (p.participant, (p.own_wh, p.bought_from_neighbours_wh, p.bought_at_tariff_wh))
        for p in result.participants
    ]
    classes = [key.class_ for key in SOURCES]
    return Chart(
        drawing=_bars(rows, classes, "kWh consumed", "Consumption by household and source"),
        keys=SOURCES,
        table=Table(
            (
                "household",
                "consumed (kWh)",
                "own (kWh)",
                "import register (kWh)",
                "of it neighbours",
                "of it grid",
                "self-sufficiency",
            ),
            tuple(
                (
                    p.participant,
                    words.kwh(p.demand_wh),
                    words.kwh(p.own_wh),
                    words.kwh(p.imported_wh),
                    words.kwh(p.bought_from_neighbours_wh),
                    words.kwh(p.bought_at_tariff_wh),
                    words.share(p.self_sufficiency),
                )
                for p in result.participants
            ),
        ),
    )


def generation_by_household(result: ReplayResult) -> Chart:
    """Where each roof's generation went, what was held back included."""
    producers = [p for p in result.participants if p.production_wh + p.curtailed_wh]
    rows = [(p.participant, _uses(p)) for p in producers]
    keys = (
        Key("own", "used at home"),
        Key("neighbours", "sold to neighbours"),
        Key("feed-in", "fed in at the tariff"),
        Key("unpaid", "fed in unpaid"),
        Key("curtailed", "held back for the grid"),
    )
    used = [k for k, key in enumerate(keys) if k < 3 or any(values[k] for _, values in rows)]
    return Chart(
        drawing=_bars(
            [(name, tuple(values[k] for k in used)) for name, values in rows],
            [keys[k].class_ for k in used],
            "kWh generated",
            "Use of generation by household",
        ),
        keys=tuple(keys[k] for k in used),
        table=Table(
            (
                "household",
                "generated (kWh)",
                "used at home",
                "export register (kWh)",
                "of it neighbours",
                "of it at the tariff",
                "of it unpaid",
                "held back (kWh)",
                "self-consumption",
            ),
            tuple(
                (
                    p.participant,
                    words.kwh(p.production_wh + p.curtailed_wh),
                    words.kwh(p.own_wh),
                    words.kwh(p.exported_wh),
                    words.kwh(p.sold_to_neighbours_wh),
                    words.kwh(p.sold_at_tariff_wh),
                    words.kwh(p.unpaid_surplus_wh),
                    words.kwh(p.curtailed_wh),
                    words.share(p.self_consumption),
                )
                for p in producers
            ),
        ),
    )


def _uses(p: ParticipantResult) -> tuple[int, ...]:
    return p.own_wh, p.sold_to_neighbours_wh, p.sold_at_tariff_wh, p.unpaid_surplus_wh, p.curtailed_wh


def _bars(rows: Sequence[tuple[str, tuple[int, ...]]], classes: Sequence[str], unit: str, name: str) -> str:
    frame = Frame(room_for((name for name, _ in rows), 92), 8, 430, 8 + ROW * max(len(rows), 1))
    x = Scale(0, max([1, *(sum(values) for _, values in rows)]) / WH_PER_KWH, frame.left, frame.right)
    parts = [frame.x_axis(x, plain(), unit, 5)]
    for k, (household, values) in enumerate(rows):
        top = frame.top + ROW * k + 5
        base = 0.0
        for class_, value in zip(classes, values, strict=True):
            if value:
                parts.append(rect(x(base), top, x(value / WH_PER_KWH) - x(0), ROW - 10, f"fill {class_}"))
            base += value / WH_PER_KWH
        parts.append(label(household, frame.left - 10, top + 14, "name", "end"))
        parts.append(label(f"{base:.1f}", x(base) + 6, top + 14, "note"))
    return picture(480, frame.bottom + 44, "".join(parts), name, f"One bar per household, {unit}.")
