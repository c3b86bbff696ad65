"""A MATPOWER case as its file states it: three checked tables. Needs `tree-sitter-matlab`.

Follows the case format's manual, version 2. What a power flow does not read (costs, limits of an optimal
power flow, names) is left aside; anything else is refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.matlab_expressions import ScriptError
from peerwatt.grid.files.importers.matlab_script import run_case
from peerwatt.grid.files.importers.matlab_values import Cells

BUS_PQ, BUS_PV, BUS_SLACK, BUS_ISOLATED = 1, 2, 3, 4
_LARGEST_BYTES = 50_000_000
# What an optimal power flow reads and a power flow does not, and texts.
_NEUTRAL = {
    "version",
    "baseMVA",
    "bus",
    "gen",
    "branch",
    "gencost",
    "areas",
    "bus_name",
    "gentype",
    "genfuel",
}
_NEUTRAL |= {"A", "l", "u", "N", "fparm", "H", "Cw", "z0", "zl", "zu", "if", "reserves", "softlims"}
_BUS = ("bus_i", "type", "Pd", "Qd", "Gs", "Bs", "area", "Vm", "Va", "baseKV")
_GEN = ("bus", "Pg", "Qg", "Qmax", "Qmin", "Vg", "mBase", "status")
_BRANCH = ("fbus", "tbus", "r", "x", "b", "rateA", "rateB", "rateC", "ratio", "angle", "status")
_UNREAD = {"area", "Vm", "Qmax", "Qmin", "mBase", "rateA", "rateB", "rateC"}  # may be Inf or NaN


@dataclass(frozen=True)
class Case:
    """The tables of one case, `(rows, columns)`, columns as in the format's manual.

    Attributes:
        base_mva: Base power of the per-unit values, MVA.
        bus: One row per bus.
        gen: One row per generator.
        branch: One row per branch.
    """

    base_mva: float
    bus: Floats
    gen: Floats
    branch: Floats


def read_case(path: str | Path) -> Case:
    """Execute a case file and check its tables.

    Args:
        path: The `.m` file.

    Raises:
        FeederError: The file cannot be read, or a statement, field or row is unusable; named.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FeederError(f"{path}: no such MATPOWER case") from None
    except OSError as error:
        raise FeederError(f"{path}: {error.strerror}") from None
    if len(content) > _LARGEST_BYTES:
        raise FeederError(f"{path}: {len(content)} bytes; a case has at most {_LARGEST_BYTES}")
    text = (
        content.decode("utf-8", errors="replace").lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    )
    try:
        fields = run_case(text)
    except ScriptError as error:
        raise FeederError(f"{path}: {error}") from None
    version = fields.get("version")
    if str(version if isinstance(version, str) else _number(version)) not in ("2", "2.0"):
        raise FeederError(f"{path}: mpc.version is not '2'; save the case with MATPOWER's savecase")
    for name, value in fields.items():
        _check_field(name, value, path)
    base = _number(fields.get("baseMVA"))
    if not (base is not None and np.isfinite(base) and base > 0):
        raise FeederError(f"{path}: mpc.baseMVA is missing or no positive number")
    bus, gen, branch = (
        _table(fields, name, columns, path)
        for name, columns in (("bus", _BUS), ("gen", _GEN), ("branch", _BRANCH))
    )
    _check_buses(bus, path)
    _check_ends(bus, gen, "gen", (0,), path)
    _check_ends(bus, branch, "branch", (0, 1), path)
    odd = np.flatnonzero(~np.isin(branch[:, 10], (0, 1)))
    if len(odd):
        raise FeederError(f"{path}: {_row('branch', odd[0])}: status {branch[odd[0], 10]:g}")
    return Case(base, bus, gen, branch)


def _check_field(name: str, value: Any, path: Path) -> None:
    if name == "dcline":
        rows = np.asarray(value, dtype=np.float64) if not isinstance(value, str | Cells | dict) else None
        if rows is None or (rows.size and (rows.shape[1] < 3 or rows[:, 2].any())):
            raise FeederError(f"{path}: mpc.dcline has a line in service; direct current is not solved")
    elif name not in _NEUTRAL and not isinstance(value, str | Cells) and np.size(value):
        raise FeederError(f"{path}: mpc.{name} is not known here; delete it if no power flows by it")


def _table(fields: Mapping[str, Any], name: str, columns: Sequence[str], path: Path) -> Floats:
    value = fields.get(name)
    if value is None or isinstance(value, str | Cells | dict):
        raise FeederError(f"{path}: mpc.{name} is missing")
    table = np.asarray(value, dtype=np.float64)
    if not table.size:
        if name == "branch":
            raise FeederError(f"{path}: mpc.branch is empty; a feeder has at least one branch")
        raise FeederError(f"{path}: mpc.{name} is empty")
    if table.shape[1] < len(columns):
        raise FeederError(f"{path}: mpc.{name} has {table.shape[1]} columns, needs {len(columns)}")
    read = [k for k, column in enumerate(columns) if column not in _UNREAD]
    bad = np.argwhere(~np.isfinite(table[:, read]))
    if len(bad):
        row, k = bad[0][0], read[bad[0][1]]
        raise FeederError(f"{path}: {_row(name, row)}: {columns[k]} is {table[row, k]:g}, must be a number")
    return table


def _check_buses(bus: Floats, path: Path) -> None:
    seen: set[float] = set()
    for k, (number, kind) in enumerate(bus[:, :2]):
        if number != int(number) or number < 0:
            raise FeederError(f"{path}: {_row('bus', k)}: bus number {number:g} is no whole number")
        if number in seen:
            raise FeederError(f"{path}: {_row('bus', k)}: bus {number:g} is there twice")
        if kind not in (BUS_PQ, BUS_PV, BUS_SLACK, BUS_ISOLATED):
            raise FeederError(f"{path}: {_row('bus', k)}: bus {number:g} is of type {kind:g}, not 1 to 4")
        if kind != BUS_ISOLATED and not bus[k, 9] > 0:
            raise FeederError(f"{path}: bus {number:g} has no base voltage (baseKV)")
        seen.add(number)


def _check_ends(bus: Floats, table: Floats, name: str, columns: Sequence[int], path: Path) -> None:
    for column in columns:
        unknown = np.flatnonzero(~np.isin(table[:, column], bus[:, 0]))
        if len(unknown):
            k = unknown[0]
            raise FeederError(f"{path}: {_row(name, k)}: bus {table[k, column]:g} is not in mpc.bus")


def _row(name: str, k: Any) -> str:
    return f"mpc.{name}, row {int(k) + 1}"


def _number(value: Any) -> float | None:
    if value is None or isinstance(value, str | Cells | dict):
        return None
    array = np.asarray(value, dtype=np.float64)
    return float(array.ravel()[0]) if array.size == 1 else None
