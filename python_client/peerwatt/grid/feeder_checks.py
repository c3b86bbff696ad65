"""What makes a feeder file unusable, one check per fault, each naming the element."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from power_grid_model import CalculationType
from power_grid_model.validation import errors_to_string, validate_input_data

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import FORMAT, LEVEL_TOLERANCE, Feeder

_KEYS = {
    "format",
    "name",
    "source",
    "licence",
    "provenance",
    "limits",
    "names",
    "coordinates",
    "phases",
    "frequency_hz",
    "short_circuit",
    "rating_va",
    "voltage_control",
    "left_out",
    "power_grid_model",
    "circuit",
}
_REQUIRED = ("format", "name", "limits", "names")
_NETWORKS = ("power_grid_model", "circuit")
_LIMITS = ("v_min_pu", "v_max_pu", "loading_max_percent")
_OPTIONAL_LIMITS = ("unbalance_max_percent", "reverse_flow_max_w")
_BAND = ("u_rated_v", "v_min_pu", "v_max_pu")


def check_document(document: Any, origin: str) -> None:
    """The outer shape: known keys, the format, limits that are numbers in the right order."""
    if not isinstance(document, Mapping):
        raise FeederError(f"{origin}: a feeder is a JSON object")
    if document.get("format") != FORMAT:
        raise FeederError(f'{origin}: "format" is {document.get("format")!r}, must be {FORMAT!r}')
    for key in _REQUIRED:
        if key not in document:
            raise FeederError(f"{origin}: key {key!r} is missing")
    if sum(key in document for key in _NETWORKS) != 1:
        raise FeederError(f"{origin}: needs the key 'power_grid_model' or 'circuit', one of the two")
    for key in document:
        if key not in _KEYS:
            raise FeederError(f"{origin}: unknown key {key!r}; known are {', '.join(sorted(_KEYS))}")
    _check_limits(document["limits"], origin)
    _check_rating_va(document.get("rating_va", {}), origin)
    names = document["names"]
    if not isinstance(names, Mapping) or not all(
        str(k).isdigit() and isinstance(v, str) for k, v in names.items()
    ):
        raise FeederError(f'{origin}: "names" must map an element id to its name')


def _check_limits(limits: Any, origin: str) -> None:
    if not isinstance(limits, Mapping):
        raise FeederError(f'{origin}: "limits" must be an object with {", ".join(_LIMITS)}')
    known = (*_LIMITS, *_OPTIONAL_LIMITS, "bands", "source")
    unknown = set(limits) - set(known)
    if unknown:
        raise FeederError(
            f"{origin}: limits has unknown keys {sorted(unknown)}; known are {', '.join(known)}"
        )
    _check_positive(limits, _LIMITS, f"{origin}: limits")
    _check_positive(limits, [key for key in _OPTIONAL_LIMITS if key in limits], f"{origin}: limits")
    _check_band(limits, f"{origin}: limits")
    bands = limits.get("bands", [])
    if not isinstance(bands, list) or not all(isinstance(band, Mapping) for band in bands):
        raise FeederError(f"{origin}: limits.bands must be a list of objects with {', '.join(_BAND)}")
    for number, band in enumerate(bands):
        place = f"{origin}: limits.bands[{number}]"
        if unknown := set(band) - set(_BAND):
            raise FeederError(f"{place} has unknown keys {sorted(unknown)}; known are {', '.join(_BAND)}")
        _check_positive(band, _BAND, place)
        _check_band(band, place)


def _check_positive(values: Mapping[str, Any], keys: Iterable[str], place: str) -> None:
    for key in keys:
        value = values.get(key)
        if value is None:
            raise FeederError(f"{place}.{key} is missing")
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not (number and value > 0):
            raise FeederError(f"{place}.{key} is {value!r}, must be a positive number")


def _check_band(values: Mapping[str, Any], place: str) -> None:
    if not values["v_min_pu"] < values["v_max_pu"] <= 2:
        raise FeederError(f"{place} need v_min_pu < v_max_pu, both per unit of the rated voltage")


def _check_rating_va(ratings: Any, origin: str) -> None:
    if not isinstance(ratings, Mapping):
        raise FeederError(f'{origin}: "rating_va" must map an element id to its rated power, VA, or to null')
    for key, value in ratings.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if value is not None and not (number and value > 0):
            raise FeederError(
                f"{origin}: rating_va of {key} is {value!r}, must be a positive number, or null for no rating"
            )


def check_data(feeder: Feeder, origin: str) -> None:
    """The network: every element named, rated, valid and connected to a source."""
    _check_names(feeder, origin)
    _check_levels(feeder, origin)
    if not feeder.is_circuit:
        _check_ratings(feeder, origin)
    _check_connected(feeder, origin)
    if feeder.is_circuit:
        return
    _check_voltage_levels(feeder, origin)
    _check_voltage_control(feeder, origin)
    kind = CalculationType.power_flow
    found = validate_input_data(dict(feeder.data), kind, symmetric=not feeder.three_phase)
    if found:
        first = found[0]
        ids = first.ids if isinstance(first.ids, list) else []
        flat = [i[1] if isinstance(i, tuple) else i for i in ids]
        named = ", ".join(feeder.names.get(int(i), str(i)) for i in flat[:3])
        text = (errors_to_string([first]) or "").strip().splitlines()[-1].strip()
        raise FeederError(f"{origin}: {named}: {text}")


def _check_names(feeder: Feeder, origin: str) -> None:
    if "node" not in feeder.data or "source" not in feeder.data:
        raise FeederError(f"{origin}: a feeder needs at least one node and one source")
    if not feeder.branch_names:
        raise FeederError(f"{origin}: a feeder needs at least one line or transformer")
    for kind, table in feeder.data.items():
        for element in table["id"]:
            if int(element) not in feeder.names:
                raise FeederError(f'{origin}: {kind} with id {element} has no entry in "names"')
    nodes = [feeder.names[int(i)] for i in feeder.data["node"]["id"]]
    if len(set(nodes)) != len(nodes):
        twice = next(name for name in nodes if nodes.count(name) > 1)
        raise FeederError(f"{origin}: two nodes are named {twice!r}")


def _check_voltage_levels(feeder: Feeder, origin: str) -> None:
    """A line has one rated voltage."""
    rated = {int(row["id"]): float(row["u_rated"]) for row in feeder.data["node"]}
    for kind in ("line", "asym_line"):
        for row in feeder.data.get(kind, ()):
            a, b = rated.get(int(row["from_node"])), rated.get(int(row["to_node"]))
            if a is not None and b is not None and a != b:
                name = feeder.names[int(row["id"])]
                raise FeederError(f"{origin}: line {name!r} joins nodes of {a:g} V and {b:g} V")


def _check_voltage_control(feeder: Feeder, origin: str) -> None:
    """Held voltages: by generators of a balanced feeder, one voltage per node, at no source."""
    stated = feeder.document.get("voltage_control", {})
    if not isinstance(stated, Mapping):
        raise FeederError(
            f'{origin}: "voltage_control" must map a generator\'s id to the voltage it holds, pu'
        )
    if stated and feeder.three_phase:
        raise FeederError(f"{origin}: voltage_control on a feeder of three phases is not solved")
    table = feeder.data.get("sym_gen")
    nodes = {} if table is None else {str(int(row["id"])): int(row["node"]) for row in table}
    sources = {int(k) for k in feeder.data["source"]["node"]}
    held: dict[int, float] = {}
    for key, value in stated.items():
        name = feeder.names.get(int(key), key) if str(key).isdigit() else key
        if key not in nodes:
            raise FeederError(f"{origin}: voltage_control names id {key!r}, which is no sym_gen")
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 2:
            raise FeederError(f"{origin}: voltage_control of {name!r} is {value!r}, must be a voltage in pu")
        if nodes[key] in sources:
            raise FeederError(
                f"{origin}: {name!r} holds a voltage at the node of a source, which holds it too"
            )
        if held.setdefault(nodes[key], value) != value:
            raise FeederError(f"{origin}: {name!r} and another generator hold one node at two voltages")


def _check_levels(feeder: Feeder, origin: str) -> None:
    """Every band has nodes, and no node is in two."""
    rated = feeder.data["node"]["u_rated"]
    seen = np.zeros(len(rated), dtype=np.bool_)
    for band in feeder.limits.bands:
        level = np.isclose(rated, band.u_rated_v, rtol=LEVEL_TOLERANCE)
        if not level.any():
            levels = ", ".join(f"{v:g}" for v in sorted(set(rated.tolist())))
            raise FeederError(
                f"{origin}: limits.bands has {band.u_rated_v:g} V, and no node; rated voltages are {levels}"
            )
        if (seen & level).any():
            raise FeederError(f"{origin}: limits.bands has two for nodes of {band.u_rated_v:g} V")
        seen |= level
    if math.isfinite(feeder.limits.unbalance_max_percent) and not feeder.three_phase:
        raise FeederError(f"{origin}: limits.unbalance_max_percent needs a feeder of three phases")


def _check_ratings(feeder: Feeder, origin: str) -> None:
    for kind in ("line", "asym_line"):
        table = feeder.data.get(kind)
        if table is None:
            continue
        for row in table:
            if not np.isfinite(row["i_n"]) or row["i_n"] <= 0:
                name = feeder.names[int(row["id"])]
                raise FeederError(f"{origin}: line {name!r} has no rated current i_n (A)")
    rated = {
        str(int(k))
        for kind in ("transformer", "three_winding_transformer", "generic_branch")
        for k in feeder.data.get(kind, {"id": ()})["id"]
    }
    for key in feeder.document.get("rating_va", {}):
        if key not in rated:
            raise FeederError(
                f"{origin}: rating_va names id {key!r}, which is no transformer or generic branch"
            )


def _check_connected(feeder: Feeder, origin: str) -> None:
    """Every node must reach a source over closed branches."""
    neighbours: dict[int, set[int]] = {int(i): set() for i in feeder.data["node"]["id"]}
    for ends in closed_branches(feeder):
        for a in ends:
            for b in ends:
                if a not in neighbours or b not in neighbours:
                    raise FeederError(
                        f"{origin}: a branch ends at node id {a if a not in neighbours else b}, "
                        f"which does not exist"
                    )
                neighbours[a].add(b)
    source = feeder.data["source"]
    queue = [int(s["node"]) for s in source if s["status"]]
    reached = set(queue)
    while queue:
        fresh = neighbours.get(queue.pop(), set()) - reached
        reached |= fresh
        queue.extend(fresh)
    for node in neighbours:
        if node not in reached:
            raise FeederError(
                f"{origin}: node {feeder.names[node]!r} is isolated: no closed branch leads to a source"
            )


def closed_branches(feeder: Feeder) -> list[tuple[int, ...]]:
    """Node ids at the closed ends of every branch that is closed at two ends or more."""
    found: list[tuple[int, ...]] = []
    for kind in ("line", "asym_line", "link", "generic_branch", "transformer"):
        table = feeder.data.get(kind)
        if table is not None:
            closed = table[(table["from_status"] == 1) & (table["to_status"] == 1)]
            found += [(int(r["from_node"]), int(r["to_node"])) for r in closed]
    table = feeder.data.get("three_winding_transformer")
    if table is not None:
        for row in table:
            ends = tuple(int(row[f"node_{k}"]) for k in "123" if row[f"status_{k}"])
            if len(ends) > 1:
                found.append(ends)
    return found
