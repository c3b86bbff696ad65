"""Tracing losses along a radial feeder: whose power flows through a branch bears that branch's loss."""

from __future__ import annotations

import numpy as np

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.flow.admittance import admittance
from peerwatt.grid.flow.power_flow import PowerFlow


def tracing(solver: PowerFlow, nodes: Ints, p_w: Floats, injections: tuple[Floats, Floats]) -> Floats:
    """Share each branch's load loss among the sources and sinks whose power it carries.

    The upstream grid trades with nobody: its part of a branch's loss falls to the others who use the branch.
        The loss of a branch that
    carries no active power is shared by exchanged power.

    Args:
        solver: The feeder's solver.
        nodes: Node of each element, `(k,)`.
        p_w: Active injection of each element, W, `(k,)`.
        injections: Their sums per node, W and var.

    Returns:
        Shares, W, `(k,)`; they sum to the load loss.

    Raises:
        FeederError: The feeder is not radial or has several sources.
    """
    feeder = solver.feeder
    order, parent, branch = _tree(feeder)
    count, n = len(p_w), solver.nodes
    loss = solver.solve(*injections).branch_loss_w - solver.no_load_branch_loss_w
    gross_in, gross_out = np.maximum(p_w, 0.0), np.maximum(-p_w, 0.0)
    # power that leaves each node towards the source
    up: Floats = np.bincount(nodes, weights=p_w, minlength=n).astype(np.float64)
    for node in reversed(order[1:]):
        up[parent[node]] += up[node]
    # one more element than asked for: the upstream grid, a source when the feeder imports and a sink when it
    # exports
    sources, sinks = np.zeros((n, count + 1)), np.zeros((n, count + 1))
    np.add.at(sources, (nodes, np.arange(count)), gross_in)
    np.add.at(sinks, (nodes, np.arange(count)), gross_out)
    root = order[0]
    sources[root, count], sinks[root, count] = max(-up[root], 0.0), max(up[root], 0.0)
    children: dict[int, list[int]] = {k: [] for k in order}
    for node in order[1:]:
        children[parent[node]].append(node)
    mixed_sources = _mix(order, parent, children, up, sources)
    mixed_sinks = _mix(order, parent, children, -up, sinks)
    share, exchanged = np.zeros(count), np.abs(p_w)
    for node in order[1:]:
        giver, taker = (node, parent[node]) if up[node] > 0 else (parent[node], node)
        weight = (mixed_sources[giver] + mixed_sinks[taker])[:count]
        weight = weight if abs(up[node]) > 1e-6 and weight.sum() > 0 else exchanged
        share += weight * (loss[branch[node]] / weight.sum() if weight.sum() > 0 else 0.0)
    off = float(loss.sum() - loss[[branch[k] for k in order[1:]]].sum())  # branches with an open end
    return share + (exchanged * (off / exchanged.sum()) if exchanged.sum() > 0 else 0.0)


def require_radial(feeder: Feeder) -> None:
    """Refuse a feeder that losses cannot be traced on.

    Raises:
        FeederError: The feeder is not radial or has several sources.
    """
    _tree(feeder)


def _mix(order: list[int], parent: Ints, children: dict[int, list[int]], up: Floats, own: Floats) -> Floats:
    """Shares of everybody in the power that passes each node, by proportional sharing, `(nodes, elements)`.

    `up` is the power on the branch to the parent; positive means that it is carried from the node to its
    parent."""
    passing = own.copy()
    share = np.zeros_like(own)
    done: set[int] = set()

    def feeders(node: int) -> list[int]:
        below = [c for c in children[node] if up[c] > 0]
        above = [int(parent[node])] if node != order[0] and up[node] < 0 else []
        return below + above

    waiting = {node: set(feeders(node)) for node in order}
    ready = [node for node in order if not waiting[node]]
    while ready:
        node = ready.pop()
        done.add(node)
        for source in feeders(node):
            carried = abs(up[source] if source in children[node] else up[node])
            passing[node] += share[source] * carried
        total = passing[node].sum()
        share[node] = passing[node] / total if total > 0 else 0.0
        for other in [*children[node], *([int(parent[node])] if node != order[0] else [])]:
            if node in waiting[other]:
                waiting[other].remove(node)
                if not waiting[other] and other not in done:
                    ready.append(other)
    return share


def _tree(feeder: Feeder) -> tuple[list[int], Ints, Ints]:
    """Nodes from the source outwards, the parent of each, and the branch to it (a position among all
    branches).
    """
    network = admittance(feeder)
    n = len(feeder.node_names)
    positions = [
        k
        for k, (kind, row) in enumerate((kind, row) for kind in BRANCHES for row in feeder.data.get(kind, ()))
        if row["from_status"] and row["to_status"]
    ]
    if len(set(network.source_nodes.tolist())) != 1 or len(network.ends) != n - 1:
        raise FeederError(
            f"feeder {feeder.name}: losses are traced on radial feeders with one source; choose another rule"
        )
    beside: dict[int, list[tuple[int, int]]] = {k: [] for k in range(n)}
    for k, (a, b) in zip(positions, network.ends.tolist(), strict=True):
        beside[a].append((b, k))
        beside[b].append((a, k))
    order, parent, branch = [int(network.source_nodes[0])], np.full(n, -1), np.full(n, -1)
    for node in order:
        for other, k in beside[node]:
            if other != parent[node]:
                parent[other], branch[other] = node, k
                order.append(other)
    return order, parent, branch
