"""CPU per state on one core: the same quarter-hours of a year in five programs, each in its fastest form.

    make bench-grid, or: .venv-bench/bin/python benchmarks/flow_engines.py [--out FILE.json]

Balanced, a SimBench low-voltage grid of 97 nodes with one injection at every node: power-grid-model
through `PowerFlow` (voltages, currents, losses), lightsim2grid's C++ time series (voltages, currents),
pandapower's time series and its `runpp`, both with numba. Three-phase, the IEEE European low-voltage feeder
of 907 nodes with 55 loads: `PowerFlow` and OpenDSS's yearly mode. Each at its own default tolerance, from
1e-10 pu (`PowerFlow`) to 1e-4 (OpenDSS). Processor time, all threads held on one core, after a first run
that compiles; the shortest of three. The programs' voltages are compared before anything is measured."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect as dss
import pandapower as pp
import pandapower.networks
import pandas as pd
import simbench
from lightsim2grid.network import init_from_pandapower
from lightsim2grid.timeSerie import TimeSeriesCPP
from numpy.typing import NDArray
from pandapower.control import ConstControl
from pandapower.timeseries import DFData, OutputWriter, run_timeseries

from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.opendss import from_opendss
from peerwatt.grid.files.importers.pandapower import from_pandapower
from peerwatt.grid.flow.power_flow import PowerFlow

CODE = "1-LV-rural2--2-no_sw"  # without switches, which lightsim2grid leaves out
LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
AGREES_PU = 2e-6
Floats = NDArray[np.float64]


def cpu_per_state(work: Callable[[], Any], states: int, repeats: int = 3) -> float:
    """The shortest processor time of some runs over their states, µs."""
    best = float("inf")
    for _ in range(repeats):
        begin = time.process_time()
        work()
        best = min(best, time.process_time() - begin)
    return 1e6 * best / states


def net_and_states(count: int) -> tuple[Any, Floats, Floats]:
    """The grid with one load at every bus, and what each draws, MW and Mvar, `(count, loads)`."""
    net = simbench.get_simbench_net(CODE)
    net.trafo["tap_changer_type"] = "Ratio"
    profiles = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)

    def by_bus(kind: str, column: str) -> Floats:
        total = np.zeros((len(net.bus), count))
        values = profiles[kind, column].to_numpy()[:count].T
        np.add.at(total, net.bus.index.get_indexer(net[kind].bus), values)
        return total.T

    drawn = by_bus("load", "p_mw") + by_bus("storage", "p_mw") - by_bus("sgen", "p_mw")
    reactive = by_bus("load", "q_mvar")
    for kind in ("load", "sgen", "storage"):
        net[kind] = net[kind].iloc[0:0]
    pp.create_loads(net, net.bus.index, p_mw=0.0, q_mvar=0.0)
    return net, np.ascontiguousarray(drawn), np.ascontiguousarray(reactive)


def balanced(count: int, slow: int) -> dict[str, float]:
    """CPU per state of the balanced programs, µs."""
    net, drawn, reactive = net_and_states(count)
    found: dict[str, float] = {}
    solver = PowerFlow(feeder_from_document(from_pandapower(net, name=CODE, limits=LIMITS, own_loads=False)))
    ours = solver.solve(-1e6 * drawn[:10], -1e6 * reactive[:10]).u_pu
    found["peerwatt (power-grid-model)"] = cpu_per_state(
        lambda: solver.solve(-1e6 * drawn, -1e6 * reactive), count
    )

    grid = init_from_pandapower(net, pp_orig_file="pandapower_v3")
    series = TimeSeriesCPP(grid)
    no_gen, no_sgen = np.zeros((count, len(grid.get_generators()))), np.zeros((count, 0))
    no_gen[:] = [g.target_p_mw for g in grid.get_generators()]
    pp.runpp(net, calculate_voltage_angles=True, numba=True)
    # from a flat start its Newton's method ends at no voltage behind a transformer of clock 5
    at_rest = net.res_bus.vm_pu * np.exp(1j * np.deg2rad(net.res_bus.va_degree))
    start = np.ascontiguousarray(at_rest.to_numpy(dtype=np.complex128))

    def lightsim() -> None:
        series.clear()
        assert series.compute_Vs(no_gen, no_sgen, drawn, reactive, start, 20, 1e-8) == 1
        series.compute_flows()

    lightsim()
    theirs = np.abs(series.get_voltages())[:10, : len(net.bus)]
    assert np.abs(theirs - ours).max() < AGREES_PU, np.abs(theirs - ours).max()
    found["lightsim2grid time series (C++)"] = cpu_per_state(lightsim, count)

    def runpp(k: int) -> None:
        net.load["p_mw"], net.load["q_mvar"] = drawn[k], reactive[k]
        pp.runpp(net, calculate_voltage_angles=True, init="results", numba=True)

    runpp(0)
    assert np.abs(net.res_bus.vm_pu.to_numpy() - ours[0]).max() < AGREES_PU
    every = np.linspace(0, count - 1, slow).astype(int)
    found["pandapower runpp (numba)"] = cpu_per_state(lambda: [runpp(int(k)) for k in every], slow)

    for column, values in (("p_mw", drawn), ("q_mvar", reactive)):
        data = DFData(pd.DataFrame(values[:slow]))
        ConstControl(
            net, "load", column, net.load.index, profile_name=list(range(len(net.load))), data_source=data
        )
    writer = OutputWriter(net, log_variables=[])
    writer.log_variable("res_bus", "vm_pu")
    writer.log_variable("res_line", "loading_percent")
    steps = range(slow)

    def run() -> None:
        run_timeseries(net, steps, verbose=False, calculate_voltage_angles=True, numba=True)

    run()
    logged = writer.output["res_bus.vm_pu"].to_numpy(dtype=np.float64)
    assert np.abs(logged[:10] - ours).max() < AGREES_PU
    found["pandapower time series (numba)"] = cpu_per_state(run, slow)
    return found


def three_phase(count: int) -> dict[str, float]:
    """CPU per state of the three-phase programs, µs."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from tests.grid.test_against_opendss import european_lv, write_dss

    net = european_lv()
    rng = np.random.default_rng(1)
    factor = rng.uniform(0.2, 1.0, count)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        master = Path(folder) / "master.dss"
        write_dss(net, master)
        feeder = feeder_from_document(from_opendss(master, limits=LIMITS))
        solver = PowerFlow(feeder, own_loads=False)
        p, q = (np.zeros((solver.nodes, 3)) for _ in range(2))
        for _, row in net.asymmetric_load.iterrows():
            node = feeder.node(f"b{row.bus}")
            for phase, letter in enumerate("abc"):
                p[node, phase] -= 1e6 * row[f"p_{letter}_mw"]
                q[node, phase] -= 1e6 * row[f"q_{letter}_mvar"]
        many = factor[:, None, None]
        engine = "circuit engine" if feeder.is_circuit else "power-grid-model"
        found[f"peerwatt ({engine})"] = cpu_per_state(lambda: solver.solve(many * p, many * q), count)
        shape = " ".join(f"{x:.6f}" for x in factor)
        text = master.read_text().replace(
            "new transformer", f"new loadshape.s npts={count} interval=1 mult=({shape})\nnew transformer", 1
        )
        master.write_text(text.replace("model=1 vminpu", "model=1 yearly=s vminpu"))
        dss.Text.Command(f'compile "{master}"')
        dss.Text.Command("set controlmode=off")

        def yearly() -> None:
            dss.Text.Command(f"set mode=yearly stepsize=1h number={count} hour=0")
            dss.Text.Command("solve")
            assert dss.Solution.Converged()

        yearly()
        last = solver.solve(factor[-1] * p, factor[-1] * q).u_pu
        dss.Circuit.SetActiveBus(feeder.node_names[-1])
        assert np.abs(np.array(dss.Bus.puVmagAngle()[0::2])[:3] - last[-1]).max() < 1e-5
        found["OpenDSS yearly mode"] = cpu_per_state(yearly, count)
    return found


def main() -> None:
    """Run everything on one core and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "flow_engines.json")
    parser.add_argument("--states", type=int, default=2928, help="balanced states of the fast programs")
    parser.add_argument(
        "--slow", type=int, default=200, help="of those that go through Python for each state"
    )
    parser.add_argument("--three-phase", type=int, default=100, help="three-phase states")
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    results: dict[str, Any] = {
        "machine": {"system": platform.system(), "python": platform.python_version(), "cores_used": 1},
        "versions": {
            name: version(name)
            for name in ("power-grid-model", "lightsim2grid", "pandapower", "numba", "opendssdirect.py")
        },
        "unit": "µs of processor time per state",
        "balanced_97_nodes": balanced(arguments.states, arguments.slow),
        "three_phase_907_nodes": three_phase(arguments.three_phase),
    }
    for table in ("balanced_97_nodes", "three_phase_907_nodes"):
        own = next(iter(results[table].values()))
        results[table] = {
            name: {"us_per_state": round(us, 1), "of_ours": round(us / own, 2)}
            for name, us in results[table].items()
        }
    arguments.out.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(json.dumps(results, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
