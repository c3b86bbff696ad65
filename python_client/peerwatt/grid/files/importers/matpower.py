"""MATPOWER cases (`.m` files) as canonical feeders. Needs no other program.

Follows the case format's manual, version 2: bus, generator and branch tables, per unit on `baseMVA`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT
from peerwatt.grid.files.importers.voltage_control import VoltageControl, hold_voltages
from peerwatt.units import KILO, MEGA

BUS_PV, BUS_SLACK, BUS_ISOLATED = 2, 3, 4
_STIFF_VA = 1e15
Table = Sequence[Sequence[float]]


def from_matpower(
    path: str | Path,
    *,
    limits: Mapping[str, Any],
    unlimited: bool = False,
    frequency_hz: float = 60.0,
    **about: Any,
) -> dict[str, Any]:
    """Turn a MATPOWER case into a feeder document.

    Args:
        path: The `.m` file.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        unlimited: Take a branch whose long-term rating (rateA) is 0 as unlimited, as MATPOWER does, instead
            of refusing it.
        frequency_hz: System frequency, which the format does not state.
        about: `source`, `licence`, `provenance`.

    Returns:
        A document for `feeder_from_document`. Buses are named `bus <number>`.

    Raises:
        FeederError: The file cannot be read, or an element is unusable; named.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        raise FeederError(f"{path}: no such MATPOWER case") from None
    text = re.sub(r"%[^\n]*", "", text)
    base = re.search(r"mpc\.baseMVA\s*=\s*([\d.eE+-]+)\s*;", text)
    if not base:
        raise FeederError(f"{path}: mpc.baseMVA is missing")
    base_va = float(base.group(1)) * MEGA
    bus, gen, branch = (
        _table(text, name, width, path) for name, width in (("bus", 13), ("gen", 8), ("branch", 11))
    )
    names: dict[str, str] = {}
    data: dict[str, list[dict[str, Any]]] = {k: [] for k in ("node", "generic_branch", "source", "shunt")}
    data |= {"sym_load": [], "sym_gen": []}

    def new(name: str) -> int:
        names[str(len(names) + 1)] = name
        return len(names)

    nodes: dict[int, int] = {}
    kv: dict[int, float] = {}
    for row in bus:
        number, kind = int(row[0]), int(row[1])
        if kind == BUS_ISOLATED:
            continue
        if not row[9] > 0:
            raise FeederError(f"{path}: bus {number} has no base voltage (baseKV)")
        nodes[number], kv[number] = new(f"bus {number}"), row[9]
        data["node"].append({"id": nodes[number], "u_rated": row[9] * KILO})
    for row in bus:
        number = int(row[0])
        if number not in nodes:
            continue
        if row[2] or row[3]:
            data["sym_load"].append(_power(new(f"load {number}"), nodes[number], row[2], row[3]))
        if row[4] or row[5]:
            per_volt2 = MEGA / (kv[number] * KILO) ** 2
            data["shunt"].append(
                {
                    "id": new(f"shunt {number}"),
                    "node": nodes[number],
                    "status": 1,
                    "g1": row[4] * per_volt2,
                    "b1": row[5] * per_volt2,
                    "g0": 0.0,
                    "b0": 0.0,
                }
            )
    for k, row in enumerate(branch, 1):
        if row[10] and int(row[0]) in nodes and int(row[1]) in nodes:
            data["generic_branch"].append(_branch(new, row, k, nodes, kv, base_va, unlimited, path))
    kinds = {int(row[0]): int(row[1]) for row in bus}
    position = {number: k for k, number in enumerate(nodes)}
    angle = {int(row[0]): row[8] for row in bus}
    controls = []
    for row in gen:
        number = int(row[0])
        if number not in nodes or row[7] <= 0:
            continue
        if kinds[number] == BUS_SLACK:
            if not any(s["node"] == nodes[number] for s in data["source"]):
                data["source"].append(
                    {
                        "id": new(f"slack {number}"),
                        "node": nodes[number],
                        "status": 1,
                        "u_ref": row[5],
                        "u_ref_angle": math.radians(angle[number]),
                        "sk": _STIFF_VA,
                    }
                )
            continue
        data["sym_gen"].append(_power(new(f"gen {number}"), nodes[number], row[1], row[2]))
        if kinds[number] == BUS_PV:
            data["sym_gen"][-1]["q_specified"] = 0.0
            controls.append(VoltageControl(data["sym_gen"][-1], position[number], row[5]))
    if not data["source"]:
        raise FeederError(f"{path}: no generator in service at a reference bus (type 3)")
    document = {
        "format": FORMAT,
        "name": path.stem,
        **about,
        "limits": dict(limits),
        "frequency_hz": frequency_hz,
        "names": names,
        "power_grid_model": {
            "version": "1.0",
            "type": "input",
            "is_batch": False,
            "attributes": {},
            "data": {kind: rows for kind, rows in data.items() if rows},
        },
    }
    hold_voltages(document, controls)
    return document


def _table(text: str, name: str, width: int, path: Path) -> Table:
    found = re.search(rf"mpc\.{name}\s*=\s*\[(.*?)\]", text, re.DOTALL)
    if not found:
        raise FeederError(f"{path}: mpc.{name} is missing")
    rows: list[list[float]] = []
    for line in re.split(r"[;\n]", found.group(1)):
        cells = line.replace(",", " ").split()
        if not cells:
            continue
        try:
            values = [float(cell.replace("Inf", "inf")) for cell in cells]
        except ValueError:
            raise FeederError(
                f"{path}: mpc.{name}, row {len(rows) + 1}: {line.strip()!r} is not numbers"
            ) from None
        if len(values) < width:
            raise FeederError(
                f"{path}: mpc.{name}, row {len(rows) + 1}: {len(values)} columns, needs {width}"
            )
        rows.append(values)
    return rows


def _power(number: int, node: int, p_mw: float, q_mvar: float) -> dict[str, Any]:
    return {
        "id": number,
        "node": node,
        "status": 1,
        "type": 0,
        "p_specified": p_mw * MEGA,
        "q_specified": q_mvar * MEGA,
    }


def _branch(
    new: Any,
    row: Sequence[float],
    k: int,
    nodes: Mapping[int, int],
    kv: Mapping[int, float],
    base_va: float,
    unlimited: bool,
    path: Path,
) -> dict[str, Any]:
    """Series impedance, line charging, rating, tap ratio and phase shift; impedances on the to side."""
    a, b = int(row[0]), int(row[1])
    name = f"branch {k}: {a}-{b}"
    z = (kv[b] * KILO) ** 2 / base_va
    if not row[2] and not row[3]:
        raise FeederError(f"{path}: {name} has no impedance")
    if not row[5] and not unlimited:
        raise FeederError(f"{path}: {name} has no rating (rateA is 0); rate it or import it as unlimited")
    return {
        "id": new(name),
        "from_node": nodes[a],
        "to_node": nodes[b],
        "from_status": 1,
        "to_status": 1,
        "r1": row[2] * z,
        "x1": row[3] * z,
        "g1": 0.0,
        "b1": row[4] / z,
        "k": row[8] or 1.0,
        "theta": math.radians(row[9]),
        "sn": row[5] * MEGA,
    }
