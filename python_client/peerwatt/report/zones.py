"""The zones of one pilot side by side, and their sums: every total is the sum of integers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peerwatt.errors import InputError
from peerwatt.record.results import ReplayResult
from peerwatt.report import words
from peerwatt.report.columns import PU_DECIMALS, scaled
from peerwatt.report.files import WALL_DECIMALS
from peerwatt.report.outcome import saving
from peerwatt.report.terminal import results, show, table
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
    "bill_differences",
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
    values = {
        **summary.verdicts,
        "saved": saving(result),
        "bill_differences": len(result.bill_check.differences),
    }
    return ZoneFigures(
        zone,
        summary.currency,
        {name: values[name] if name in values else getattr(summary, name) for name in SUMMED},
        summary.voltage_max_pu_before,
        summary.voltage_max_pu_after,
        # As the export keeps it: the total of a report made again is then the replay's own.
        round(summary.wall_seconds, WALL_DECIMALS),
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


@dataclass(frozen=True)
class Zones:
    """Which zones a pilot's directory has.

    Attributes:
        pilot: its name.
        names: of the zones, which are the directories of their reports.
    """

    pilot: str
    names: tuple[str, ...]


def read_zones(directory: Path) -> Zones | None:
    """The zones that `write_zones` left beside their reports; None where there is no `zones.json`.

    Raises:
        InputError: it cannot be read.
    """
    path = directory / ZONES
    if not path.is_file():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Zones(str(document["pilot"]), tuple(str(zone["zone"]) for zone in document["zones"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: names no zones: {error!r}; replay again") from None


Group = dict[str, Callable[[ZoneFigures], str]]
"""Head of each column, and what it says of a zone."""


def groups_of(zones: Sequence[ZoneFigures]) -> dict[str, Group]:
    """What is said of zones: the market, verdicts, the feeder, money, and the checks."""
    return {
        "The market": {
            "homes": _count("participants"),
            "orders": _count("orders"),
            "skipped": _count("skipped"),
            "traded\nkWh": lambda zone: words.kwh(zone.sums["traded_wh"]),
            "accepted\nkWh": lambda zone: words.kwh(zone.sums["accepted_wh"]),
        },
        "Verdicts": {
            name: _count(name) for name in map(str, DECIDED) if any(zone.sums[name] for zone in zones)
        },
        "The feeder": {
            "highest pu\nbefore the gate": lambda zone: words.pu(zone.voltage_max_pu_before),
            "after\nit": lambda zone: words.pu(zone.voltage_max_pu_after),
            "losses\nkWh": lambda zone: words.kwh(zone.sums["losses_wh"]),
        },
        "Money and chain": {
            f"saved\n{zones[0].currency}": lambda zone: scaled(zone.sums["saved"], BASE_UNITS_PER_CURRENCY),
            "gas": _count("gas_total"),
            "time\ns": lambda zone: f"{zone.wall_seconds:.1f}",
        },
        "Checks": {
            "mismatches": _count("reference_mismatches"),
            "conservation\nerror": _count("conservation_error"),
            "bills that\ndiffer": _count("bill_differences"),
        },
    }


def zones_tables(zones: Sequence[ZoneFigures]) -> Iterator[Table]:
    """A row for each zone and one for all, a table for each group of figures."""
    for columns in groups_of(zones).values():
        made = table("zone", *columns)
        for zone in (*zones, total(zones)):
            made.add_row(zone.zone, *(write(zone) for write in columns.values()))
        yield made


def show_zones(zones: Sequence[ZoneFigures]) -> None:
    """Print all of it."""
    for k, each in enumerate(zones_tables(zones)):
        if k:
            results().print()
        show(each)


def _count(name: str) -> Callable[[ZoneFigures], str]:
    return lambda zone: words.count(zone.sums[name])
