"""The feeder in the interval that strained it most, before and after the gate."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.flow.limits import highest_u_pu
from peerwatt.record.feeder_picture import BranchState, FeederPicture, NodeState
from peerwatt.record.replayed import Replayed


def feeder_picture(replayed: Replayed) -> FeederPicture | None:
    """The picture of the interval with the highest voltage before the gate; None without coordinates."""
    feeder = replayed.scenario.feeder
    if not feeder.coordinates:
        return None
    judged = [(log, log.judgement.grid) for log in replayed.logs if log.judgement is not None]
    log, grid = max(judged, key=lambda pair: float(np.max(pair[1].before.u_pu)))
    homes: dict[str, list[str]] = defaultdict(list)
    for home in replayed.scenario.participants:
        homes[home.node].append(home.name)
    before, after = (
        highest_u_pu(grid.before, feeder.three_phase),
        highest_u_pu(grid.after, feeder.three_phase),
    )
    nodes = tuple(
        NodeState(name, *feeder.coordinates[name], float(before[k]), float(after[k]), tuple(homes[name]))
        for k, name in enumerate(feeder.node_names)
        if name in feeder.coordinates
    )
    branches = tuple(
        BranchState(name, *ends, float(grid.before.loading_percent[k]), float(grid.after.loading_percent[k]))
        for k, (name, ends) in enumerate(zip(feeder.branch_names, _ends(feeder), strict=True))
        if all(end in feeder.coordinates for end in ends)
    )
    return FeederPicture(log.slot, nodes, branches)


def _ends(feeder: Feeder) -> list[tuple[str, str]]:
    """The two nodes of every branch, in the order of `branch_names`."""
    return [
        (feeder.names[int(row["from_node"])], feeder.names[int(row["to_node"])])
        if "from_node" in (feeder.data[kind].dtype.names or ())
        else (feeder.names[int(row["node_1"])], feeder.names[int(row["node_2"])])
        for kind in BRANCHES
        if kind in feeder.data
        for row in feeder.data[kind]
    ]
