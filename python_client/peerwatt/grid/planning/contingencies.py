"""N-1: what happens when one line or transformer is out of service.

Each branch is opened alone, everything else staying as it is. On a radial feeder that puts customers out of
supply; on a meshed one others carry what it carried. The criterion is article 35 of Commission Regulation
(EU) 2017/1485.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.arrays import Floats
from peerwatt.grid.circuit_document import circuit_tables
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.feeder_checks import closed_branches
from peerwatt.grid.flow.limits import Quantity, Violation, find_violations
from peerwatt.grid.flow.power_flow import PowerFlow

_NOISE = 1e-6


@dataclass(frozen=True)
class Contingency:
    """One branch out of service.

    Attributes:
        branch: Its name.
        unsupplied: Positions of the nodes that no source reaches any more.
        unsupplied_demand_w: What the injections draw at those nodes, W.
        violations: Limits broken among the nodes that stay supplied, and not, or less, without the outage.
        solves: Whether what stays has a power flow.
    """

    branch: str
    unsupplied: tuple[int, ...]
    unsupplied_demand_w: float
    violations: tuple[Violation, ...]
    solves: bool

    @property
    def secure(self) -> bool:
        """Whether everybody stays supplied within every limit."""
        return self.solves and not self.unsupplied and not self.violations


def contingencies(
    feeder: Feeder, p_w: Floats, q_var: Floats | None = None, branches: Sequence[str] | None = None
) -> tuple[Contingency, ...]:
    """Open each closed branch alone and solve what is left.

    Args:
        feeder: The feeder.
        p_w: Injections, W, `(nodes,)` or with phases.
        q_var: Their reactive power, var, or none.
        branches: Which branches, by name; all that are closed unless told.

    Raises:
        FeederError: A name is no branch of the feeder.
        FlowError: There is no power flow with every branch in service.
    """
    whole = find_violations(feeder, PowerFlow(feeder).solve(p_w, q_var))
    known = {(v.element, v.quantity): v.excess for v in whole}
    for name in branches or ():
        if name not in feeder.branch_names:
            raise FeederError(f"feeder {feeder.name}: no branch named {name!r}")
    found = []
    for name, (kind, row) in zip(feeder.branch_names, _rows(feeder), strict=True):
        if not _closed(kind, feeder.data[kind][row]) or (branches and name not in branches):
            continue
        found.append(_without(feeder, name, kind, row, p_w, q_var, known))
    return tuple(found)


def _without(
    feeder: Feeder,
    name: str,
    kind: str,
    row: int,
    p_w: Floats,
    q_var: Floats | None,
    known: dict[tuple[str, Quantity], float],
) -> Contingency:
    table = feeder.data[kind].copy()
    names = table.dtype.names or ()
    for status in [name for name in names if name.endswith("_status") or name.startswith("status_")]:
        table[status][row] = 0
    left = replace(feeder, data={**feeder.data, kind: table})
    supplied = reached(left)
    dark = np.flatnonzero(~supplied)
    p, q = np.array(p_w, dtype=np.float64), None if q_var is None else np.array(q_var, dtype=np.float64)
    demand = float(np.maximum(-p[dark], 0.0).sum())
    if feeder.is_circuit:
        left = _circuit_without(feeder, left.names[int(table["id"][row])], supplied)
        p, q = p[supplied], None if q is None else q[supplied]
    try:
        flow = PowerFlow(left).solve(p, q)
    except FlowError:
        return Contingency(name, tuple(map(int, dark)), demand, (), False)
    dark_names = {feeder.node_names[k] for k in dark}
    fresh = tuple(
        v
        for v in find_violations(left, flow)
        if v.element not in dark_names
        and v.excess > known.get((v.element, v.quantity), 0.0) * (1 + _NOISE) + _NOISE
    )
    return Contingency(name, tuple(map(int, dark)), demand, fresh, True)


def _circuit_without(feeder: Feeder, branch: str, supplied: NDArray[np.bool_]) -> Feeder:
    """What stays of a circuit conductor by conductor: its matrices are its document's."""
    circuit = feeder.document["circuit"]
    dark = {name for name, on in zip(feeder.node_names, supplied, strict=True) if not on}

    def stays(row: Mapping[str, Any]) -> bool:
        conductors = [c for group in (*row.get("ends", ()), *row.get("legs", ())) for c in group]
        return dark.isdisjoint(c.rpartition(".")[0] for c in conductors)

    kept = {key: [row for row in circuit[key] if stays(row)] for key in ("sources", "shunts", "loads")}
    kept["branches"] = [r for r in circuit["branches"] if feeder.names[r["id"]] != branch and stays(r)]
    kept["buses"] = [bus for bus in circuit["buses"] if feeder.names[bus["id"]] not in dark]
    document = {**feeder.document, "circuit": {**circuit, **kept}}
    return replace(feeder, document=document, data=circuit_tables(document))


def reached(feeder: Feeder) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which nodes a source reaches over closed branches, `(nodes,)`."""
    position = {int(i): k for k, i in enumerate(feeder.data["node"]["id"])}
    neighbours: dict[int, set[int]] = {i: set() for i in position}
    for ends in closed_branches(feeder):
        for a in ends:
            neighbours[a].update(ends)
    queue = [int(s["node"]) for s in feeder.data["source"] if s["status"]]
    seen = set(queue)
    while queue:
        fresh = neighbours[queue.pop()] - seen
        seen |= fresh
        queue.extend(fresh)
    found = np.zeros(len(position), dtype=np.bool_)
    found[[position[i] for i in seen]] = True
    return found


def _rows(feeder: Feeder) -> list[tuple[str, int]]:
    return [(kind, row) for kind in BRANCHES for row in range(len(feeder.data.get(kind, ())))]


def _closed(kind: str, row: np.void) -> bool:
    if kind == "three_winding_transformer":
        return sum(int(row[f"status_{k}"]) for k in "123") > 1
    return bool(row["from_status"] and row["to_status"])
