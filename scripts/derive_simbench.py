"""Derive a scenario's feeder, participants, profiles and background from SimBench.

    python scripts/derive_simbench.py brooklyn-10 [--out FOLDER]
    python scripts/derive_simbench.py brooklyn-300/rural

Needs the `grid` extra (pandapower, simbench). SimBench's database is ODbL: what this writes stays under it;
see the NOTICE.md beside it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
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
from peerwatt.grid.files.feeder_file import write_feeder
from peerwatt.grid.files.importers.pandapower import from_pandapower, with_ratio_taps

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
    """One participant that is everything at a bus of SimBench, and what it is called here."""

    name: str
    bus: str
    import_kw: float
    what: str


@dataclass(frozen=True)
class Slice:
    """What of SimBench makes a scenario; members by name, or how many of its households and businesses.

    Those are numbered, from `first_number` on.
    """

    code: str
    first_day: datetime
    days: int
    members: Sequence[Member] | int
    first_number: int = 1

    @property
    def is_long(self) -> bool:
        """Whether its files are written as small as they can be read."""
        return self.days > 7


@dataclass(frozen=True)
class Connection:
    """One participant: which of SimBench's loads and generators it is, by their index."""

    name: str
    bus: str
    import_kw: float
    what: str
    loads: list[int]
    generators: list[int]


HOME_KW, BUSINESS_KW = 24.1, 43.4  # three-phase main fuses of 35 A and 63 A at 230 V
FUSES_KW = (HOME_KW, BUSINESS_KW, 69.0, 110.4)  # and of 100 A and 160 A
ZONES_DAY = datetime(2016, 5, 16, tzinfo=UTC)  # sunny; cutting trades can still keep rural3 within its limits
BROOKLYN = (
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
)
SLICES = {
    "brooklyn-10": Slice("1-LV-rural2--2-sw", datetime(2016, 6, 17, tzinfo=UTC), 7, BROOKLYN),
    "brooklyn-10-month": Slice("1-LV-rural2--2-sw", datetime(2016, 6, 1, tzinfo=UTC), 30, BROOKLYN),
    "brooklyn-300/rural": Slice("1-LV-rural3--2-sw", ZONES_DAY, 1, 100),
    "brooklyn-300/suburban": Slice("1-LV-semiurb5--2-sw", ZONES_DAY, 1, 100, 101),
    "brooklyn-300/urban": Slice("1-LV-urban6--2-sw", ZONES_DAY, 1, 100, 201),
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
    slots = [slice_.first_day + k * SLOT for k in range(len(rows))]
    times = [slot.isoformat() for slot in slots]
    (out / "profiles").mkdir(parents=True, exist_ok=True)
    source = f"SimBench {slice_.code}, package simbench {version('simbench')}"
    document = from_pandapower(
        net,
        name=name,
        limits=LIMITS,
        own_loads=False,
        trafo_model="pi",
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
    members = slice_.members
    if isinstance(members, int):
        connections = _households(net, members, slice_.first_number)
    else:
        connections = [_everything_at(net, member) for member in members]
    for home in connections:
        own_load = profiles["load", "p_mw"][home.loads].to_numpy()[rows].sum(axis=1) * 1e6
        own_pv = profiles["sgen", "p_mw"][home.generators].to_numpy()[rows].sum(axis=1) * 1e6
        drawn, made = (np.rint(x / WH_WATTS).astype(int) * WH_WATTS for x in (own_load, own_pv))
        background[:, position[home.bus]] += own_pv - own_load
        path = out / "profiles" / f"{home.name}.csv"
        if slice_.is_long:
            _write(path, ["INTERVAL", "LOAD(W)", "PV(W)"], zip(range(len(rows)), drawn, made, strict=True))
            continue
        if slice_.days > 1:
            _write(path, ["TIME", "LOAD(W)", "PV(W)"], zip(times, drawn, made, strict=True))
            continue
        clock = [f"{slot:%H:%M}" for slot in slots]
        if home.generators:
            _write(path, ["INTERVAL", "LOAD(W)", "PV(W)"], zip(clock, drawn, made, strict=True))
        else:
            _write(path, ["INTERVAL", "POWER(W)"], zip(clock, drawn, strict=True))
    table = [_participant(net, home) for home in connections]
    fields = ["participant", "node", "kind", "import_limit_kw", "export_limit_kw", "pv_kwp", "description"]
    _write(out / "participants.csv", fields, table)
    for kind, power in (("active", background), ("reactive", reactive)):
        whole = np.rint(power).astype(int)
        used = np.flatnonzero(np.abs(whole).max(axis=0))
        header = ["TIME", *net.bus["name"].iloc[used]]
        _write(
            out / f"background_{kind}.csv{'.gz' * slice_.is_long}",
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


def _everything_at(net: Any, member: Member) -> Connection:
    """All loads and generators of a bus as one participant."""
    bus = net.bus.index[net.bus["name"] == member.bus][0]
    if len(net.storage[net.storage.bus == bus]):
        raise SystemExit(f"{member.name}: {member.bus} has storage, which is background here")
    loads, pv = net.load.index[net.load.bus == bus], net.sgen.index[net.sgen.bus == bus]
    return Connection(member.name, member.bus, member.import_kw, member.what, list(loads), list(pv))


def _households(net: Any, count: int, first_number: int) -> list[Connection]:
    """So many of the grid's households (profiles H0) and businesses (G), each with its own main fuse.

    In SimBench's order, those at a bus without a battery first. SimBench does not say whose a bus's heat
    pumps, charging points and photovoltaics are: here they are the first one's.
    """
    own = net.load.profile.str.match("H0|G")
    battery = net.load.bus.isin(net.storage.bus)
    chosen = [*net.load.index[own & ~battery], *net.load.index[own & battery]][:count]
    if len(chosen) < count:
        raise SystemExit(f"there are only {len(chosen)} households and businesses, not {count}")
    found, seen = [], set()
    for number, k in enumerate(sorted(chosen), start=first_number):
        bus, loads, pv = net.load.bus[k], [k], []
        if bus not in seen:
            seen.add(bus)
            loads += list(net.load.index[~own & (net.load.bus == bus)])
            pv = list(net.sgen.index[net.sgen.bus == bus])
        rated_kw = float(net.load.p_mw[loads].sum() * 1e3)
        fuse = next(kw for kw in FUSES_KW if kw >= rated_kw)
        what = "household" if net.load.profile[k].startswith("H0") else "business"
        found.append(Connection(f"{what}-{number:03d}", net.bus["name"][bus], fuse, what, loads, pv))
    return found


def _participant(net: Any, home: Connection) -> list[Any]:
    loads, pv = net.load.loc[home.loads], net.sgen.loc[home.generators]
    kwp = round(float(pv.p_mw.sum() * 1e3), 1)
    export = math.ceil(kwp * 10 - 1e-6) / 10
    made_of = ", ".join([*loads.profile, *pv.profile])
    kind = "prosumer" if kwp else "consumer"
    return [home.name, home.bus, kind, home.import_kw, export, kwp, f"{home.what} ({made_of})"]


def _write(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    plain = text.getvalue().encode()
    path.write_bytes(gzip.compress(plain, mtime=0) if path.suffix == ".gz" else plain)


if __name__ == "__main__":
    main()
