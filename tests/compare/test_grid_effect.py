"""A comparison solves the feeder as the replay does: every participant on its own phase."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from peerwatt.compare.grid_effect import FeederUnderTest
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.scenario.loading import load_scenario


def test_exports_of_one_phase_strain_the_feeder_more_than_the_same_spread_over_three() -> None:
    scenario = load_scenario("brooklyn-10")
    document: dict[str, Any] = copy.deepcopy(dict(scenario.feeder.document)) | {"phases": 3}
    for line in document["power_grid_model"]["data"]["line"]:
        line |= {"r0": 3 * line["r1"], "x0": 3 * line["x1"], "c0": line["c1"], "tan0": 0.0}
    feeder = feeder_from_document(document)
    exported = np.zeros((2, len(scenario.participants)), dtype=np.int64)
    exported[0, :4] = 700
    nothing = np.zeros_like(exported)
    effects = {}
    for phase in (0, 1):
        participants = tuple(replace(p, phase=phase) for p in scenario.participants)
        whole = replace(scenario, feeder=feeder, participants=participants)
        effects[phase] = FeederUnderTest(whole, 2).effect(nothing, exported)
    balanced = FeederUnderTest(scenario, 2).effect(nothing, exported)
    assert abs(effects[0].highest - balanced.highest) < 1e-5
    assert effects[0].violated == balanced.violated == 0
    assert effects[1].highest > effects[0].highest + 0.005
    assert effects[1].violated == 1
    assert effects[1].curtailment > 0
