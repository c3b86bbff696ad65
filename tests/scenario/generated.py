"""Scenarios drawn from all that the schema allows: a day of three homes at most on the shipped feeder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from hypothesis import strategies as st

from peerwatt.scenario.catalogue import SHIPPED
from peerwatt.scenario.schema import ScenarioFile
from peerwatt.scenario.switches import PRICING
from peerwatt.units import DAY_S
from tests.scenario.street import HEADER

START = datetime(2016, 6, 17, tzinfo=UTC)
NODES = ("LV2.101 Bus 40", "LV2.101 Bus 10", "LV2.101 Bus 36", "LV2.101 Bus 6")
LENGTHS = [length for length in range(60, 3601) if DAY_S % length == 0]
KINDS = ("LOAD(W),PV(W)", "POWER(kW)", "ENERGY(Wh)", "IMPORT(kWh),EXPORT(kWh)")
SETTINGS = yaml.safe_load((SHIPPED / "brooklyn-10" / "scenario.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Home:
    """A row of participants, and the shape of its profile."""

    name: str
    node: str
    import_kw: str
    export_kw: str
    pv_kwp: str
    kind: str
    header: str
    load_w: int
    pv_w: int
    zone: str


@dataclass(frozen=True)
class Drawn:
    """A scenario to write."""

    settings: dict[str, Any]
    homes: tuple[Home, ...]
    background_w: int | None


def tenths(least: int, most: int) -> st.SearchStrategy[float]:
    """Numbers with one decimal, as YAML writes them."""
    return st.integers(least, most).map(lambda tenth: tenth / 10)


@st.composite
def homes(draw: st.DrawFn, number: int) -> Home:
    export = draw(tenths(0, 300))
    return Home(
        name=f"home-{number}",
        node=draw(st.sampled_from(NODES)),
        import_kw=str(draw(tenths(1, 300))),
        export_kw=str(export),
        pv_kwp=str(draw(tenths(0, 300))),
        kind="prosumer" if export else draw(st.sampled_from(("consumer", "prosumer"))),
        header=draw(st.sampled_from(KINDS)),
        load_w=draw(st.sampled_from((0, 1, 90, 400, 2500, 9000))),
        pv_w=draw(st.sampled_from((0, 0, 3, 700, 6000, 20000))),
        zone=draw(st.sampled_from(("by node", "by node", "by node", ""))),
    )


@st.composite
def clocks(draw: st.DrawFn, length: int) -> dict[str, int]:
    """The times of a market: such as fit together, or one that may not."""
    attest = draw(st.sampled_from((10, 300, 300, 3 * length, 86_400)))
    overrule = draw(st.sampled_from((0, 10, 300, 2 * length)))
    ahead = draw(st.sampled_from((1, 2, 2, 6)))
    room = ahead * length - 70
    lead = draw(st.sampled_from((0, 60, 61, 300, length, room)))
    least = -(-(lead + 100 + length + attest + overrule) // length)
    times = {
        "gate_lead_s": max(0, min(lead, room)),
        "report_window_s": draw(st.sampled_from((10, 240, 2 * length, 86_400))),
        "attest_window_s": attest,
        "overrule_window_s": overrule,
        "correction_window_days": draw(st.sampled_from((0, 1, 90, 3650))),
        "open_ahead_intervals": ahead,
        "ring_size": min(4096, max(ahead + 2, least) + draw(st.sampled_from((0, 1, 50)))),
    }
    if draw(st.integers(0, 9)) == 0:
        key = draw(st.sampled_from(sorted(times)))
        times[key] = draw(st.sampled_from((0, 1, 2, 7, 59, 4096, 86_400)))
    return times


@st.composite
def scenarios(draw: st.DrawFn) -> Drawn:
    """Mostly what can be, with every key of the schema drawn at its bounds too."""
    length = draw(st.sampled_from((900, 900, 1800, 3600, 300, 60)) | st.sampled_from(LENGTHS))
    base, tick = draw(tenths(0, 150)), draw(tenths(1, 4))
    feed_in = round(base + tick * draw(st.integers(0, 60)), 1)
    fee = draw(tenths(0, 50))
    rule = draw(st.sampled_from(("uniform", "uniform", "distance_thevenin", "distance_ptdf", "zone")))
    price = draw(st.sampled_from((*PRICING, "uniform")))
    most = None if rule == "uniform" else round(fee / 2 + draw(tenths(1, 30)), 1)
    retail = feed_in + fee + 2 * (most or 0) + tick * draw(st.integers(0, 60))
    retail = round(base + tick * round((retail - base) / tick), 1)
    worst = base + 255 * tick + max(fee, most or 0) + 0.15 * retail + 1 + (most or 0) + retail
    settings = {
        **SETTINGS,
        "days": 1,
        "interval_length_s": length,
        "seed": draw(st.integers(0, 2**63 - 1)),
        "switches": {**SETTINGS["switches"], "price": price},
        "tariff": {
            "currency": "EUR",
            "retail_ct_per_kwh": retail,
            "feed_in_ct_per_kwh": feed_in,
            "network_fee_ct_per_kwh": fee,
        },
        "market": {
            "base_price_ct_per_kwh": base,
            "tick_size_ct_per_kwh": tick,
            "fixed_price_ct_per_kwh": round(feed_in + tick, 1) if price == "fixed" else None,
            "margin_price_ct_per_kwh": round(worst, 1),
            **draw(clocks(length)),
        },
        "sealed": draw(
            st.sampled_from(({}, {}, {"reveal_window_s": 60}, {"reveal_window_s": 10, "bond_ct": 1}))
        ),
        "losses": {
            "max_loss_rate_percent": draw(st.sampled_from((0, 0.0001, 10.0, 100))),
            "rule": draw(st.sampled_from(("aumann_shapley", "marginal", "pro_rata", "tracing"))),
        },
        "curtailment": {"policy": draw(st.sampled_from(("least", "fair"))), "volt_var": draw(st.booleans())},
        "network_charges": {"rule": rule} | ({} if most is None else {"max_ct_per_kwh": most}),
        "system_strength": {},
        "envelope": draw(st.booleans()),
        "committee": draw(st.sampled_from(({"members": 1, "quorum": 1}, {"members": 4, "quorum": 3}))),
        "metering": {"lost_readings_percent": draw(st.sampled_from((0, 0, 1.0, 50.0, 100)))},
        "bidding": {
            "strategy": draw(st.sampled_from(("newsvendor", "zero_intelligence"))),
            "most_steps": draw(st.integers(1, 8)),
            "demand_error_percent": draw(st.sampled_from((0, 15.0, 100))),
            "generation_error_percent": draw(st.sampled_from((0, 5.0, 100))),
            "weather_error_percent": draw(st.sampled_from((0, 10.0, 100))),
        },
    }
    # whatever else the schema has, as the shipped scenario says it or by default
    settings = {key: value for key, value in settings.items() if key in ScenarioFile.model_fields}
    background = draw(st.none() | st.sampled_from((0, 40, -3000)))
    settings["files"] = (
        {} if background is not None else {"background_active": None, "background_reactive": None}
    )
    count = draw(st.integers(1, 3))
    return Drawn(settings, tuple(draw(homes(number)) for number in range(count)), background)


def write(drawn: Drawn, directory: Path) -> Path:
    """Write a scenario's folder."""
    (directory / "profiles").mkdir(parents=True)
    text = yaml.safe_dump(drawn.settings, allow_unicode=True)
    (directory / "scenario.yaml").write_text(text, encoding="utf-8")
    (directory / "feeder.json").write_bytes((SHIPPED / "brooklyn-10" / "feeder.json").read_bytes())
    rows = [
        f"{home.name},{home.node},{home.kind},{home.import_kw},{home.export_kw},{home.pv_kwp},,"
        + (f"zone {NODES.index(home.node) % 2}" if home.zone else "")
        for home in drawn.homes
    ]
    (directory / "participants.csv").write_text("\n".join([f"{HEADER},zone", *rows]) + "\n", encoding="utf-8")
    length = drawn.settings["interval_length_s"]
    times = [(START + timedelta(seconds=length * k)).isoformat() for k in range(DAY_S // length)]
    for home in drawn.homes:
        lines = [
            f"TIME,{home.header}",
            *(f"{time},{_cells(home, k, length)}" for k, time in enumerate(times)),
        ]
        (directory / "profiles" / f"{home.name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if drawn.background_w is not None:
        for file in ("background_active", "background_reactive"):
            lines = [f"TIME,{NODES[3]}", *(f"{time},{drawn.background_w}" for time in times)]
            (directory / f"{file}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return directory


def _cells(home: Home, k: int, length: int) -> str:
    """What a home draws and generates in an interval, in the words of its profile."""
    load = min(home.load_w + 10 * (k % 3), int(float(home.import_kw) * 1000))
    pv = min(home.pv_w - home.pv_w * (k % 2) // 3, int(float(home.export_kw) * 1000))
    if home.header == "LOAD(W),PV(W)":
        return f"{load},{pv}"
    if home.header == "POWER(kW)":
        return f"{(load - pv) / 1000:.3f}"
    if home.header == "ENERGY(Wh)":
        return f"{(load - pv) * length / 3600:.6f}"
    return f"{load * length / 3_600_000:.9f},{pv * length / 3_600_000:.9f}"
