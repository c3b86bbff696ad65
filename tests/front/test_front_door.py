"""`import peerwatt`: its names exist, are documented, stay callable, cost nothing until used."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import peerwatt
from peerwatt.scenario.catalogue import SHIPPED

HEAVY = {"web3", "numpy", "power_grid_model", "pydantic", "matplotlib", "eth", "highspy", "pandas", "typer"}


def python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_importing_peerwatt_loads_nothing_heavy() -> None:
    result = python(f"import sys, peerwatt; sys.exit(str(sorted({HEAVY!r} & set(sys.modules)) or 0))")
    assert (result.returncode, result.stderr) in ((0, ""), (1, "0\n"))


@pytest.mark.parametrize("name", [name for name in peerwatt.__all__ if name != "__version__"])
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(peerwatt, name))
    assert name in (peerwatt.__doc__ or "")


def test_the_public_names_are_sorted_and_listed() -> None:
    assert sorted(peerwatt.__all__) == peerwatt.__all__
    assert set(peerwatt.__all__) <= set(dir(peerwatt))
    names: dict[str, object] = {}
    exec("from peerwatt import *", names)
    assert set(peerwatt.__all__) <= set(names)


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'reply'"):
        peerwatt.reply  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize("room", ["replay", "compare"])
def test_a_room_stays_callable_whichever_import_comes_first(room: str) -> None:
    for code in (
        f"import peerwatt; assert callable(peerwatt.{room})",
        f"from peerwatt import {room}; import peerwatt.{room}.run as run; {room}.run.{room}, {room}.__call__",
        f"import peerwatt.{room}.run, peerwatt; assert callable(peerwatt.{room}); peerwatt.{room}.run.{room}",
    ):
        result = python(code)
        assert result.returncode == 0, f"{code}: {result.stderr}"


def test_a_room_shows_the_arguments_of_its_call() -> None:
    parameters = inspect.signature(peerwatt.replay).parameters
    assert list(parameters) == [
        "scenario", "chain", "days", "seed", "mechanism", "sealed", "envelope", "progress",
    ]  # fmt: skip


def test_errors_that_a_caller_catches_are_the_packages_own() -> None:
    with pytest.raises(peerwatt.InputError, match="atlantis: no such scenario"):
        peerwatt.load_scenario("atlantis")
    with pytest.raises(peerwatt.InputError, match="days is 8: scenario brooklyn-10 has 7"):
        peerwatt.replay("brooklyn-10", days=8)
    with pytest.raises(peerwatt.InputError, match="mechanism 'barter' does not run on chain"):
        peerwatt.replay("brooklyn-10", mechanism="barter")


def test_power_flow_takes_watts_by_node_name() -> None:
    feeder = peerwatt.load_feeder(SHIPPED / "brooklyn-10" / "feeder.json")
    node = "LV2.101 Bus 40"
    before, after = peerwatt.power_flow(feeder, {}), peerwatt.power_flow(feeder, {node: 30_000})
    at = feeder.node_index[node]
    assert after.u_pu[at] > before.u_pu[at]
    assert after.import_w < before.import_w
    with pytest.raises(peerwatt.InputError, match="no node named 'Elsewhere'"):
        peerwatt.power_flow(feeder, {"Elsewhere": 1})


def test_the_module_runs_as_the_command() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "peerwatt", "--version"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"peerwatt {peerwatt.__version__}\n")


def test_the_version_is_in_one_place() -> None:
    root = Path(__file__).parents[2]
    assert "\nversion = " not in (root / "pyproject.toml").read_text().split("[project.optional")[0]
    assert f"\nversion: {peerwatt.__version__}\n" in (root / "CITATION.cff").read_text()
    assert f"\n## {peerwatt.__version__} " in (root / "CHANGELOG.md").read_text()
