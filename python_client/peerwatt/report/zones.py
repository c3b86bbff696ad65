"""The zones of one pilot side by side, and their sums: every total is the sum of integers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.columns import PU_DECIMALS, scaled
from peerwatt.report.files import WALL_DECIMALS
from peerwatt.report.headline import saving
from peerwatt.units import BASE_UNITS_PER_CURRENCY
from peerwatt.verdict import DECIDED

if TYPE_CHECKING:
    from rich.table import Table

ZONES = "zones.json"
SUMMED = (
    "participants",
    "orders",
    "skipped",
    "traded_wh",
    "accepted_wh",
    *map(str, DECIDED),
    "losses_wh",
    "saved",
    "gas_total",
    "reference_mismatches",
    "conservation_error",
)
"""Columns whose total is their sum; energy in Wh, money in base units."""


@dataclass(frozen=True)
class ZoneFigures:
    """One zone's replay, or all of them together.

    Attributes:
        zone: its name.
        currency: ISO 4217 code.
        sums: the columns of `SUMMED`.
        voltage_max_pu_before: highest voltage before the gate, pu.
        voltage_max_pu_after: highest voltage after it, pu.
        wall_seconds: how long the replay took.
    """

    zone: str
    currency: str
    sums: dict[str, int]
    voltage_max_pu_before: float
    voltage_max_pu_after: float
    wall_seconds: float

    @property
    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "zone": self.zone,
            **self.sums,
            "currency": self.currency,
            "voltage_max_pu_before": round(self.voltage_max_pu_before, PU_DECIMALS),
            "voltage_max_pu_after": round(self.voltage_max_pu_after, PU_DECIMALS),
            "wall_seconds": round(self.wall_seconds, WALL_DECIMALS),
        }


def zone_figures(zone: str, result: ReplayResult) -> ZoneFigures:
    """The figures of one zone."""
    summary = result.summary
    values = {**summary.verdicts, "saved": saving(result)}
    return ZoneFigures(
        zone,
        summary.currency,
        {name: values[name] if name in values else getattr(summary, name) for name in SUMMED},
        summary.voltage_max_pu_before,
        summary.voltage_max_pu_after,
        summary.wall_seconds,
    )


def total(zones: Sequence[ZoneFigures]) -> ZoneFigures:
    """All zones together: sums, and the highest voltages. They have one currency."""
    return ZoneFigures(
        "all",
        zones[0].currency,
        {name: sum(zone.sums[name] for zone in zones) for name in SUMMED},
        max(zone.voltage_max_pu_before for zone in zones),
        max(zone.voltage_max_pu_after for zone in zones),
        sum(zone.wall_seconds for zone in zones),
    )


def zones_document(pilot: str, zones: Sequence[ZoneFigures]) -> dict[str, Any]:
    """All zones and their total, as JSON."""
    return {
        "pilot": pilot,
        "zones": [zone.document for zone in zones],
        "total": total(zones).document,
    }


def write_zones(document: dict[str, Any], directory: Path) -> Path:
    """Write the zones' figures beside their reports, replacing earlier ones in one step.

    Returns:
        Path of `zones.json`.

    Raises:
        InputError: it cannot be written.
    """
    path, fresh = directory / ZONES, directory / f".{ZONES}.{os.getpid()}"
    try:
        fresh.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    return path


def zones_table(zones: Sequence[ZoneFigures]) -> Table:
    """A column for each zone, and their total."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    columns = [*zones, total(zones)]
    table.add_column("zone", style="dim")
    for zone in columns:
        table.add_column(zone.zone, justify="right", no_wrap=True)
    rows: list[tuple[str, Callable[[ZoneFigures], str]]] = [
        ("participants", _count("participants")),
        ("orders", _count("orders")),
        ("skipped", _count("skipped")),
        ("traded kWh", lambda zone: words.kwh(zone.sums["traded_wh"])),
        ("accepted kWh", lambda zone: words.kwh(zone.sums["accepted_wh"])),
        *((name, _count(name)) for name in map(str, DECIDED) if any(zone.sums[name] for zone in zones)),
        ("highest pu before the gate", lambda zone: words.pu(zone.voltage_max_pu_before)),
        ("highest pu after it", lambda zone: words.pu(zone.voltage_max_pu_after)),
        ("losses kWh", lambda zone: words.kwh(zone.sums["losses_wh"])),
        (f"saved {zones[0].currency}", lambda zone: scaled(zone.sums["saved"], BASE_UNITS_PER_CURRENCY)),
        ("gas", _count("gas_total")),
        ("mismatches", _count("reference_mismatches")),
        ("conservation error", _count("conservation_error")),
        ("time s", lambda zone: f"{zone.wall_seconds:.1f}"),
    ]
    for name, write in rows:
        table.add_row(name, *map(write, columns))
    return table


def _count(name: str) -> Callable[[ZoneFigures], str]:
    return lambda zone: words.count(zone.sums[name])
