"""System strength of a scenario: the short-circuit ratio at each inverter's node, against its minimum."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.system_strength import Strength, check_strength, states_upstream
from peerwatt.scenario.participants import Participant
from peerwatt.scenario.scenario_file import problem_at
from peerwatt.scenario.schema import ScenarioFile
from peerwatt.tables.problems import Problem
from peerwatt.units import KILO, MEGA

SECTION = "system_strength"
MINIMUM = "minimum_short_circuit_ratio"
UPSTREAM = "upstream_short_circuit_mva"


def strength_at_inverters(
    path: Path,
    parsed: ScenarioFile,
    feeder: Feeder,
    participants: Sequence[Participant],
    problems: list[Problem],
) -> tuple[Strength, ...]:
    """Check the nodes with participants' inverters.

    Args:
        path: the scenario file, for errors.
        parsed: states the minimum, and the strength of the grid above where the feeder does not.
        feeder: that they share.
        participants: with their inverters' rated power.
        problems: one for every node that is too weak is appended here.

    Returns:
        Weakest first; empty where no minimum is stated or nothing can be checked.
    """
    stated = parsed.system_strength
    minimum, upstream = stated.minimum_short_circuit_ratio, stated.upstream_short_circuit_mva
    if minimum is None:
        return ()
    if upstream is None and not states_upstream(feeder):
        message = f"{feeder.name} does not state how strong the grid above it is; add {UPSTREAM}"
        problems.append(problem_at(path, (SECTION, MINIMUM), message))
        return ()
    owners = [participant for participant in participants if participant.inverter_va]
    try:
        found = check_strength(
            feeder,
            np.array([feeder.node(participant.node) for participant in owners], dtype=np.int64),
            np.array([participant.inverter_va for participant in owners], dtype=np.float64),
            float(minimum),
            None if upstream is None else float(upstream) * MEGA,
        )
    except FeederError as error:
        problems.append(problem_at(path, (SECTION, MINIMUM), str(error)))
        return ()
    for strength in found:
        if strength.weak:
            names = ", ".join(participant.name for participant in owners if participant.node == strength.node)
            problems.append(problem_at(path, (SECTION, MINIMUM), _too_weak(strength, names)))
    return found


def _too_weak(strength: Strength, names: str) -> str:
    return (
        f"the short-circuit ratio at {strength.node} is {strength.ratio:.2f}, below the minimum of "
        f"{strength.minimum:g}: {strength.short_circuit_va / MEGA:.3f} MVA for "
        f"{strength.rating_va / KILO:g} kVA of inverters of {names}; lower their inverter_kva or pv_kwp, "
        "strengthen the feeder, or state another minimum"
    )
