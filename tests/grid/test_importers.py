"""Feeders come in from the files their owners have, whole, and what cannot be kept is refused by name. Needs
the `grid` extra.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandapower.networks as cases
import pandas as pd
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers import import_source, read_source
from peerwatt.grid.files.importers.comparison import compare
from peerwatt.grid.files.importers.pandapower import from_pandapower, read_network
from peerwatt.grid.files.importers.pandapower_engine import PandapowerEngine
from peerwatt.grid.flow.islanded import island
from peerwatt.grid.flow.power_flow import PowerFlow
from tests.grid.street import LIMITS, street, voltage_dependent


def _agrees(net: Any) -> dict[str, Any]:
    document, buses = read_network(net, name="net", limits=LIMITS)
    found = compare(document, PandapowerEngine(net, buses), states=3)
    assert found.states == 4
    assert found.agrees(), found
    return document


def _fractional_tap(net: Any) -> None:
    net.trafo["tap_pos"] = 1.5


def _tap_below_neutral(net: Any) -> None:
    net.trafo["tap_pos"] = -2


def _tap_beyond_its_range(net: Any) -> None:
    net.trafo["tap_pos"] = 9


def _missing_tap_position(net: Any) -> None:
    net.trafo["tap_pos"], net.trafo["tap_neutral"] = np.nan, 2


def _low_side_tap(net: Any) -> None:
    net.trafo["tap_side"] = "lv"


def _second_tap_changer(net: Any) -> None:
    for key in ("side", "neutral", "min", "max", "step_percent", "step_degree", "changer_type"):
        net.trafo[f"tap2_{key}"] = net.trafo[f"tap_{key}"]
    net.trafo["tap2_pos"] = -2


def _phase_shifting_tap(net: Any) -> None:
    net.trafo["tap_changer_type"], net.trafo["tap_step_degree"] = "Ideal", 1.0
    net.trafo["tap_step_percent"] = np.nan


def _tap_table(net: Any) -> None:
    rows: dict[str, Any] = {
        "id_characteristic": [0, 0],
        "step": [0, 1],
        "voltage_ratio": [1.0, 1.07],
        "angle_deg": [0.0, 2.0],
    }
    rows |= {"vk_percent": [6.0, 5.1], "vkr_percent": [1.2, 1.1]}
    net["trafo_characteristic_table"] = pd.DataFrame(rows)
    net.trafo["tap_dependency_table"] = True
    net.trafo["id_characteristic_table"] = 0


def _parallel(net: Any) -> None:
    net.trafo["parallel"], net.line["parallel"] = 3, 2


def _derated(net: Any) -> None:
    net.trafo["df"], net.line["df"] = 0.5, 0.8


def _scaled(net: Any) -> None:
    net.load["scaling"], net.sgen["scaling"] = 0.6, 1.7


def _open_switch(net: Any) -> None:
    pp.create_switch(net, 0, 1, "l", closed=False)


def _open_transformer_switch(net: Any) -> None:
    pp.create_transformer(net, 1, 2, "0.4 MVA 20/0.4 kV", name="spare", tap_pos=0)
    pp.create_switch(net, 2, 1, "t", closed=False)


def _switch_with_impedance(net: Any) -> None:
    bus = pp.create_bus(net, 0.4, name="behind")
    pp.create_switch(net, 4, bus, "b", z_ohm=0.05)
    pp.create_load(net, bus, 0.01)


def _coupled_busbars(net: Any) -> None:
    bus = pp.create_bus(net, 20, name="second busbar")
    pp.create_switch(net, 1, bus, "b")
    pp.create_load(net, bus, 2.0, 0.5)


def _impedance(net: Any) -> None:
    bus = pp.create_bus(net, 0.4)
    pp.create_impedance(
        net, 4, bus, 0.02, 0.03, 0.1, gf_pu=0.001, bf_pu=0.02, gt_pu=0.001, bt_pu=0.01, name="choke"
    )
    pp.create_load(net, bus, 0.01)


def _ward(net: Any) -> None:
    pp.create_ward(net, 3, 0.005, 0.002, 0.004, 0.001, name="w")


def _extended_ward(net: Any) -> None:
    pp.create_xward(net, 1, 0.5, 0.2, 0.1, 0.1, 0.5, 2.0, 1.01, name="x")


def _motor(net: Any) -> None:
    pp.create_motor(
        net, 2, pn_mech_mw=0.02, cos_phi=0.85, efficiency_percent=92, loading_percent=80, name="lift"
    )


def _storage(net: Any) -> None:
    pp.create_storage(net, 3, p_mw=0.008, max_e_mwh=0.02, q_mvar=0.002, scaling=0.5)


def _held_generator(net: Any) -> None:
    pp.create_gen(net, 4, p_mw=0.02, vm_pu=1.01, name="chp")
    pp.create_gen(net, 4, p_mw=0.01, vm_pu=1.01, name="chp 2")


def _slack_generator(net: Any) -> None:
    net.ext_grid["in_service"] = False
    pp.create_gen(net, 1, p_mw=0.02, vm_pu=1.03, slack=True, name="plant")


def _two_grids(net: Any) -> None:
    pp.create_ext_grid(net, 1, vm_pu=1.018, va_degree=-0.2)


def _shunt(net: Any) -> None:
    pp.create_shunt(net, 3, q_mvar=-0.01, p_mw=0.001, step=2, vn_kv=0.41, name="bank")


def _balanced_delta(net: Any) -> None:
    pp.create_asymmetric_load(net, 3, *[0.003] * 3, *[0.001] * 3, type="delta")


def _dead_spur(net: Any) -> None:
    a, b = pp.create_bus(net, 0.4, name="dead a"), pp.create_bus(net, 0.4, name="dead b")
    pp.create_line(net, a, b, 0.1, "NAYY 4x150 SE", name="dead line")
    pp.create_load(net, b, 0.01, name="dead load")
    pp.create_line(net, 4, a, 0.1, "NAYY 4x150 SE", name="to the dead")
    pp.create_switch(net, 4, int(net.line.index[-1]), "l", closed=False)


def _line_to_a_bus_out_of_service(net: Any) -> None:
    a = pp.create_bus(net, 0.4, name="off", in_service=False)
    pp.create_line(net, 4, a, 0.1, "NAYY 4x150 SE", name="to nowhere")
    pp.create_load(net, a, 0.01, name="off load")


def _three_windings(net: Any) -> None:
    high, low = pp.create_bus(net, 110), pp.create_bus(net, 10)
    net.ext_grid["bus"] = high
    pp.create_transformer3w(net, high, 0, low, "63/25/38 MVA 110/20/10 kV", tap_pos=2, name="main")
    pp.create_load(net, low, 2.0, 0.4)


def _megawatts(net: Any) -> None:
    net.load.loc[1, ["p_mw", "q_mvar"]] = 0.09, 0.03  # near the station's rating


@pytest.mark.parametrize(
    "change",
    [
        _fractional_tap,
        _tap_below_neutral,
        _tap_beyond_its_range,
        _missing_tap_position,
        _low_side_tap,
        _second_tap_changer,
        _phase_shifting_tap,
        _tap_table,
        _parallel,
        _derated,
        _scaled,
        voltage_dependent,
        _open_switch,
        _open_transformer_switch,
        _switch_with_impedance,
        _coupled_busbars,
        _impedance,
        _ward,
        _extended_ward,
        _motor,
        _storage,
        _held_generator,
        _slack_generator,
        _two_grids,
        _shunt,
        _balanced_delta,
        _dead_spur,
        _line_to_a_bus_out_of_service,
        _three_windings,
        _megawatts,
    ],
)
def test_every_kind_of_element_agrees_with_pandapower_in_every_state(change: Any) -> None:
    net = street()
    change(net)
    _agrees(net)


def test_dead_parts_are_left_out_by_name() -> None:
    net = street()
    _dead_spur(net)
    document = _agrees(net)
    assert document["left_out"] == ["dead a", "dead b", "dead line", "to the dead", "dead load"]
    assert "dead load" not in document["names"].values()


def test_a_generator_holds_its_voltage_under_injections_and_not_only_at_import() -> None:
    net = street()
    _held_generator(net)
    feeder = feeder_from_document(from_pandapower(net, name="held", limits=LIMITS))
    solver = PowerFlow(feeder)
    p = np.zeros((3, solver.nodes))
    p[:, feeder.node("e")] = [0.0, 40e3, -40e3]
    u = solver.solve(p).u_pu
    assert u[:, feeder.node("z")] == pytest.approx(1.01, abs=1e-9)
    assert np.ptp(u[:, feeder.node("l")]) > 1e-4


def test_an_outage_of_a_held_node_leaves_the_rest_held_or_free() -> None:
    net = street()
    _held_generator(net)
    pp.create_gen(net, 3, p_mw=0.01, vm_pu=1.012, name="near")
    feeder = feeder_from_document(from_pandapower(net, name="held", limits=LIMITS))
    table = feeder.data["line"].copy()
    row = [feeder.names[int(k)] for k in table["id"]].index("last")
    table["from_status"][row] = table["to_status"][row] = 0
    flow = PowerFlow(replace(feeder, data={**feeder.data, "line": table})).solve(np.zeros(5))
    assert flow.u_pu[feeder.node("z")] == 0
    assert flow.u_pu[feeder.node("e")] == pytest.approx(1.012, abs=1e-9)


def test_an_island_keeps_the_voltages_that_are_held_in_it() -> None:
    net = street()
    _held_generator(net)
    _derated(net)
    feeder = feeder_from_document(from_pandapower(net, name="held", limits=LIMITS))
    alone = island(feeder, "l", ["station"])
    assert set(alone.document["voltage_control"].values()) == {1.01}
    assert alone.document["rating_va"] == {}
    assert PowerFlow(alone).solve(np.zeros(3)).u_pu[alone.node("z")] == pytest.approx(1.01, abs=1e-9)
    assert island(feeder, "z", ["station"]).document["voltage_control"] == {}


def test_a_derated_transformer_is_loaded_against_what_it_may_carry() -> None:
    net = street()
    plain = from_pandapower(net, name="plain", limits=LIMITS)
    _derated(net)
    derated = from_pandapower(net, name="derated", limits=LIMITS)
    station = plain["power_grid_model"]["data"]["transformer"][0]["id"]
    assert derated["rating_va"] == {str(station): 125e3}
    loads = []
    for document in (plain, derated):
        feeder = feeder_from_document(document)
        solver = PowerFlow(feeder)
        at = feeder.branch_names.index("station")
        loads.append(float(solver.solve(solver.zero()).loading_percent[at]))
    assert loads[1] == pytest.approx(2 * loads[0])


def test_the_base_of_an_impedance_is_no_rating() -> None:
    net = street()
    _impedance(net)
    feeder = feeder_from_document(from_pandapower(net, name="impedance", limits=LIMITS))
    solver = PowerFlow(feeder)
    flow = solver.solve(solver.zero())
    assert flow.loading_percent[feeder.branch_names.index("choke")] == 0.0


def test_pandapower_json_keeps_taps_and_open_switches(tmp_path: Path) -> None:
    net = street()
    voltage_dependent(net)
    _open_switch(net)
    path = str(tmp_path / "net.json")
    pp.to_json(net, path)
    pp.runpp(net, voltage_depend_loads=True)
    imported = import_source(path, limits=LIMITS)
    solver = PowerFlow(feeder_from_document(json.loads(json.dumps(imported.document))))
    flow = solver.solve(solver.zero())
    assert np.abs(flow.u_pu - net.res_bus.vm_pu.to_numpy()).max() < 2e-6
    assert flow.loss_w == pytest.approx(
        (net.res_line.pl_mw.sum() + net.res_trafo.pl_mw.sum()) * 1e6, rel=1e-5
    )
    assert imported.engine is not None
    assert compare(imported.document, imported.engine).agrees()


def test_a_source_of_no_known_kind_is_refused(tmp_path: Path) -> None:
    for source in (
        "grid.xlsx",
        "grid.p",
        str(tmp_path / "missing.json"),
        str(tmp_path / "missing.dss"),
        str(tmp_path / "missing.m"),
        "1-LV-rural9--2-sw",
    ):
        with pytest.raises(FeederError, match=source):
            read_source(source, limits=LIMITS)


def test_the_european_feeder_is_refused_for_its_phases_not_imported_to_half_a_percent() -> None:
    with pytest.raises(FeederError, match="asymmetric_load 0 'LOAD1' differs by phase"):
        from_pandapower(cases.ieee_european_lv_asymmetric("on_peak_566"), name="european lv", limits=LIMITS)


def test_columns_of_the_owners_own_change_nothing() -> None:
    net = street()
    pp.create_sgen(net, net.bus.index[-1], 0.01)
    for table in ("bus", "line", "trafo", "load", "sgen"):
        net[table]["own_flag"], net[table]["own_word"], net[table]["own_number"] = True, "x", 1.5
    _agrees(net)
