"""Three phases: OpenDSS agrees on the IEEE European low-voltage feeder. Needs opendssdirect.py and
pandapower.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import opendssdirect as dss
import pandapower.networks as cases
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.opendss import from_opendss
from peerwatt.grid.flow.power_flow import PowerFlow

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}


@functools.cache
def european_lv() -> Any:
    """pandapower's network: 907 buses, 55 single-phase loads, minute 566 of the published day."""
    return cases.ieee_european_lv_asymmetric("on_peak_566")


def write_dss(net: Any, path: Path) -> None:
    """The network as an OpenDSS circuit; loads hold their power down to 0.5 pu, as in every power-flow
    program.
    """
    source, trafo = net.ext_grid.iloc[0], net.trafo.iloc[0]
    isc3 = source.s_sc_max_mva / (3**0.5 * 11.0) * 1e3
    lines = [
        "clear",
        f"new circuit.european_lv bus1=b0 basekv=11 pu={source.vm_pu} phases=3 isc3={isc3} isc1={isc3}",
        f"new transformer.t phases=3 windings=2 buses=(b{trafo.hv_bus} b{trafo.lv_bus}) conns=(delta wye) "
        f"kvs=(11 0.416) kvas=(800 800) xhl={(trafo.vk_percent**2 - trafo.vkr_percent**2) ** 0.5} "
        f"%rs=({trafo.vkr_percent / 2} {trafo.vkr_percent / 2}) %noloadloss=0 %imag=0",
    ]
    for k, row in net.line.iterrows():
        lines.append(
            f"new line.l{k} bus1=b{row.from_bus} bus2=b{row.to_bus} units=km length={row.length_km} "
            f"r1={row.r_ohm_per_km} x1={row.x_ohm_per_km} r0={row.r0_ohm_per_km} x0={row.x0_ohm_per_km} "
            f"c1=0 c0=0 normamps={row.max_i_ka * 1e3}"
        )
    for k, row in net.asymmetric_load.iterrows():
        for phase, letter in enumerate("abc", 1):
            kw, kvar = row[f"p_{letter}_mw"] * 1e3, row[f"q_{letter}_mvar"] * 1e3
            if kw:
                lines.append(
                    f"new load.d{k}{letter} phases=1 bus1=b{row.bus}.{phase} kv=0.2402 kw={kw} kvar={kvar} "
                    "model=1 vminpu=0.5 vmaxpu=1.5"
                )
    lines += ["set voltagebases=[11 0.416]", "calcvoltagebases", "set tolerance=1e-10"]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("dss") / "master.dss"
    write_dss(european_lv(), path)
    return path


@pytest.fixture(scope="module")
def imported(master: Path) -> Feeder:
    return feeder_from_document(from_opendss(master, limits=LIMITS))


def _solved_by_opendss(master: Path) -> dict[str, list[float]]:
    """Phase voltages of every bus, pu."""
    dss.Text.Command(f'compile "{master}"')
    dss.Text.Command("solve mode=snap controlmode=off")
    assert dss.Solution.Converged()
    found = {}
    for name in dss.Circuit.AllBusNames():
        dss.Circuit.SetActiveBus(name)
        found[name] = dss.Bus.puVmagAngle()[0::2]
    return found


def test_phase_voltages_and_losses_agree(master: Path, imported: Feeder) -> None:
    theirs = _solved_by_opendss(master)
    losses_w = dss.Circuit.Losses()[0]
    solver = PowerFlow(imported)
    flow = solver.solve(solver.zero())
    ours = {name: flow.u_pu[k] for k, name in enumerate(imported.node_names)}
    worst = max(float(np.abs(ours[name] - theirs[name]).max()) for name in theirs)
    assert worst < 1e-6
    assert float(np.ptp(flow.u_pu, axis=1).max()) > 5e-3  # the phases do differ
    assert float(flow.loss_w) == pytest.approx(losses_w, rel=1e-6)


def test_voltage_unbalance_agrees(master: Path, imported: Feeder) -> None:
    _solved_by_opendss(master)
    solver = PowerFlow(imported)
    flow = solver.solve(solver.zero())
    for k, name in enumerate(imported.node_names):
        dss.Circuit.SetActiveBus(name)
        _, positive, negative = dss.Bus.SeqVoltages()
        assert flow.unbalance_percent[k] == pytest.approx(100 * negative / positive, abs=2e-4)
    assert flow.unbalance_percent.max() > 0.1


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("new isource.current bus1=b5 amps=3", "Isource.current"),
        ("new generator.held bus1=b5 kv=0.416 kw=1 model=3", "Generator.held"),
        ("new load.odd phases=1 bus1=b5.1 kv=0.24 kw=1 model=6", "Load.odd"),
        ("new indmach012.motor bus1=b5 kv=0.416 kw=1", "IndMach012.motor"),
    ],
)
def test_what_has_no_counterpart_is_refused_by_name(
    master: Path, tmp_path: Path, line: str, named: str
) -> None:
    changed = tmp_path / "changed.dss"
    text = master.read_text()
    changed.write_text(text.replace("set voltagebases", line + "\nset voltagebases", 1))
    with pytest.raises(FeederError, match=named):
        from_opendss(changed, limits=LIMITS)
