"""The feeder as a picture: nodes by voltage, lines by loading, before and after the gate."""

from __future__ import annotations

import math
from html import escape

from peerwatt.record.results import FeederPicture, Limits, NodeState
from peerwatt.report import words
from peerwatt.report.charts.chart import Chart, Key, Table
from peerwatt.report.svg import Scale, label, picture, tag

WIDTH, MARGIN, HIGHEST = 480.0, 30.0, 480.0
SHADES = 6
"""Steps of the voltage colours from nominal to the limit; above it is a class of its own."""
WIDEST_LINE = 6.0
MOST_NAMED = 30
"""Beyond so many participants their names would hide the feeder; they are still in the nodes' tips."""
MOST_SPREAD, SPREAD_TO = 3.0, 0.6
"""How much a narrow feeder is spread sideways: three times at most, to three fifths of the drawing."""


def feeder_picture(feeder: FeederPicture, limits: Limits, after: bool) -> Chart:
    """One state of the feeder.

    Args:
        feeder: both states.
        limits: what is too much.
        after: what the gate let stand, or else what was cleared.
    """
    at, height = _places(feeder)
    parts = []
    for branch in feeder.branches:
        loading = branch.loading_percent_after if after else branch.loading_percent_before
        start, end = at.get(branch.from_node), at.get(branch.to_node)
        if start is None or end is None:
            continue
        width = 1 + min(loading / limits.loading_max_percent, 1.5) * (WIDEST_LINE - 1)
        over = " over" if loading > limits.loading_max_percent else ""
        parts.append(
            tag(
                "line",
                x1=start[0],
                y1=start[1],
                x2=end[0],
                y2=end[1],
                class_=f"branch{over}",
                stroke_width=width,
            )
        )
    for node in feeder.nodes:
        if node.node in at:
            parts.append(_node(node, at[node.node], limits, after))
    if sum(len(node.participants) for node in feeder.nodes) <= MOST_NAMED:
        # last, over everything else
        parts += [
            _names(node, at[node.node]) for node in feeder.nodes if node.participants and node.node in at
        ]
    name = f"The feeder {'after' if after else 'before'} the gate"
    return Chart(
        name=name,
        drawing=picture(
            WIDTH,
            height,
            "".join(parts),
            name,
            "Nodes by voltage, lines by loading; participants are named.",
        ),
        keys=(
            Key("v0", "nominal voltage or less"),
            Key(f"v{SHADES - 1}", "near the limit"),
            Key("v-over", "above the limit"),
        ),
        table=Table(
            ("node", "participants", "before (pu)", "after (pu)"),
            tuple(
                (
                    n.node,
                    ", ".join(n.participants),
                    words.pu(n.voltage_pu_before),
                    words.pu(n.voltage_pu_after),
                )
                for n in sorted(feeder.nodes, key=lambda n: -n.voltage_pu_before)
            ),
        ),
    )


def _node(node: NodeState, place: tuple[float, float], limits: Limits, after: bool) -> str:
    voltage = node.voltage_pu_after if after else node.voltage_pu_before
    who = f" ({', '.join(node.participants)})" if node.participants else ""
    tip = tag("title", escape(f"{node.node}{who}: {words.pu(voltage)} pu"))
    radius = 6.5 if node.participants else 4.0
    return tag(
        "circle", tip, cx=place[0], cy=place[1], r=radius, class_=f"node {voltage_class(voltage, limits)}"
    )


def voltage_class(voltage: float, limits: Limits) -> str:
    """The colour class of a voltage."""
    if voltage > limits.voltage_max_pu or voltage < limits.voltage_min_pu:
        return "v-over"
    part = (voltage - 1.0) / (limits.voltage_max_pu - 1.0) if limits.voltage_max_pu > 1 else 0.0
    return f"v{min(SHADES - 1, max(0, int(part * SHADES)))}"


def _names(node: NodeState, place: tuple[float, float]) -> str:
    left = place[0] > WIDTH * 0.84
    x = place[0] - 10 if left else place[0] + 10
    return label(", ".join(node.participants), x, place[1] + 4, "name halo", "end" if left else "start")


def _places(feeder: FeederPicture) -> tuple[dict[str, tuple[float, float]], float]:
    """Coordinates on the drawing. A long narrow feeder is spread sideways: it is a schema, not a map."""
    if not feeder.nodes:
        return {}, 2 * MARGIN
    ys = [n.y for n in feeder.nodes]
    shrink = math.cos(math.radians(sum(ys) / len(ys))) if all(abs(y) <= 90 for y in ys) else 1.0
    xs = [n.x * shrink for n in feeder.nodes]
    wide, tall = (max(xs) - min(xs)) or 1e-9, (max(ys) - min(ys)) or 1e-9
    unit = min((WIDTH - 2 * MARGIN) / wide, HIGHEST / tall)
    x = Scale(min(xs), max(xs), (WIDTH - wide * unit) / 2, (WIDTH + wide * unit) / 2)
    height = tall * unit + 2 * MARGIN
    y = Scale(min(ys), max(ys), height - MARGIN, MARGIN)
    spread = min(unit * MOST_SPREAD, SPREAD_TO * WIDTH / wide)
    if spread > unit:
        x = Scale(min(xs), max(xs), (WIDTH - wide * spread) / 2, (WIDTH + wide * spread) / 2)
    return {n.node: (x(n.x * shrink), y(n.y)) for n in feeder.nodes}, height
