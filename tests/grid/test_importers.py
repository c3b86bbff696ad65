"""Feeders come in from the files their owners have, whole, and what cannot be kept is refused by name. Needs
the `grid` extra.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as cases
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.feeder_file import write_feeder
from peerwatt.grid.files.importers import read_source
from peerwatt.grid.flow.power_flow import PowerFlow

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}


def _case_text(net: Any, rating_mva: float) -> str:
    """A pandapower case as MATPOWER text: PQ buses, PV generators, lines as pi branches, one slack."""
    base_mva, omega = 100.0, 2 * np.pi * net.f_hz
    held, slack = dict(zip(net.gen.bus, net.gen.index, strict=True)), net.ext_grid.iloc[0]
    rows: dict[str, list[list[float]]] = {"bus": [], "gen": [], "branch": []}
    for bus in net.bus.index:
        load = net.load[net.load.bus == bus]
        kind = 3 if bus == slack.bus else 2 if bus in held else 1
        kv = net.bus.vn_kv[bus]
        rows["bus"].append([bus, kind, load.p_mw.sum(), load.q_mvar.sum(), 0, 0, 1, 1, 0, kv, 1, 1.1, 0.9])
    rows["gen"].append([slack.bus, 0, 0, 0, 0, slack.vm_pu, base_mva, 1])
    rows["gen"] += [[g.bus, g.p_mw, 0, 0, 0, g.vm_pu, base_mva, 1] for g in net.gen.itertuples()]
    for k in net.line.index[net.line.in_service]:
        line = net.line.loc[k]
        z = net.bus.vn_kv[line.from_bus] ** 2 / base_mva
        b = omega * line.c_nf_per_km * 1e-9 * line.length_km * z
        r, x = line.r_ohm_per_km * line.length_km / z, line.x_ohm_per_km * line.length_km / z
        rows["branch"].append([line.from_bus, line.to_bus, r, x, b, rating_mva, 0, 0, 0, 0, 1])
    tables = {
        name: "\n".join("  " + " ".join(repr(float(x)) for x in row) + ";" for row in table)
        for name, table in rows.items()
    }
    body = "\n".join(f"mpc.{name} = [\n{text}\n];" for name, text in tables.items())
    head = "function mpc = case\n% a comment with [ brackets ];\nmpc.version = '2';"
    return f"{head}\nmpc.baseMVA = {base_mva};\n{body}\n"


@pytest.mark.parametrize("name", ["case33bw", "case9"])
def test_a_matpower_case_solves_as_pandapower_solves_it(name: str, tmp_path: Path) -> None:
    net = getattr(cases, name)()
    pp.runpp(net)
    (tmp_path / f"{name}.m").write_text(_case_text(net, rating_mva=250.0))
    feeder = write_feeder(read_source(str(tmp_path / f"{name}.m"), limits=LIMITS), tmp_path / "feeder.json")
    solver = PowerFlow(feeder)
    flow = solver.solve(solver.zero())
    assert np.abs(flow.u_pu - net.res_bus.vm_pu.to_numpy()).max() < 2e-6


def test_an_unrated_matpower_branch_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "case33bw.m"
    path.write_text(_case_text(cases.case33bw(), rating_mva=0.0))
    with pytest.raises(FeederError, match=r"branch 1: 0-1 has no rating"):
        read_source(str(path), limits=LIMITS)
    feeder = feeder_from_document(read_source(str(path), limits=LIMITS, unlimited=True))
    assert PowerFlow(feeder).solve(np.zeros(33)).loading_percent.max() == 0.0


def test_pandapower_json_keeps_taps_and_open_switches(tmp_path: Path) -> None:
    net = pp.create_empty_network(name="two stations")
    high, low, far, ring = (
        pp.create_bus(net, kv, name=n) for kv, n in ((20, "h"), (0.4, "l"), (0.4, "f"), (0.4, "r"))
    )
    pp.create_ext_grid(net, high)
    pp.create_transformer(net, high, low, "0.25 MVA 20/0.4 kV", tap_pos=1)
    for a, b, name in ((low, far, "a"), (far, ring, "b"), (ring, low, "c")):
        pp.create_line(net, a, b, 0.2, "NAYY 4x150 SE", name=name)
    pp.create_switch(net, low, 2, "l", closed=False)
    pp.create_load(
        net,
        far,
        0.03,
        0.01,
        const_z_p_percent=40,
        const_i_p_percent=20,
        const_z_q_percent=40,
        const_i_q_percent=20,
    )
    net.trafo["tap_changer_type"] = "Ratio"
    pp.to_json(net, str(tmp_path / "net.json"))
    pp.runpp(net, voltage_depend_loads=True)
    feeder = feeder_from_document(
        json.loads(json.dumps(read_source(str(tmp_path / "net.json"), limits=LIMITS)))
    )
    solver = PowerFlow(feeder)
    flow = solver.solve(solver.zero())
    assert np.abs(flow.u_pu - net.res_bus.vm_pu.to_numpy()).max() < 2e-6
    assert flow.loss_w == pytest.approx(
        (net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()) * 1e6, rel=1e-4
    )


def _isolated(net: Any) -> None:
    pp.create_bus(net, 0.4, name="nowhere")


def _unrated(net: Any) -> None:
    net.line.loc[0, "max_i_ka"] = np.nan


def _ward(net: Any) -> None:
    pp.create_ward(net, 1, 0.0, 0.0, 0.1, 0.0, name="w")


@pytest.mark.parametrize(
    ("break_it", "named"),
    [
        (_isolated, "'nowhere' is isolated"),
        (_unrated, "no rated current"),
        (_ward, "ward 0 has no counterpart"),
    ],
)
def test_a_faulty_network_is_refused_by_name(tmp_path: Path, break_it: Any, named: str) -> None:
    net = cases.create_kerber_landnetz_freileitung_1()
    break_it(net)
    pp.to_json(net, str(tmp_path / "net.json"))
    with pytest.raises(FeederError, match=named):
        feeder_from_document(read_source(str(tmp_path / "net.json"), limits=LIMITS))


def test_a_source_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    for source in (
        "grid.xlsx",
        str(tmp_path / "missing.json"),
        str(tmp_path / "missing.dss"),
        "1-LV-rural9--2-sw",
    ):
        with pytest.raises(FeederError):
            read_source(source, limits=LIMITS)
