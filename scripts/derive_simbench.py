"""Derive a scenario's feeder, participants, profiles and background from SimBench.

    python scripts/derive_simbench.py brooklyn-10 [--out FOLDER]

Needs the `grid` extra (pandapower, simbench). SimBench's database is ODbL: what this writes stays under it;
see the NOTICE.md that it writes.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import simbench
from numpy.typing import NDArray

import peerwatt
from peerwatt.grid.feeder import write_feeder
from peerwatt.grid.importers.pandapower import from_pandapower, with_ratio_taps

SLOT = timedelta(minutes=15)
CLOCK = ZoneInfo("Europe/Berlin")  # SimBench's labels are local time, with its daylight-saving shifts
WH_WATTS = 4  # W: 1 Wh in a quarter-hour
LIMITS = {
    "v_min_pu": 0.917,
    "v_max_pu": 1.058,
    "loading_max_percent": 100.0,
    "source": "ANSI C84.1 Range B service voltage (110 V to 127 V on 120 V); rated current and power",
}


@dataclass(frozen=True)
class Member:
    """One participant: its bus in SimBench and what it is called here."""

    name: str
    bus: str
    import_kw: float
    what: str


@dataclass(frozen=True)
class Slice:
    """What of SimBench makes a scenario."""

    code: str
    first_day: datetime
    days: int
    members: Sequence[Member]


HOME_KW, BUSINESS_KW = 24.1, 43.4  # three-phase main fuses of 35 A and 63 A at 230 V
SLICES = {
    "brooklyn-10": Slice(
        "1-LV-rural2--2-sw",
        datetime(2016, 6, 17, tzinfo=UTC),
        7,
        (
            Member("ada", "LV2.101 Bus 40", HOME_KW, "home at the end of the line with a large roof"),
            Member("ben", "LV2.101 Bus 10", HOME_KW, "home near the end of the line"),
            Member("chloe", "LV2.101 Bus 36", HOME_KW, "home"),
            Member("dario", "LV2.101 Bus 41", HOME_KW, "home with a barn roof"),
            Member("works", "LV2.101 Bus 6", BUSINESS_KW, "workshop with a hall roof"),
            Member("elif", "LV2.101 Bus 57", HOME_KW, "home with a heat pump and a charging point"),
            Member("bakery", "LV2.101 Bus 44", BUSINESS_KW, "bakery"),
            Member("office", "LV2.101 Bus 81", BUSINESS_KW, "office"),
            Member("restaurant", "LV2.101 Bus 71", BUSINESS_KW, "restaurant"),
            Member("shop", "LV2.101 Bus 85", BUSINESS_KW, "shop"),
        ),
    )
}


def main() -> None:
    """Write one scenario's folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(SLICES))
    parser.add_argument("--out", type=Path, help="folder to write to; the package's own scenario by default")
    arguments = parser.parse_args()
    out = arguments.out or Path(peerwatt.__file__).parent / "scenarios" / arguments.scenario
    derive(arguments.scenario, SLICES[arguments.scenario], out)
    print(f"wrote {out}")


def derive(name: str, slice_: Slice, out: Path) -> None:
    """Derive everything of one scenario."""
    net = with_ratio_taps(simbench.get_simbench_net(slice_.code))
    rows = _rows(net, slice_)
    profiles = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    times = [(slice_.first_day + k * SLOT).isoformat() for k in range(len(rows))]
    (out / "profiles").mkdir(parents=True, exist_ok=True)
    source = f"SimBench {slice_.code}, package simbench {version('simbench')}"
    document = from_pandapower(
        net,
        name=name,
        limits=LIMITS,
        own_loads=False,
        source=source,
        licence="ODbL 1.0 (database), DbCL 1.0 (contents)",
        provenance={
            "derived_by": "scripts/derive_simbench.py",
            "pandapower": version("pandapower"),
            "changed": "loads, generators, storage moved to the profiles; taps applied; nothing scaled",
        },
    )
    write_feeder(document, out / "feeder.json")

    load = _by_bus(net, profiles, "load", "p_mw", rows)
    pv = _by_bus(net, profiles, "sgen", "p_mw", rows)
    reactive = _by_bus(net, profiles, "load", "q_mvar", rows)
    background = load - pv + _by_bus(net, profiles, "storage", "p_mw", rows)
    position = {bus: k for k, bus in enumerate(net.bus["name"])}
    table = []
    for member in slice_.members:
        k = position[member.bus]
        drawn, made = (np.rint(x[:, k] / WH_WATTS).astype(int) * WH_WATTS for x in (load, pv))
        background[:, k] += pv[:, k] - load[:, k]
        _write(
            out / "profiles" / f"{member.name}.csv",
            ["TIME", "LOAD(W)", "PV(W)"],
            zip(times, drawn, made, strict=True),
        )
        table.append(_participant(net, member))
    fields = ["participant", "node", "kind", "import_limit_kw", "export_limit_kw", "pv_kwp", "description"]
    _write(out / "participants.csv", fields, table)
    for kind, power in (("active", background), ("reactive", reactive)):
        whole = np.rint(power).astype(int)
        used = np.flatnonzero(np.abs(whole).max(axis=0))
        header = ["TIME", *net.bus["name"].iloc[used]]
        _write(
            out / f"background_{kind}.csv",
            header,
            ([t, *r] for t, r in zip(times, whole[:, used], strict=True)),
        )


def _rows(net: Any, slice_: Slice) -> NDArray[np.int64]:
    """Row numbers of the slice's quarter-hours; SimBench's local clock is checked against UTC row by row."""
    labels = net.profiles["load"]["time"]
    start = datetime.strptime(labels.iloc[0], "%d.%m.%Y %H:%M").replace(tzinfo=CLOCK).astimezone(UTC)
    first = round((slice_.first_day - start) / SLOT)
    rows = np.arange(first, first + slice_.days * 96)
    for k in rows:
        local = (start + int(k) * SLOT).astimezone(CLOCK).strftime("%d.%m.%Y %H:%M")
        if labels.iloc[k] != local:
            raise SystemExit(f"{slice_.code}: row {k} is labelled {labels.iloc[k]}, expected {local}")
    return rows


def _by_bus(net: Any, profiles: Any, kind: str, column: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Power of all elements of a kind, summed per bus, W or var, `(rows, buses)`."""
    total = np.zeros((len(rows), len(net.bus)))
    if len(net[kind]):
        values = profiles[kind, column].to_numpy()[rows] * 1e6
        np.add.at(total.T, net.bus.index.get_indexer(net[kind].bus), values.T)
    return total


def _participant(net: Any, member: Member) -> list[Any]:
    bus = net.bus.index[net.bus["name"] == member.bus][0]
    loads, pv = net.load[net.load.bus == bus], net.sgen[net.sgen.bus == bus]
    if len(net.storage[net.storage.bus == bus]):
        raise SystemExit(f"{member.name}: {member.bus} has storage, which is background here")
    kwp = round(float(pv.p_mw.sum() * 1e3), 1)
    export = math.ceil(kwp * 10 - 1e-6) / 10
    made_of = ", ".join([*loads.profile, *pv.profile])
    kind = "prosumer" if kwp else "consumer"
    return [member.name, member.bus, kind, member.import_kw, export, kwp, f"{member.what} ({made_of})"]


def _write(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


if __name__ == "__main__":
    main()
