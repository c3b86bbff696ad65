"""`peerwatt grid import` compares with the file's own engine, says the difference, and writes nothing that
differs. Files cannot make it do anything else. Needs the `grid` extra.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pandapower as pp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from peerwatt.cli.grid import app
from peerwatt.grid.errors import FeederError, FlowError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.feeder_file import load_feeder
from peerwatt.grid.files.importers import read_source
from peerwatt.grid.files.importers.comparison import Comparison
from peerwatt.grid.files.importers.pandapower_file import load_pandapower
from peerwatt.grid.flow.power_flow import PowerFlow

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}


def _network() -> Any:
    net = pp.create_empty_network(name="two homes")
    high, low, end = (pp.create_bus(net, kv, name=n) for kv, n in ((20, "h"), (0.4, "l"), (0.4, "e")))
    pp.create_ext_grid(net, high)
    pp.create_transformer(net, high, low, "0.25 MVA 20/0.4 kV", name="station")
    pp.create_line(net, low, end, 0.2, "NAYY 4x150 SE", name="street")
    pp.create_load(net, end, 0.03, 0.01, name="home")
    return net


@pytest.fixture
def file(tmp_path: Path) -> Path:
    net = _network()
    spur = pp.create_bus(net, 0.4, name="spur")
    pp.create_load(net, spur, 0.01, name="nobody")
    pp.to_json(net, str(tmp_path / "net.json"))
    return tmp_path / "net.json"


def _import(source: Path, *more: str, code: int = 0) -> str:
    arguments = ["import", str(source), "--out", str(source.parent / "feeder.json"), "--v-min", "0.9"]
    result = CliRunner().invoke(app, [*arguments, "--v-max", "1.1", *more], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.stdout


def test_the_largest_difference_from_pandapower_is_printed(file: Path) -> None:
    said = _import(file)
    assert f"pandapower {pp.__version__}: voltages within" in said
    assert "in 3 states" in said
    assert "left out, because nothing supplies them: spur, nobody" in said
    assert load_feeder(file.parent / "feeder.json").node_names == ("h", "l", "e")


def test_the_comparison_is_json_too(file: Path) -> None:
    found = json.loads(_import(file, "--json"))
    assert found["left_out"] == ["spur", "nobody"]
    assert found["comparison"]["engine"] == f"pandapower {pp.__version__}"
    assert 0 <= found["comparison"]["voltage_pu"] < 2e-6
    assert found["comparison"]["node"] in ("h", "l", "e")


def test_what_differs_is_not_written_unless_told_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The only way to a wrong import here: pandapower solves another network than the one that was read.
    from peerwatt.grid.files.importers import pandapower_engine as module

    real = module.PandapowerEngine.solve

    def other(self: Any, p_w: Any, q_var: Any) -> Any:
        u, loss = real(self, p_w, q_var)
        return u + 1e-4, loss

    monkeypatch.setattr(module.PandapowerEngine, "solve", other)
    with pytest.raises(
        FeederError, match=r"not imported: compared with pandapower .* it differs by 1\.0e-04 pu at '\w'"
    ):
        _import(file)
    assert not (file.parent / "feeder.json").exists()
    _import(file, "--tolerance", "1e-3")
    assert (file.parent / "feeder.json").exists()


def test_losses_count_in_the_comparison() -> None:
    assert Comparison("engine", 3, 1e-6, "n", 9e-6).agrees()
    assert not Comparison("engine", 3, 1e-6, "n", 2e-5).agrees()
    assert not Comparison("engine", 3, 3e-6, "n", 0.0).agrees()
    assert not Comparison("engine", 3, float("nan"), "n", 0.0).agrees()


def _stored(tmp_path: Path) -> dict[str, Any]:
    pp.to_json(_network(), str(tmp_path / "plain.json"))
    return dict(json.loads((tmp_path / "plain.json").read_text()))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("owned", "function"),
        ("os", "function"),
        ("subprocess", "Popen"),
        ("builtins", "eval"),
        ("pathlib", "Path"),
        ("pandapower.timeseries.output_writer", "OutputWriter"),
        ("pandapower.io_utils", "JSONSerializableClass"),
        ("geopandas.geodataframe", "GeoDataFrame"),
    ],
)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_file_that_names_another_class_is_refused_before_anything_is_imported(
    tmp_path: Path, module: str, name: str, hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "owned.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    stored = _stored(tmp_path)
    planted: Any = {"_module": module, "_class": name, "_object": "x"}
    stored["_object"]["extra"] = json.dumps(json.dumps(planted))[1:-1].encode().decode("unicode_escape")
    if not hidden:
        stored["_object"]["extra"] = planted
    path = tmp_path / "planted.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(FeederError, match=r"planted\.json: holds an object of"):
        load_pandapower(path)
    assert "owned" not in sys.modules
    assert not (tmp_path / "trace").exists()


def test_a_stored_controller_is_refused_by_name(tmp_path: Path) -> None:
    net = _network()
    pp.control.DiscreteTapControl(net, 0, 0.99, 1.01)
    pp.to_json(net, str(tmp_path / "net.json"))
    with pytest.raises(FeederError, match="holds a controller, DiscreteTapControl"):
        load_pandapower(tmp_path / "net.json")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mangled_network_gives_a_feeder_or_one_line(
    tmp_path: Path, data: st.DataObject, capfd: pytest.CaptureFixture[str]
) -> None:
    text = json.dumps(_stored(tmp_path)).encode()
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text) - 1))
        length = data.draw(st.sampled_from([0, 1, 1, 2, 8]))
        new = data.draw(
            st.binary(max_size=2)
            | st.sampled_from([b"null", b"0", b"-1", b"1e9", b"NaN", b'"', b"true", b"{}"])
        )
        text = text[:at] + new + text[at + length :]
    path = tmp_path / "mangled.json"
    path.write_bytes(text)
    try:
        solver = PowerFlow(feeder_from_document(read_source(str(path), limits=LIMITS), str(path)))
        solver.solve(solver.zero())
    except (FeederError, FlowError) as refusal:
        said = str(refusal)
    else:
        said = "a feeder"
    assert len(said.splitlines()) == 1
    assert set(os.listdir(tmp_path)) == {"plain.json", "mangled.json"}
    assert capfd.readouterr() == ("", "")


VALUES = st.sampled_from([None, float("nan"), float("inf"), 0.0, -1.0, 1e-12, 1e12, 2, "x", True])
TABLES = ("bus", "line", "trafo", "load", "ext_grid")


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_cell_of_any_kind_gives_a_feeder_that_agrees_or_one_line(
    tmp_path: Path, data: st.DataObject, capfd: pytest.CaptureFixture[str]
) -> None:
    from peerwatt.grid.files.importers.comparison import compare
    from peerwatt.grid.files.importers.pandapower import read_network
    from peerwatt.grid.files.importers.pandapower_engine import PandapowerEngine

    net = _network()
    table = data.draw(st.sampled_from(TABLES))
    column = data.draw(st.sampled_from(sorted(net[table].columns)))
    net[table][column] = net[table][column].astype(object)
    net[table].loc[0, column] = data.draw(VALUES)
    try:
        document, buses = read_network(net, name="odd", limits=LIMITS)
        found = compare(document, PandapowerEngine(net, buses), states=1)
        assert found.agrees(), (table, column, net[table].loc[0, column], found)
    except (FeederError, FlowError) as refusal:
        said = str(refusal)
    else:
        said = "a feeder"
    assert len(said.splitlines()) == 1
    assert capfd.readouterr() == ("", "")
