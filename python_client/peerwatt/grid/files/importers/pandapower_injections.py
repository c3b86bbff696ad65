"""Loads, generators and storage of a pandapower network as power-grid-model rows."""

from __future__ import annotations

from typing import Any

from peerwatt.grid.files.importers.pandapower_branches import Ids
from peerwatt.grid.files.importers.voltage_control import VoltageControl
from peerwatt.units import MEGA, PERCENT

_POWER, _IMPEDANCE, _CURRENT = 0, 1, 2  # power-grid-model's LoadGenType
_PHASES = "abc"


def injections(net: Any, ids: Ids) -> dict[str, list[dict[str, Any]]]:
    """Rows of `sym_load`, `sym_gen` and `asym_load`.

    Voltage-controlled generators become constant P and Q at their solved operating point: power-grid-model
    has none.
    """
    found: dict[str, list[dict[str, Any]]] = {"sym_load": [], "sym_gen": [], "asym_load": []}
    for k, row in net.load[net.load.in_service].iterrows():
        found["sym_load"] += _load(k, row, ids)
    for kind in ("sgen", "storage"):
        table = net[kind][net[kind].in_service]
        sign = 1.0 if kind == "sgen" else -1.0
        for k, row in table.iterrows():
            scale = sign * row.scaling * MEGA
            number = ids.new("sym_gen", (kind, k), row["name"] or f"{kind} {k}")
            found["sym_gen"].append(_row(number, row, ids, row.p_mw * scale, row.q_mvar * scale))
    for k, row in net.gen[net.gen.in_service].iterrows():
        number = ids.new("sym_gen", ("gen", k), row["name"] or f"gen {k}")
        found["sym_gen"].append(_row(number, row, ids, row.p_mw * row.scaling * MEGA, 0.0))
    for k, row in net.asymmetric_load[net.asymmetric_load.in_service].iterrows():
        p = [row[f"p_{x}_mw"] * row.scaling * MEGA for x in _PHASES]
        q = [row[f"q_{x}_mvar"] * row.scaling * MEGA for x in _PHASES]
        found["asym_load"].append(_row(ids.new("asym_load", k, row["name"]), row, ids, p, q))
    return found


def voltage_controls(net: Any, ids: Ids, rows: list[dict[str, Any]]) -> list[VoltageControl]:
    """The voltage set-points of the generators among `sym_gen` rows; those at an external grid's bus have
    none.
    """
    slack = set(net.ext_grid.bus[net.ext_grid.in_service])
    held = net.gen[net.gen.in_service & ~net.gen.bus.isin(slack)]
    by_id = {row["id"]: row for row in rows}
    position = {bus: k for k, bus in enumerate(net.bus.index[net.bus.in_service])}
    return [
        VoltageControl(by_id[ids.of("sym_gen", ("gen", k))], position[row.bus], float(row.vm_pu))
        for k, row in held.iterrows()
    ]


def _row(number: int, row: Any, ids: Ids, p: Any, q: Any, kind: int = _POWER) -> dict[str, Any]:
    return {
        "id": number,
        "node": ids.node(row.bus),
        "status": 1,
        "type": kind,
        "p_specified": p,
        "q_specified": q,
    }


def _load(k: Any, row: Any, ids: Ids) -> list[dict[str, Any]]:
    """One load, split into its constant-power, -impedance and -current parts (at rated voltage)."""
    p, q = row.p_mw * row.scaling * MEGA, row.q_mvar * row.scaling * MEGA
    z_p, i_p = row.get("const_z_p_percent", 0.0) / PERCENT, row.get("const_i_p_percent", 0.0) / PERCENT
    z_q, i_q = row.get("const_z_q_percent", 0.0) / PERCENT, row.get("const_i_q_percent", 0.0) / PERCENT
    shares = ((_POWER, 1 - z_p - i_p, 1 - z_q - i_q), (_IMPEDANCE, z_p, z_q), (_CURRENT, i_p, i_q))
    rows = []
    for kind, share_p, share_q in shares:
        if share_p or share_q:
            number = ids.new("sym_load", (k, kind), row["name"])
            rows.append(_row(number, row, ids, p * share_p, q * share_q, kind))
    return rows
