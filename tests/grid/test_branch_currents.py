"""A branch is loaded by the current of its worst phase, whatever the other phases or the voltage do."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import opendssdirect as dss
import pandapower as pp
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.opendss import from_opendss
from peerwatt.grid.files.importers.pandapower import from_pandapower
from peerwatt.grid.flow.limits import find_violations
from peerwatt.grid.flow.power_flow import PowerFlow
from tests.grid.small_feeders import feeder_of, nodes, source, street, transformer

CIRCUIT = """clear
set defaultbasefrequency=50
new circuit.one_phase bus1=src basekv=11 pu=1.03 mvasc3=500 mvasc1=400
new transformer.t1 phases=3 windings=2 buses=(src, a) conns=(delta wye)
~ kvs=(11 0.4) kvas=(100 100) xhl=4 %rs=(.5 .5)
new line.l1 bus1=a bus2=b r1=0.05 x1=0.03 r0=0.1 x0=0.05 c1=10 c0=10 length=0.1 normamps=600
new load.sun bus1=b.1 phases=1 kv=0.2309401 kw=-80 kvar=0 model=1 vminpu=0.5 vmaxpu=1.5
set voltagebases=[11 .4]
calcvoltagebases
set tolerance=1e-10
"""


def test_the_amperes_of_each_phase_are_those_of_opendss_and_one_phase_overloads_a_transformer(
    tmp_path: Path,
) -> None:
    master = tmp_path / "one_phase.dss"
    master.write_text(CIRCUIT)
    limits = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
    feeder = feeder_from_document(from_opendss(master, limits=limits))
    dss.Text.Command(f'compile "{master}"')
    dss.Text.Command("solve mode=snap controlmode=off")
    solver = PowerFlow(feeder)
    flow = solver.solve(solver.zero())
    for name in ("line.l1", "transformer.t1"):
        dss.Circuit.SetActiveElement(name)
        theirs = np.array(dss.CktElement.CurrentsMagAng()[0::2])
        conductors = len(theirs) // 2
        k = feeder.branch_names.index(name)
        for end in (0, 1):
            there = theirs[end * conductors : end * conductors + 3]
            np.testing.assert_allclose(flow.current_a[k, end], there, rtol=1e-4, atol=0.01)
    (found,) = (v for v in find_violations(feeder, flow) if v.quantity == "overload")
    assert found.element == "transformer.t1"
    rated = 100e3 / 3**0.5 / 400
    assert found.value == pytest.approx(100 * flow.current_a[1].max() / rated, rel=1e-6)
    assert found.value > 220


def test_a_transformer_is_loaded_by_current_as_pandapower_says_where_the_voltage_is_off_nominal() -> None:
    net = pp.create_empty_network()
    a, b = pp.create_bus(net, 20.0), pp.create_bus(net, 0.4)
    pp.create_ext_grid(net, a, vm_pu=0.93)
    pp.create_transformer(net, a, b, "0.25 MVA 20/0.4 kV")
    pp.create_load(net, b, 0.22, 0.05)
    pp.runpp(net, calculate_voltage_angles=True)
    limits = {"v_min_pu": 0.8, "v_max_pu": 1.1, "loading_max_percent": 100.0}
    solver = PowerFlow(feeder_from_document(from_pandapower(net, name="low", limits=limits)))
    loading = solver.solve(solver.zero()).loading_percent
    assert loading[0] == pytest.approx(net.res_trafo.loading_percent[0], rel=1e-5)
    power = float(np.hypot(net.res_trafo.p_hv_mw[0], net.res_trafo.q_hv_mvar[0])) / 0.25 * 100
    assert loading[0] > power + 5


def test_a_delta_between_two_phases_carries_more_than_its_lines() -> None:
    data = {"node": nodes(11e3, 400), "source": [source(1)]}
    data["transformer"] = [transformer(100e3, windings=(2, 2), clock=0)]
    solver = PowerFlow(feeder_of("delta delta", data))
    p = np.zeros((2, 3))
    p[1] = [-30e3, -30e3, 0.0]
    q = np.zeros((2, 3))
    q[1] = [-30e3 / 3**0.5, 30e3 / 3**0.5, 0.0]  # one load between phases a and b
    flow = solver.solve(p, q)
    lines = flow.current_a[0, 1] / (100e3 / 3**0.5 / 400) * 100
    assert lines[:2] == pytest.approx([lines[0]] * 2, rel=0.05)
    assert flow.loading_percent[0] == pytest.approx(2 / 3**0.5 * lines[:2].mean(), rel=0.02)


def test_a_stated_rating_counts_and_an_impedances_base_does_not() -> None:
    document = copy.deepcopy(dict(street().document))
    p = np.zeros((4, 3))
    p[3, 0] = 30e3
    plain = PowerFlow(feeder_from_document(document)).solve(p)
    document["rating_va"] = {"800": 0.8 * 400e3}
    derated = PowerFlow(feeder_from_document(document)).solve(p)
    assert derated.loading_percent[-1] == pytest.approx(plain.loading_percent[-1] / 0.8)
    np.testing.assert_array_equal(derated.u_pu, plain.u_pu)
    document["rating_va"] = {"800": None}
    assert PowerFlow(feeder_from_document(document)).solve(p).loading_percent[-1] == 0.0


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("800", -1, "rating_va of 800 is -1, must be a positive number, or null"),
        ("800", "big", "rating_va of 800 is 'big'"),
        ("10", 1e3, "id '10', which is no transformer or generic branch"),
        ("x", 1e3, "id 'x', which is no transformer"),
    ],
)
def test_a_rating_that_cannot_be_is_refused(key: str, value: object, said: str) -> None:
    document = copy.deepcopy(dict(street().document)) | {"rating_va": {key: value}}
    with pytest.raises(FeederError, match=said):
        feeder_from_document(document)
