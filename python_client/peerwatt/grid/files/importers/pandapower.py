"""pandapower networks as canonical feeders.

pandapower 3 ignores taps of transformers whose `tap_changer_type` is not set, although older files and
SimBench leave it unset. Such a tap is refused; `with_ratio_taps` sets the type, for networks whose owner
means the tap to count."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Mapping
from typing import Any

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT
from peerwatt.grid.files.importers.pandapower_branches import branches
from peerwatt.grid.files.importers.pandapower_file import load_pandapower, quiet
from peerwatt.grid.files.importers.pandapower_ids import Network
from peerwatt.grid.files.importers.pandapower_injections import injections, shunts, sources
from peerwatt.grid.files.importers.pandapower_tables import check_tables, label
from peerwatt.grid.files.importers.voltage_control import VoltageControl, hold_voltages
from peerwatt.units import KILO, MEGA

_BRANCHES = ("line", "link", "generic_branch", "transformer")
__all__ = ["from_pandapower", "load_pandapower", "read_network", "with_ratio_taps"]


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
    net: Any,
    *,
    name: str,
    limits: Mapping[str, Any],
    own_loads: bool = True,
    trafo_model: str = "t",
    **about: Any,
) -> dict[str, Any]:
    """Turn a pandapower network into a feeder document.

    Args:
        net: The pandapower network; it stays as it is.
        name: The feeder's name.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent` and where they come from.
        own_loads: Keep the network's loads and generators; without, the injections are all that flows.
        trafo_model: The equivalent circuit of transformers, as in `pandapower.runpp`: `t` or `pi`.
        about: `source`, `licence`, `provenance`: kept as they are.

    Returns:
        A document for `peerwatt.grid.feeder_document.feeder_from_document`. What is in service but not
        supplied is left out and named in `left_out`.

    Raises:
        FeederError: The network holds an element that has no exact counterpart; it is named.
    """
    return read_network(net, name=name, limits=limits, own_loads=own_loads, trafo_model=trafo_model, **about)[
        0
    ]


def read_network(
    net: Any,
    *,
    name: str,
    limits: Mapping[str, Any],
    own_loads: bool = True,
    trafo_model: str = "t",
    **about: Any,
) -> tuple[dict[str, Any], list[Any]]:
    """As `from_pandapower`; returned beside the document is the bus of each node, none within an element."""
    with quiet():
        try:
            return _document(copy.deepcopy(net), name, limits, own_loads, trafo_model, about)
        except FeederError as error:
            text = str(error)
            raise FeederError(text if text.startswith(f"{name}: ") else f"{name}: {text}") from None
        except (KeyError, AttributeError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            reason = (str(error).strip().splitlines() or [""])[0]
            raise FeederError(
                f"{name}: no usable pandapower network: {type(error).__name__} {reason}"
            ) from None


def _document(
    net: Any,
    name: str,
    limits: Mapping[str, Any],
    own_loads: bool,
    trafo_model: str,
    about: Mapping[str, Any],
) -> tuple[dict[str, Any], list[Any]]:
    check_tables(net, name)
    n = Network(net, name, trafo_model)
    data: dict[str, list[dict[str, Any]]] = {"node": []}
    coordinates: dict[str, list[float]] = {}
    for bus, row in n.in_service("bus"):
        if not row.vn_kv > 0:
            raise FeederError(f"{name}: {label('bus', bus, row)}: vn_kv is {row.vn_kv:g}")
        if not n.alive(bus):
            n.drop("bus", bus, row)
            continue
        node = n.ids.new("node", bus, row["name"])
        n.rated_kv[node] = row.vn_kv
        data["node"].append({"id": node, "u_rated": row.vn_kv * KILO})
        place = _place(row.get("geo"), f"{name}: {label('bus', bus, row)}")
        if place:
            coordinates[n.ids.names[node]] = place
    for kind, k in (*sorted(n.stars, key=str), *sorted(n.inner, key=str)):
        row = net[kind].loc[k]
        bus = row.hv_bus if kind == "trafo3w" else row.bus
        inner = n.ids.new(
            "node", (kind, k), f"{n.own_name(kind, k, row)} {'star point' if kind == 'trafo3w' else 'inner'}"
        )
        n.rated_kv[inner] = n.kv(bus)
        data["node"].append({"id": inner, "u_rated": n.kv(bus) * KILO})
    for kind in (*_BRANCHES, "source", "shunt"):
        data[kind] = []
    for kind, element in branches(n):
        data[kind].append(element)
    if not any(data[kind] for kind in _BRANCHES):
        raise FeederError(f"{name}: no line, transformer or switch joins a bus to the external grid")
    data["source"] = sources(n)
    data["shunt"] += shunts(n)
    controls: list[VoltageControl] = []
    if own_loads:
        data["sym_load"], data["sym_gen"], controls = injections(n)
    document: dict[str, Any] = {"format": FORMAT, "name": name, **about, "limits": dict(limits)}
    document["frequency_hz"] = float(net.f_hz)
    if len(net.ext_grid) and "s_sc_max_mva" in net.ext_grid and net.ext_grid.s_sc_max_mva.notna().all():
        document["short_circuit"] = {"source_va": float(net.ext_grid.s_sc_max_mva.sum() * MEGA)}
    if n.rating_va:
        document["rating_va"] = n.rating_va
    if n.left_out:
        document["left_out"] = n.left_out
    document["names"] = {str(k): v for k, v in n.ids.names.items()}
    if coordinates:
        document["coordinates"] = coordinates
    document["power_grid_model"] = {
        "version": "1.0",
        "type": "input",
        "is_batch": False,
        "attributes": {},
        "data": {kind: rows for kind, rows in data.items() if rows},
    }
    hold_voltages(document, controls)
    buses = [
        None if isinstance(index, tuple) else index for (kind, index), _ in n.ids.known() if kind == "node"
    ]
    return document, buses


def _place(geo: Any, what: str) -> list[float] | None:
    """Where a bus is drawn, from its GeoJSON point."""
    if not isinstance(geo, str) or not geo.strip():
        return None
    try:
        x, y = (float(c) for c in json.loads(geo)["coordinates"][:2])
    except (ValueError, TypeError, KeyError, IndexError):
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise FeederError(f"{what}: geo {geo[:40]!r} is no GeoJSON point; correct or delete it")
    return [x, y]
