"""A feeder as a picture: nodes coloured by voltage, lines and transformers by loading."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.flow.limits import find_violations, highest_u_pu
from peerwatt.grid.flow.power_flow import FlowResult

_FAINT = -0.35  # the grey of an idle line starts here on the loading scale, so that it can be seen
_FORMATS = (".svg", ".png", ".pdf")


def draw_feeder(feeder: Feeder, flow: FlowResult, path: str | Path, title: str = "") -> None:
    """Draw one solved state.

    Args:
        feeder: The feeder; drawn by its coordinates, or as a tree when nodes lack them.
        flow: The state.
        path: Where to, `.svg`, `.png` or `.pdf`.
        title: Above the picture.

    Raises:
        FeederError: The format is not known.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise FeederError(f"{path}: draw to {', '.join(_FORMATS)}")
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    place, ends, limits = coordinates(feeder), _ends(feeder), feeder.limits
    u = highest_u_pu(flow, feeder.three_phase)
    figure = Figure(figsize=(9, 7), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    lines = LineCollection(
        [place[[a, b]] for a, b in ends],
        cmap="Greys",
        linewidths=2.0,
        clim=(_FAINT * limits.loading_max_percent, limits.loading_max_percent),
    )
    lines.set_array(flow.loading_percent)
    axes.add_collection(lines)
    dots = axes.scatter(
        place[:, 0],
        place[:, 1],
        c=u,
        cmap="coolwarm",
        vmin=limits.v_min_pu,
        vmax=limits.v_max_pu,
        s=28,
        zorder=3,
        linewidths=0,
    )
    violations = find_violations(feeder, flow)
    over = {v.element for v in violations if v.quantity == "overload"}
    if over:
        cut = [place[[a, b]] for name, (a, b) in zip(feeder.branch_names, ends, strict=True) if name in over]
        axes.add_collection(
            LineCollection(
                cut, colors="#d55e00", linestyles="dashed", linewidths=3.5, label="above its rating"
            )
        )
    beyond = [feeder.node_index[v.element] for v in violations if v.quantity != "overload"]
    if beyond:
        axes.scatter(
            place[beyond, 0],
            place[beyond, 1],
            s=90,
            facecolors="none",
            edgecolors="black",
            zorder=4,
            label="beyond a limit",
        )
    if violations:
        axes.legend(loc="best", frameon=False)
    figure.colorbar(dots, ax=axes, label="voltage (pu)", shrink=0.7)
    figure.colorbar(
        lines,
        ax=axes,
        label="loading (%)",
        shrink=0.7,
        boundaries=np.linspace(0, limits.loading_max_percent, 101),
        ticks=np.linspace(0, limits.loading_max_percent, 6),
    )
    said = title or f"{feeder.name}: {u.min():.4f} to {u.max():.4f} pu, {len(violations)} violations"
    # A name is a name: `$` begins no formula in it, and what cannot be seen is written out.
    shown = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in said)
    axes.set_title(shown.replace("$", r"\$"), wrap=True)
    axes.set_axis_off()
    facts = {".svg": {"Date": None, "Title": shown}, ".pdf": {"CreationDate": None, "Title": shown}}
    # Text stays text, and the names of an SVG's parts are the same in every run.
    with rc_context({"svg.hashsalt": "peerwatt", "svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        figure.savefig(path, metadata=facts.get(suffix))


def coordinates(feeder: Feeder) -> Floats:
    """Where each node is drawn, `(nodes, 2)`: its coordinates, or depth and order in the tree from the
    source.
    """
    known = feeder.coordinates
    if all(name in known for name in feeder.node_names):
        return np.array([known[name] for name in feeder.node_names])
    index = {int(k): i for i, k in enumerate(feeder.data["node"]["id"])}
    beside: dict[int, list[int]] = {k: [] for k in range(len(index))}
    for a, b in _ends(feeder):
        beside[a].append(b)
        beside[b].append(a)
    root = index[int(feeder.data["source"]["node"][0])]
    depth, path, order, stack = {root: 0}, {root: root}, [], [root]
    while stack:
        node = stack.pop()
        order.append(node)
        for other in beside[node]:
            if other not in depth:
                depth[other], path[other] = depth[node] + 1, node
                stack.append(other)
    children: dict[int, list[int]] = {k: [] for k in order}
    for node in order[1:]:
        children[path[node]].append(node)
    height: dict[int, float] = {}
    row = 0.0
    for node in order:
        if not children[node]:
            height[node] = row
            row += 1.0
    for node in reversed(order):
        if children[node]:
            height[node] = sum(height[c] for c in children[node]) / len(children[node])
    return np.array([[float(depth.get(k, 0)), height.get(k, -1.0)] for k in range(len(index))])


def _ends(feeder: Feeder) -> list[tuple[int, int]]:
    """From and to node of every branch, in the order of every branch array."""
    index = {int(k): i for i, k in enumerate(feeder.data["node"]["id"])}
    found = []
    for kind in BRANCHES:
        for row in feeder.data.get(kind, ()):
            keys = ("node_1", "node_2") if kind == "three_winding_transformer" else ("from_node", "to_node")
            found.append((index[int(row[keys[0]])], index[int(row[keys[1]])]))
    return found
