"""MATPOWER cases (`.m` files) as canonical feeders."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT
from peerwatt.grid.files.importers.matpower_case import BUS_ISOLATED, BUS_PV, BUS_SLACK, Case, read_case
from peerwatt.grid.files.importers.voltage_control import VoltageControl, hold_voltages
from peerwatt.units import KILO, MEGA

_STIFF_VA = 1e15


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
        path: The `.m` file. What its statements convert (ohms, kilowatts, power factors) is converted.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        unlimited: Take a branch whose long-term rating (rateA) is 0 as unlimited, as MATPOWER does, instead
            of refusing it.
        frequency_hz: System frequency, which the format does not state.
        about: `source`, `licence`, `provenance`.

    Returns:
        A document for `feeder_from_document`. Buses are named `bus <number>`; those that no closed branch
        joins to a reference are left out and named in `left_out`.

    Raises:
        FeederError: The file cannot be read, or a statement or element is unusable; named.
    """
    path = Path(path)
    case = read_case(path)
    alive = _alive(case, path)
    names: dict[str, str] = {}

    def new(name: str) -> int:
        names[str(len(names) + 1)] = name
        return len(names)

    data: dict[str, list[dict[str, Any]]] = {"node": []}
    nodes = {int(row[0]): new(f"bus {row[0]:g}") for row in case.bus if int(row[0]) in alive}
    kv = {int(row[0]): row[9] for row in case.bus}
    data["node"] = [{"id": node, "u_rated": kv[number] * KILO} for number, node in nodes.items()]
    data["generic_branch"] = [
        _branch(new, row, k, nodes, kv, case.base_mva * MEGA, unlimited, path)
        for k, row in enumerate(case.branch, 1)
        if row[10] and int(row[0]) in nodes and int(row[1]) in nodes
    ]
    data["sym_load"] = [
        _power(new(f"load {row[0]:g}"), nodes[int(row[0])], row[2], row[3])
        for row in case.bus
        if int(row[0]) in nodes and (row[2] or row[3])
    ]
    data["shunt"] = [
        _shunt(new(f"shunt {row[0]:g}"), nodes[int(row[0])], row, kv[int(row[0])])
        for row in case.bus
        if int(row[0]) in nodes and (row[4] or row[5])
    ]
    data["source"], data["sym_gen"], controls = _generators(case, new, nodes, path)
    document: dict[str, Any] = {"format": FORMAT, "name": path.stem, **about, "limits": dict(limits)}
    document |= {"frequency_hz": frequency_hz, "names": names}
    left_out = [f"bus {row[0]:g}" for row in case.bus if int(row[0]) not in alive]
    if left_out:
        document["left_out"] = left_out
    document["power_grid_model"] = {
        "version": "1.0",
        "type": "input",
        "is_batch": False,
        "attributes": {},
        "data": {kind: rows for kind, rows in data.items() if rows},
    }
    hold_voltages(document, controls)
    return document


def _alive(case: Case, path: Path) -> set[int]:
    """The buses that closed branches join to a reference bus with a generator in service."""
    kinds = {int(row[0]): int(row[1]) for row in case.bus}
    held = {int(row[0]) for row in case.gen if row[7] > 0}
    start = [number for number, kind in kinds.items() if kind == BUS_SLACK]
    for number in start:
        if number not in held:
            raise FeederError(f"{path}: no generator in service at reference bus {number} (type 3)")
    if not start:
        raise FeederError(f"{path}: no reference bus (type 3)")
    beside: dict[int, list[int]] = {number: [] for number in kinds}
    for row in case.branch:
        a, b = int(row[0]), int(row[1])
        if row[10] and BUS_ISOLATED not in (kinds[a], kinds[b]):
            beside[a].append(b)
            beside[b].append(a)
    reached, queue = set(start), list(start)
    while queue:
        fresh = [n for n in beside[queue.pop()] if n not in reached]
        reached.update(fresh)
        queue.extend(fresh)
    return reached


def _generators(
    case: Case, new: Any, nodes: Mapping[int, int], path: Path
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[VoltageControl]]:
    """Generators in service: at a reference bus the source, at a type 2 bus held, else constant."""
    kinds = {int(row[0]): int(row[1]) for row in case.bus}
    angle = {int(row[0]): row[8] for row in case.bus}
    position = {number: k for k, number in enumerate(nodes)}
    sources: dict[int, dict[str, Any]] = {}
    rows: list[dict[str, Any]] = []
    controls = []
    for k, row in enumerate(case.gen, 1):
        number = int(row[0])
        if number not in nodes or row[7] <= 0:
            continue
        if kinds[number] in (BUS_PV, BUS_SLACK) and not row[5] > 0:
            raise FeederError(f"{path}: mpc.gen, row {k}: holds bus {number} at {row[5]:g} pu")
        if kinds[number] == BUS_SLACK:
            source = sources.setdefault(number, {"u_ref": row[5]})
            if source["u_ref"] != row[5]:
                raise FeederError(f"{path}: mpc.gen, row {k}: bus {number} is held at two voltages")
            if "id" not in source:
                turn = math.radians(angle[number])
                source |= {"id": new(f"slack {number}"), "node": nodes[number], "status": 1}
                source |= {"u_ref_angle": turn, "sk": _STIFF_VA}
            continue
        rows.append(_power(new(f"gen {k} at {number}"), nodes[number], row[1], row[2]))
        if kinds[number] == BUS_PV:
            controls.append(VoltageControl(rows[-1], position[number], float(row[5])))
    return list(sources.values()), rows, controls


def _shunt(number: int, node: int, row: Floats, kv: float) -> dict[str, Any]:
    per_volt2 = MEGA / (kv * KILO) ** 2
    admittance = {"g1": row[4] * per_volt2, "b1": row[5] * per_volt2, "g0": 0.0, "b0": 0.0}
    return {"id": number, "node": node, "status": 1} | admittance


def _power(number: int, node: int, p_mw: float, q_mvar: float) -> dict[str, Any]:
    powers = {"p_specified": p_mw * MEGA, "q_specified": q_mvar * MEGA}
    return {"id": number, "node": node, "status": 1, "type": 0} | powers


def _branch(
    new: Any,
    row: Floats,
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
    if a == b:
        raise FeederError(f"{path}: {name} begins and ends at one bus")
    if not row[2] and not row[3]:
        raise FeederError(f"{path}: {name} has no impedance")
    if row[8] < 0:
        raise FeederError(f"{path}: {name} has a negative tap ratio")
    if np.isnan(row[5]) or row[5] < 0:
        raise FeederError(f"{path}: {name} has the rating {row[5]:g} (rateA)")
    rated = row[5] if np.isfinite(row[5]) else 0.0
    if not rated and not unlimited:
        raise FeederError(
            f"{path}: {name} has no rating (rateA is 0); rate it, or import it as unlimited (--unlimited)"
        )
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
        "sn": rated * MEGA,
    }
