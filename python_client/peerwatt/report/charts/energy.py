"""Where the homes' energy came from and where their generation went, over the day and by household."""

from __future__ import annotations

from collections.abc import Sequence

from peerwatt.record.household_results import ParticipantResult
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.charts.day import WIDTH, Day
from peerwatt.report.charts.mark_rows import Bar, MarkRow, MarkScale, mark_rows
from peerwatt.report.svg import Scale, picture, plain, rect
from peerwatt.units import WH_PER_KWH

SOURCES = (Key("own", "own generation"), Key("neighbours", "neighbours"), Key("grid", "grid"))


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
    name = "Energy by source over the day"
    return Chart(
        name=name,
        drawing=picture(
            WIDTH,
            295,
            "".join(parts),
            name,
            "What all homes consumed in each interval, from their own generation, from neighbours and from "
            "the grid.",
        ),
        keys=SOURCES,
        table=Table(
            (
                f"start ({day.zone})",
                "consumed (kWh)",
                "own (kWh)",
                "imported (kWh)",
                "of it neighbours",
                "of it grid",
            ),
            tuple(
                (
                    day.moment(i),
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
    name = "Consumption by household and source"
    return Chart(
        name=name,
        drawing=_bars(rows, classes, "kWh consumed", name),
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
    name = "Use of generation by household"
    return Chart(
        name=name,
        drawing=_bars(
            [(household, tuple(values[k] for k in used)) for household, values in rows],
            [keys[k].class_ for k in used],
            "kWh generated",
            name,
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
    most = max([1, *(sum(values) for _, values in rows)]) / WH_PER_KWH
    made = []
    for household, values in rows:
        base, marks = 0.0, []
        for class_, value in zip(classes, values, strict=True):
            if value:
                marks.append(Bar(class_, base, base + value / WH_PER_KWH))
            base += value / WH_PER_KWH
        made.append(MarkRow(household, tuple(marks), f"{base:.1f}"))
    return mark_rows(made, MarkScale(0, most, plain(), unit), name, f"One bar per household, {unit}.")
