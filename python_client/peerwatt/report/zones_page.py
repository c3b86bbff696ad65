"""The page of a pilot with several zones: their figures side by side, and a way to the report of each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

from peerwatt import __version__
from peerwatt.errors import InputError
from peerwatt.report import words
from peerwatt.report.charts.mark_rows import Bar, MarkRow, MarkScale, mark_rows
from peerwatt.report.document import document
from peerwatt.report.figures import Card, bdi, card, scroll
from peerwatt.report.svg import plain
from peerwatt.report.zones import Group, ZoneFigures, groups_of, total
from peerwatt.units import WH_PER_KWH

PAGE = "report.html"


def write_zones_page(pilot: str, zones: Sequence[ZoneFigures], directory: Path) -> Path:
    """Write the page beside the zones' directories, replacing an earlier one in one step.

    Raises:
        InputError: it cannot be written.
    """
    path, fresh = directory / PAGE, directory / f".{PAGE}.{os.getpid()}"
    try:
        fresh.write_text(render_zones(pilot, zones), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def render_zones(pilot: str, zones: Sequence[ZoneFigures]) -> str:
    """The page as HTML."""
    every = total(zones)
    who, traded = words.count(every.sums["participants"]), words.kwh(every.sums["accepted_wh"])
    saved = f"{words.money(every.sums['saved'])} {escape(every.currency)}"
    return document(
        f"{pilot}: {len(zones)} zones",
        facts=f"version {__version__}",
        opening=f'<p class="lead">{who} participants in {len(zones)} zones traded '
        f"<strong>{traded} kWh</strong>, each zone in a market of its own, and together saved "
        f"<strong>{saved}</strong> against what they would have paid without a market on the same "
        "feeders.</p>"
        '<p class="about">Nothing is traded between zones. A zone\'s name leads to its report.</p>',
        cards=[
            *_traded(zones),
            *(
                card(title, "", scroll(_table(columns, zones), title))
                for title, columns in groups_of(zones).items()
            ),
        ],
        footer="<p>The same figures are in <code>zones.json</code> beside this page; "
        "<code>peerwatt report DIR</code> makes it again.</p>",
    )


def _traded(zones: Sequence[ZoneFigures]) -> list[Card]:
    """Accepted energy, a bar per zone."""
    energies = [(zone.zone, zone.sums["accepted_wh"]) for zone in zones]
    name = "Accepted energy by zone"
    most = max([1, *(energy for _, energy in energies)]) / WH_PER_KWH
    rows = [
        MarkRow(zone, (Bar("neighbours", 0, energy / WH_PER_KWH),), words.kwh(energy))
        for zone, energy in energies
    ]
    drawing = mark_rows(
        rows, MarkScale(0, most, plain(), "kWh"), name, "One bar per zone.", "accepted", households=False
    )
    return [card("What was traded", "Energy that the grid gate accepted.", drawing, short="Traded")]


def _table(columns: Group, zones: Sequence[ZoneFigures]) -> str:
    heads = "".join(f"<th scope=col>{escape(head.replace(chr(10), ' '))}</th>" for head in ("zone", *columns))
    rows = ""
    for zone in (*zones, total(zones)):
        name = bdi(zone.zone)
        if zone in zones:
            name = f'<a href="{quote(zone.zone)}/{PAGE}">{name}</a>'
        cells = "".join(f"<td>{escape(write(zone))}</td>" for write in columns.values())
        rows += f"<tr><th scope=row>{name}</th>{cells}</tr>"
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
