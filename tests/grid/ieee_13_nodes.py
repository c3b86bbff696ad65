"""The IEEE 13 node test feeder as an OpenDSS script, written from its published tables.

Source: IEEE PES Distribution System Analysis Subcommittee, Radial Distribution Test Feeders, 1992 and later:
line configurations, spot loads, the distributed load (here half at each end), capacitors, regulator taps and
the published solution, all of them facts."""

from __future__ import annotations

import math
from pathlib import Path

_FEET = 5280.0

# Ohm and microsiemens per mile, lower triangles.
_CODES = {
    601: (
        "0.3465 | 0.1560 0.3375 | 0.1580 0.1535 0.3414",
        "1.0179 | 0.5017 1.0478 | 0.4236 0.3849 1.0348",
        "6.2998 | -1.9958 5.9597 | -1.2595 -0.7417 5.6386",
    ),
    602: (
        "0.7526 | 0.1580 0.7475 | 0.1560 0.1535 0.7436",
        "1.1814 | 0.4236 1.1983 | 0.5017 0.3849 1.2112",
        "5.6990 | -1.0817 5.1795 | -1.6905 -0.6588 5.4246",
    ),
    603: ("1.3294 | 0.2066 1.3238", "1.3471 | 0.4591 1.3569", "4.7097 | -0.8999 4.6658"),
    604: ("1.3238 | 0.2066 1.3294", "1.3569 | 0.4591 1.3471", "4.6658 | -0.8999 4.7097"),
    605: ("1.3292", "1.3475", "4.5193"),
    606: (
        "0.7982 | 0.3192 0.7891 | 0.2849 0.3192 0.7982",
        "0.4463 | 0.0328 0.4041 | -0.0143 0.0328 0.4463",
        "96.8897 | 0.0 96.8897 | 0.0 0.0 96.8897",
    ),
    607: ("1.3425", "0.5124", "88.9912"),
}
_LINES = (  # from, to, feet, code, phases in the order of the code
    ("rg60", "632", 2000, 601, "1.2.3"),
    ("632", "671", 2000, 601, "1.2.3"),
    ("671", "680", 1000, 601, "1.2.3"),
    ("632", "633", 500, 602, "1.2.3"),
    ("632", "645", 500, 603, "3.2"),
    ("645", "646", 300, 603, "3.2"),
    ("671", "684", 300, 604, "1.3"),
    ("684", "611", 300, 605, "3"),
    ("684", "652", 800, 607, "1"),
    ("692", "675", 500, 606, "1.2.3"),
)
_LOADS = (  # node and phases, connection, OpenDSS's model of the published one, kW, kvar
    ("634.1", "wye", 1, 160, 110), ("634.2", "wye", 1, 120, 90), ("634.3", "wye", 1, 120, 90),
    ("645.2", "wye", 1, 170, 125), ("646.2.3", "delta", 2, 230, 132), ("652.1", "wye", 2, 128, 86),
    ("671.1.2", "delta", 1, 385, 220), ("671.2.3", "delta", 1, 385, 220), ("671.3.1", "delta", 1, 385, 220),
    ("675.1", "wye", 1, 485, 190), ("675.2", "wye", 1, 68, 60), ("675.3", "wye", 1, 290, 212),
    ("692.3.1", "delta", 5, 170, 151), ("611.3", "wye", 5, 170, 80),
    ("632.1", "wye", 1, 8.5, 5), ("632.2", "wye", 1, 33, 19), ("632.3", "wye", 1, 58.5, 34),
    ("671.1", "wye", 1, 8.5, 5), ("671.2", "wye", 1, 33, 19), ("671.3", "wye", 1, 58.5, 34),
)  # fmt: skip
PUBLISHED = {
    "632": {1: 1.0210, 2: 1.0420, 3: 1.0174},
    "634": {1: 0.9940, 2: 1.0218, 3: 0.9960},
    "645": {2: 1.0329, 3: 1.0155},
    "646": {2: 1.0311, 3: 1.0134},
    "671": {1: 0.9900, 2: 1.0529, 3: 0.9778},
    "675": {1: 0.9835, 2: 1.0553, 3: 0.9758},
    "611": {3: 0.9738},
    "652": {1: 0.9825},
}
"""Published voltages by node and phase, per unit."""


def write_script(path: Path, *, after: str = "") -> Path:
    """The circuit with its regulators at the published taps, their controls beside them."""
    lines = [
        "Clear",
        "Set DefaultBaseFrequency=60",
        "New object=circuit.nodes13 basekv=115 pu=1.0001 phases=3 bus1=src angle=30",
        "~ mvasc3=20000 mvasc1=21000",
        "New Transformer.sub phases=3 xhl=0.01",
        "~ wdg=1 bus=src conn=delta kv=115 kva=5000 %r=0.0005",
        "more wdg=2 bus=650 conn=wye kv=4.16 kva=5000 %r=.0005",
        "New Transformer.xfm phases=3 windings=2 xhl=2 buses=[633 634] kvs='4.16 0.48' kvas=(500 500)",
        "~ %rs=(.55 .55)",
    ]
    for k, tap in enumerate((1.0625, 1.05, 1.06875), 1):
        lines += [
            f"New transformer.reg{k} phases=1 buses=[650.{k} rg60.{k}] kvs=[2.4 2.4] kvas=[1666 1666] "
            f"xhl=0.01 %loadloss=0.01 taps=[1 {tap}]",
            f"New regcontrol.reg{k} transformer=reg{k} winding=2 vreg=122 band=2 ptratio=20",
            "~ ctprim=700 r=3 x=9",
        ]
    for code, (r, x, b) in _CODES.items():
        c = " ".join(w if w == "|" else f"{float(w) * 1e3 / (2 * math.pi * 60):.6f}" for w in b.split())
        phases = r.count("|") + 1
        lines += [f"New linecode.{code} nphases={phases} units=mi rmatrix=({r}) xmatrix=({x}) cmatrix=({c})"]
    for start, end, feet, code, nodes in _LINES:
        lines.append(
            f"New Line.{start}_{end} phases={nodes.count('.') + 1} bus1={start}.{nodes} bus2={end}.{nodes} "
            f"linecode={code} length=({feet} {_FEET} /) units=mi normamps=700"
        )
    lines.append("New Line.switch bus1=671 bus2=692 switch=y r1=1e-4 r0=1e-4 x1=0 x0=0 c1=0 c0=0 // closed")
    for k, (where, connection, model, kw, kvar) in enumerate(_LOADS):
        kv = 0.277 if where.startswith("634") else 2.4 if where.count(".") == 1 else 4.16
        lines.append(
            f"New Load.s{k} phases=1 bus1={where} conn={connection} model={model} kv={kv} kw={kw} kvar={kvar}"
        )
    lines += [
        "New capacitor.c1 bus1=675 phases=3 kvar=600 kv=4.16",
        "New capacitor.c2 bus1=611.3 phases=1 kvar=100 kv=2.4",
        "Set voltagebases=[115 4.16 .48]",
        "calcv",
        after,
    ]
    path.write_text("\n".join(lines) + "\n")
    return path
