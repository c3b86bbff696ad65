"""pandapower networks as canonical feeders.

pandapower 3 ignores taps of transformers whose `tap_changer_type` is not set, although older files and
SimBench leave it unset. Here a tap position always counts; `with_ratio_taps` sets the type so that pandapower
agrees.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandapower as pp

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT
from peerwatt.grid.files.importers.pandapower_branches import impedance, line, transformer
from peerwatt.grid.files.importers.pandapower_injections import injections, voltage_controls
from peerwatt.grid.files.importers.voltage_control import hold_voltages
from peerwatt.units import KILO, MEGA

_STIFF_VA = 1e15  # a source without internal impedance, as pandapower's external grid is in a power flow
_REFUSED = ("xward", "ward", "dcline", "motor", "svc", "tcsc", "ssc", "vsc", "asymmetric_sgen")


def load_pandapower(path: str | Path) -> Any:
    """Read a pandapower JSON file.

    Args:
        path: The file.

    Returns:
        The pandapower network.

    Raises:
        FeederError: The file is missing or holds no pandapower network.
    """
    if not Path(path).is_file():
        raise FeederError(f"{path}: no such pandapower file")
    try:
        net = pp.from_json(str(path))
    except Exception as error:  # pandapower raises whatever its readers raise
        raise FeederError(f"{path}: not a pandapower network: {str(error).splitlines()[0]}") from None
    if not isinstance(net, pp.pandapowerNet):
        raise FeederError(f"{path}: not a pandapower network but {type(net).__name__}")
    return net


def with_ratio_taps(net: Any) -> Any:
    """Set the tap changer type of every transformer that has a tap position and none: in place, returned
    too.
    """
    for table in (net.trafo, net.trafo3w):
        if len(table):
            unset = table.tap_changer_type.isna() & table.tap_pos.notna()
            table["tap_changer_type"] = table["tap_changer_type"].astype(object)
            table.loc[unset, "tap_changer_type"] = "Ratio"
    return net


def from_pandapower(
    net: Any, *, name: str, limits: Mapping[str, Any], own_loads: bool = True, **about: Any
) -> dict[str, Any]:
    """Turn a pandapower network into a feeder document.

    Args:
        net: The pandapower network.
        name: The feeder's name.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent` and where they come from.
        own_loads: Keep the network's loads and generators; without, the injections are all that flows.
        about: `source`, `licence`, `provenance`: kept as they are.

    Returns:
        A document for `peerwatt.grid.feeder.feeder_from_document`.

    Raises:
        FeederError: The network holds an element that has no exact counterpart; it is named.
    """
    for kind in _REFUSED:
        if len(net.get(kind, ())):
            raise FeederError(
                f"{name}: {kind} {net[kind].index[0]} has no counterpart in the feeder file; replace it"
            )
    ids = _Ids()
    data: dict[str, list[dict[str, Any]]] = {"node": []}
    coordinates: dict[str, list[float]] = {}
    for bus, row in net.bus[net.bus.in_service].iterrows():
        node = ids.new("node", bus, row["name"])
        data["node"].append({"id": node, "u_rated": row.vn_kv * KILO})
        place = _place(row.get("geo"))
        if place:
            coordinates[ids.names[node]] = place
    data["line"] = [line(net, k, ids) for k in net.line.index[net.line.in_service]]
    data["link"] = _links(net, ids)
    data["generic_branch"] = [impedance(net, k, ids) for k in net.impedance.index[net.impedance.in_service]]
    data["transformer"] = []
    for k in net.trafo.index[net.trafo.in_service]:
        kind, element = transformer(net, k, ids)
        data[kind].append(element)
    if len(net.trafo3w):
        raise FeederError(
            f"{name}: three-winding transformer {net.trafo3w.name.iloc[0]!r}: give it as two-winding ones"
        )
    data["source"] = _sources(net, ids, name)
    data["shunt"] = _shunts(net, ids)
    if own_loads:
        data.update(injections(net, ids))
    document: dict[str, Any] = {"format": FORMAT, "name": name, **about, "limits": dict(limits)}
    document["frequency_hz"] = float(net.f_hz)
    if data.get("asym_load"):
        document["phases"] = 3
    if len(net.ext_grid) and "s_sc_max_mva" in net.ext_grid and net.ext_grid.s_sc_max_mva.notna().all():
        document["short_circuit"] = {"source_va": float(net.ext_grid.s_sc_max_mva.sum() * MEGA)}
    document["names"] = {str(k): v for k, v in ids.names.items()}
    if coordinates:
        document["coordinates"] = coordinates
    document["power_grid_model"] = {
        "version": "1.0",
        "type": "input",
        "is_batch": False,
        "attributes": {},
        "data": {kind: rows for kind, rows in data.items() if rows},
    }
    if own_loads and len(net.gen):
        hold_voltages(document, voltage_controls(net, ids, data["sym_gen"]))
    return document


class _Ids:
    """One running id over all elements, and the name of each."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self._known: dict[tuple[str, Any], int] = {}
        self._taken: set[tuple[str, str]] = set()

    def new(self, kind: str, index: Any, name: Any) -> int:
        text = str(name) if isinstance(name, str) and name else f"{kind} {index}"
        if (kind, text) in self._taken:
            text = f"{text} ({index})"
        self._taken.add((kind, text))
        number = len(self.names) + 1
        self.names[number] = text
        self._known[kind, index] = number
        return number

    def node(self, bus: Any) -> int:
        return self._known["node", bus]

    def of(self, kind: str, index: Any) -> int:
        return self._known[kind, index]


def _place(geo: Any) -> list[float] | None:
    if not isinstance(geo, str) or not geo:
        return None
    x, y = json.loads(geo)["coordinates"][:2]
    return [float(x), float(y)]


def _links(net: Any, ids: _Ids) -> list[dict[str, Any]]:
    links = []
    for k, row in net.switch[net.switch.et == "b"].iterrows():
        if row.get("z_ohm", 0.0) not in (0.0, None) and not math.isnan(row.z_ohm):
            raise FeederError(f"switch {row['name']!r}: a bus-bus switch with z_ohm; give it as a line")
        status = int(row.closed)
        element = {"id": ids.new("link", k, row["name"]), "from_node": ids.node(row.bus)}
        element |= {"to_node": ids.node(row.element), "from_status": status, "to_status": status}
        links.append(element)
    return links


def _sources(net: Any, ids: _Ids, name: str) -> list[dict[str, Any]]:
    sources = []
    for k, row in net.ext_grid[net.ext_grid.in_service].iterrows():
        element = {"id": ids.new("source", k, row["name"]), "node": ids.node(row.bus), "status": 1}
        angle = math.radians(row.va_degree)
        sources.append(element | {"u_ref": row.vm_pu, "u_ref_angle": angle, "sk": _STIFF_VA})
    if not sources:
        raise FeederError(f"{name}: no external grid in service")
    return sources


def _shunts(net: Any, ids: _Ids) -> list[dict[str, Any]]:
    shunts = []
    for k, row in net.shunt[net.shunt.in_service].iterrows():
        steps = row.step if not math.isnan(row.step) else 1
        per_volt2 = steps / (row.vn_kv * KILO) ** 2
        shunts.append(
            {
                "id": ids.new("shunt", k, row["name"]),
                "node": ids.node(row.bus),
                "status": 1,
                "g1": row.p_mw * MEGA * per_volt2,
                "b1": -row.q_mvar * MEGA * per_volt2,
                "g0": 0.0,
                "b0": 0.0,
            }
        )
    return shunts
