"""Islanded operation: no upstream grid, one grid-forming unit, and a balance that must close.

Generation must cover demand and losses within what the grid-forming unit can give and take. Where it cannot,
loads are shed by priority; where there is too much, generation is cut."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.feeder_checks import closed_branches
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.flow.power_flow import FlowResult, PowerFlow

_STEPS = 30
_BALANCED_W = 0.5


@dataclass(frozen=True)
class IslandBalance:
    """How an island gets through.

    Attributes:
        served: Which loads stay on, `(loads,)`.
        generation_share: Share of the available generation that runs, 0 to 1.
        forming_w: What the grid-forming unit delivers, W; negative when it is charged.
        flow: The exact flow.
    """

    served: NDArray[np.bool_]
    generation_share: float
    forming_w: float
    flow: FlowResult


def island(feeder: Feeder, forming_node: str, open_branches: Sequence[str], u_pu: float = 1.0) -> Feeder:
    """The part of a feeder that stays connected to a grid-forming unit when branches are opened.

    Args:
        feeder: The feeder with its upstream grid.
        forming_node: Node of the grid-forming unit, the island's only source.
        open_branches: Branches that are opened, by name.
        u_pu: Voltage that the unit forms, pu.

    Raises:
        FeederError: A name is unknown, or the feeder is a circuit conductor by conductor.
    """
    if feeder.is_circuit:
        raise FeederError(
            f"feeder {feeder.name}: a circuit conductor by conductor is not parted into islands"
        )
    document = json.loads(json.dumps(feeder.document))
    data = document["power_grid_model"]["data"]
    ids = {name: i for i, name in zip(_ids(feeder), feeder.branch_names, strict=True)}
    for name in open_branches:
        if name not in ids:
            raise FeederError(f"feeder {feeder.name}: no branch named {name!r}")
        for kind in BRANCHES:
            for row in data.get(kind, ()):
                if row["id"] == ids[name]:
                    row["from_status"] = row["to_status"] = 0
    start = int(feeder.data["node"]["id"][feeder.node(forming_node)])
    kept = {start}
    cut = {ids[name] for name in open_branches}
    while True:
        fresh = {n for ends in _closed(feeder, cut) if kept & set(ends) for n in ends} - kept
        if not fresh:
            break
        kept |= fresh
    for kind, rows in data.items():
        if kind == "node":
            data[kind] = [r for r in rows if r["id"] in kept]
        elif kind in BRANCHES:
            data[kind] = [r for r in rows if {r["from_node"], r["to_node"]} <= kept and r["id"] not in cut]
        elif kind != "source":
            data[kind] = [r for r in rows if r.get("node") in kept]
    # The forming unit holds its own node; what is said of elements that are not here goes.
    here = {str(r["id"]) for r in data.get("sym_gen", ()) if r["node"] != start}
    here |= {str(r["id"]) for kind in BRANCHES for r in data.get(kind, ())}
    for key in ("voltage_control", "rating_va"):
        if key in document:
            document[key] = {k: v for k, v in document[key].items() if k in here}
    source = dict(data["source"][0]) | {"node": start, "u_ref": u_pu, "status": 1, "sk": 1e15}
    data["source"] = [source]
    document["power_grid_model"]["data"] = {kind: rows for kind, rows in data.items() if rows}
    document["limits"].pop("reverse_flow_max_w", None)  # there is nothing upstream
    document["name"] = f"{feeder.name}, island of {forming_node}"
    return feeder_from_document(document)


def _ids(feeder: Feeder) -> list[int]:
    return [int(i) for kind in BRANCHES if kind in feeder.data for i in feeder.data[kind]["id"]]


def _closed(feeder: Feeder, cut: set[int]) -> list[tuple[int, ...]]:
    tables = {
        kind: table[~np.isin(table["id"], list(cut))] if kind in BRANCHES else table
        for kind, table in feeder.data.items()
    }
    return closed_branches(Feeder(feeder.name, feeder.limits, feeder.document, tables, feeder.names))


def balance_island(
    solver: PowerFlow,
    load_nodes: NDArray[np.int64],
    load_w: Floats,
    priority: NDArray[np.int64],
    generation_w: Floats,
    forming_max_w: float,
    forming_min_w: float = 0.0,
) -> IslandBalance:
    """Shed as few loads as needed, least important first, or cut generation, until the balance closes.

    Args:
        solver: The island's solver.
        load_nodes: Node of each load.
        load_w: Demand of each load, W, positive.
        priority: 1 is shed last; of equal priority the later in the list is shed first.
        generation_w: Available generation per node, W, `(nodes,)`.
        forming_max_w: Most that the grid-forming unit delivers, W.
        forming_min_w: Least that it delivers, W; negative: what it takes when charged.

    Returns:
        The balance; when even no load at all cannot be served, everything is shed.
    """
    served = np.ones(len(load_w), dtype=np.bool_)
    order = list(np.lexsort((np.arange(len(load_w)), priority))[::-1])

    def state(share: float) -> FlowResult:
        p = share * generation_w
        np.subtract.at(p, load_nodes[served], load_w[served])
        return solver.solve(p)

    flow = state(1.0)
    while float(flow.import_w) > forming_max_w and order:
        served[order.pop(0)] = False
        flow = state(1.0)
    share = 1.0
    if float(flow.import_w) < forming_min_w:
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            share = (low + high) / 2
            flow = state(share)
            low, high = (share, high) if float(flow.import_w) >= forming_min_w else (low, share)
            if high - low < _BALANCED_W / max(float(generation_w.sum()), 1.0):
                break
        share, flow = low, state(low)
    return IslandBalance(served, share, float(flow.import_w), flow)
