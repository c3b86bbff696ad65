"""Loads, generators, shunts and sources of a pandapower network as power-grid-model rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.pandapower_ids import Network
from peerwatt.grid.files.importers.pandapower_tables import label
from peerwatt.grid.files.importers.voltage_control import VoltageControl
from peerwatt.units import KILO, MEGA, PERCENT

_POWER, _IMPEDANCE, _CURRENT = 0, 1, 2  # power-grid-model's LoadGenType
_STIFF_VA = 1e15  # a source without internal impedance, as pandapower's external grid is in a power flow
_KINDS = ("load", "sgen", "storage", "gen", "motor", "ward", "xward", "asymmetric_load", "asymmetric_sgen")
_SHARES = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")
Row = dict[str, Any]


def sources(n: Network) -> list[Row]:
    """External grids and slack generators: each holds voltage and angle."""
    rows: list[Row] = []
    held: dict[int, tuple[float, float]] = {}
    slack = n.net.gen[n.net.gen.in_service.astype(bool) & n.net.gen.slack.fillna(False).astype(bool)]
    found = [("ext_grid", k, row, float(row.va_degree)) for k, row in n.in_service("ext_grid")]
    found += [("gen", k, row, 0.0) for k, row in slack.iterrows()]
    for kind, k, row, degree in found:
        if not n.alive(row.bus):
            n.drop(kind, k, row)
            continue
        if not row.vm_pu > 0:
            raise FeederError(f"{label(kind, k, row)}: vm_pu is {row.vm_pu:g}")
        before = held.setdefault(n.electrical(row.bus), (row.vm_pu, degree))
        if before != (row.vm_pu, degree):
            raise FeederError(f"{label(kind, k, row)}: another source holds the same bus at another voltage")
        element = {
            "id": n.ids.new("source", (kind, k), row["name"]),
            "node": n.ids.node(row.bus),
            "status": 1,
        }
        rows.append(element | {"u_ref": row.vm_pu, "u_ref_angle": math.radians(degree), "sk": _STIFF_VA})
    if not rows:
        raise FeederError(f"{n.name}: no external grid in service")
    return rows


def shunts(n: Network) -> list[Row]:
    """Shunts, and the constant-impedance parts of wards."""
    rows = []
    for k, row in n.in_service("shunt"):
        if not n.alive(row.bus):
            n.drop("shunt", k, row)
            continue
        if row.get("step_dependency_table") is True or row.get("step_dependency_table") is np.True_:
            raise FeederError(
                f"{label('shunt', k, row)}: a table of steps has no counterpart here; give its values"
            )
        per_volt2 = row.step / (n.value(row, "vn_kv", n.kv(row.bus)) * KILO) ** 2
        rows.append(_shunt(n, n.ids.new("shunt", k, row["name"]), row.bus, row.p_mw, row.q_mvar, per_volt2))
    for kind in ("ward", "xward"):
        for k, row in n.in_service(kind):
            if n.alive(row.bus) and (row.pz_mw or row.qz_mvar):
                number = n.ids.new("shunt", (kind, k), n.own_name(kind, k, row))
                rows.append(
                    _shunt(n, number, row.bus, row.pz_mw, row.qz_mvar, 1 / (n.kv(row.bus) * KILO) ** 2)
                )
    return rows


def _shunt(n: Network, number: int, bus: Any, p_mw: float, q_mvar: float, per_volt2: float) -> Row:
    admittance = {"g1": p_mw * MEGA * per_volt2, "b1": -q_mvar * MEGA * per_volt2, "g0": 0.0, "b0": 0.0}
    return {"id": number, "node": n.ids.node(bus), "status": 1} | admittance


def injections(n: Network) -> tuple[list[Row], list[Row], list[VoltageControl]]:
    """Rows of `sym_load` and `sym_gen`, and the generators among the latter that hold a voltage."""
    loads: list[Row] = []
    gens: list[Row] = []
    _voltage_dependent(n)
    for kind in _KINDS:
        for k, row in n.in_service(kind):
            if not n.alive(row.bus):
                n.drop(kind, k, row)
    for k, row in n.in_service("load"):
        if n.alive(row.bus):
            loads += _load(n, k, row)
    for kind in ("sgen", "storage"):
        sign = 1.0 if kind == "sgen" else -1.0
        for k, row in n.in_service(kind):
            if n.alive(row.bus):
                scale = sign * row.scaling * MEGA
                number = n.ids.new("sym_gen", (kind, k), row["name"] or f"{kind} {k}")
                gens.append(_row(n, number, row.bus, row.p_mw * scale, row.q_mvar * scale))
    for kind, k, row, p, q in _others(n):
        target = gens if kind == "asymmetric_sgen" else loads
        number = n.ids.new("sym_load", (kind, k), n.own_name(kind, k, row))
        target.append(_row(n, number, row.bus, p * MEGA, q * MEGA))
    return loads, gens, _generators(n, gens)


def _others(n: Network) -> Iterator[tuple[str, Any, Any, float, float]]:
    """Constant powers of motors, wards and balanced asymmetric elements, MW and Mvar."""
    for k, row in n.in_service("motor"):
        if n.alive(row.bus):
            if not (row.efficiency_percent > 0 and 0 < row.cos_phi <= 1):
                raise FeederError(
                    f"{label('motor', k, row)}: efficiency_percent and cos_phi must be positive"
                )
            p = row.pn_mech_mw / row.efficiency_percent * row.loading_percent * row.scaling
            yield "motor", k, row, p, abs(p) * math.tan(math.acos(row.cos_phi))
    for kind in ("ward", "xward"):
        for k, row in n.in_service(kind):
            if n.alive(row.bus):
                yield kind, k, row, row.ps_mw, row.qs_mvar
    for kind in ("asymmetric_load", "asymmetric_sgen"):
        for k, row in n.in_service(kind):
            if n.alive(row.bus):
                yield kind, k, row, 3 * row.p_a_mw * row.scaling, 3 * row.q_a_mvar * row.scaling


def _generators(n: Network, gens: list[Row]) -> list[VoltageControl]:
    """Adds the generators; those away from a slack hold the voltage of their electrical bus."""
    slack = {n.electrical(row.bus) for _, row in n.in_service("ext_grid") if n.alive(row.bus)}
    slack |= {n.electrical(r.bus) for _, r in n.in_service("gen") if bool(r.slack) and n.alive(r.bus)}
    place = {node: k for k, node in enumerate(n.nodes())}
    first: dict[int, int] = {}
    controls = []
    for k, row in n.in_service("gen"):
        if not n.alive(row.bus) or bool(row.slack):
            continue
        number = n.ids.new("sym_gen", ("gen", k), row["name"] or f"gen {k}")
        element = _row(n, number, row.bus, row.p_mw * row.scaling * MEGA, 0.0)
        gens.append(element)
        if n.electrical(row.bus) in slack:
            continue
        element["node"] = first.setdefault(n.electrical(row.bus), element["node"])
        element["q_specified"] = n.reactive_guess(k) * MEGA
        controls.append(VoltageControl(element, place[element["node"]], float(row.vm_pu)))
    for k, row in n.in_service("xward"):
        if ("xward", k) in n.inner:
            number = n.ids.new("sym_gen", ("xward", k), f"{n.own_name('xward', k, row)} inner")
            node = n.ids.of("node", ("xward", k))
            element = {"id": number, "node": node, "status": 1, "type": _POWER}
            gens.append(element | {"p_specified": 0.0, "q_specified": 0.0})
            controls.append(VoltageControl(gens[-1], place[node], float(row.vm_pu)))
    return controls


def _row(n: Network, number: int, bus: Any, p: float, q: float, kind: int = _POWER) -> Row:
    powers = {"p_specified": p, "q_specified": q}
    return {"id": number, "node": n.ids.node(bus), "status": 1, "type": kind} | powers


def _load(n: Network, k: Any, row: Any) -> list[Row]:
    """One load, split into its constant-power, -impedance and -current parts (at rated voltage)."""
    p, q = row.p_mw * row.scaling * MEGA, row.q_mvar * row.scaling * MEGA
    z_p, i_p, z_q, i_q = (n.value(row, key, 0.0) / PERCENT for key in _SHARES)
    if min(z_p, i_p, z_q, i_q) < 0 or z_p + i_p > 1 or z_q + i_q > 1:
        raise FeederError(
            f"{label('load', k, row)}: shares of constant impedance and current beyond 0 to 100 %"
        )
    shares = ((_POWER, 1 - z_p - i_p, 1 - z_q - i_q), (_IMPEDANCE, z_p, z_q), (_CURRENT, i_p, i_q))
    rows = []
    for kind, share_p, share_q in shares:
        if share_p or share_q:
            number = n.ids.new("sym_load", (k, kind), row["name"])
            rows.append(_row(n, number, row.bus, p * share_p, q * share_q, kind))
    return rows


def _voltage_dependent(n: Network) -> None:
    """pandapower averages the shares of all loads of a bus, unweighted, and applies them to all that the bus
    draws or feeds; only where that means what the elements say is it taken.
    """
    shares: dict[int, tuple[Any, tuple[float, ...]]] = {}
    for k, row in n.in_service("load"):
        if n.alive(row.bus):
            own = tuple(n.value(row, key, 0.0) for key in _SHARES)
            other, known = shares.setdefault(n.electrical(row.bus), (label("load", k, row), own))
            if known != own:
                raise FeederError(
                    f"{label('load', k, row)}: depends on the voltage otherwise than {other} at its bus, and "
                    "pandapower mixes them; give them buses of their own"
                )
    dependent = {bus: what for bus, (what, own) in shares.items() if any(own)}
    for kind in ("sgen", "storage", "motor", "ward", "xward", "asymmetric_load", "asymmetric_sgen"):
        for k, row in n.in_service(kind):
            if dependent and n.alive(row.bus) and n.electrical(row.bus) in dependent:
                raise FeederError(
                    f"{label(kind, k, row)}: shares its bus with {dependent[n.electrical(row.bus)]}, which "
                    "depends on the voltage, and pandapower mixes them; give them buses of their own"
                )
