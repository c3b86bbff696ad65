"""The default pilot's feeder and days, with trades matched so that every interval is a cleared market."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import peerwatt
from peerwatt.grid.arrays import Floats
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.files.feeder_file import load_feeder
from peerwatt.grid.flow.exchange import Exchange
from peerwatt.grid.flow.power_flow import PowerFlow
from peerwatt.scenario.loading import load_scenario

SCENARIO = Path(peerwatt.__file__).parent / "scenarios" / "brooklyn-10"


@dataclass(frozen=True)
class Background:
    """What flows besides the market, by interval and node: W and var, generation positive."""

    p_w: Floats
    q_var: Floats


@pytest.fixture(autouse=True)
def folder() -> Iterator[None]:
    """OpenDSS moves the process to the folder of what it compiles; the next test begins where this did."""
    here = Path.cwd()
    yield
    os.chdir(here)


@pytest.fixture(scope="session")
def feeder() -> Feeder:
    return load_feeder(SCENARIO / "feeder.json")


@pytest.fixture(scope="session")
def solver(feeder: Feeder) -> PowerFlow:
    return PowerFlow(feeder)


@pytest.fixture(scope="session")
def background(feeder: Feeder) -> Background:
    scenario = load_scenario(SCENARIO)
    names = feeder.node_names
    return Background(-scenario.active.nodal(names), -scenario.reactive.nodal(names))


@pytest.fixture(scope="session")
def interval(feeder: Feeder, background: Background) -> Callable[..., Exchange]:
    """An interval of the scenario, cleared in the order of a seeded ranking of the sellers."""
    rows = list(csv.DictReader((SCENARIO / "participants.csv").open()))
    nodes = np.array([feeder.node(row["node"]) for row in rows])
    days = [
        np.loadtxt(
            SCENARIO / "profiles" / f"{row['participant']}.csv", delimiter=",", skiprows=1, usecols=(1, 2)
        )
        for row in rows
    ]

    def build(k: int, seed: int = 1) -> Exchange:
        load, pv = np.array([day[k] for day in days]).T
        net = ((pv - load) // 4).astype(np.int64)
        export, drawn = np.maximum(net, 0), np.maximum(-net, 0)
        volume = int(min(export.sum(), drawn.sum()))
        sell, buy = np.zeros_like(export), np.zeros_like(drawn)
        for side, most, order in (
            (sell, export, np.random.default_rng([seed, k]).permutation(len(net))),
            (buy, drawn, np.arange(len(net))),
        ):
            left = volume
            for i in order:
                side[i] = min(left, most[i])
                left -= int(side[i])
        return Exchange(
            900,
            range(4, 4 + len(net)),
            nodes,
            sell,
            buy,
            export,
            drawn,
            background.p_w[k],
            background.q_var[k],
        )

    return build
