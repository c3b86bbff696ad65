"""Which tables of a pandapower network are represented, which enter no power flow, and which are refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from pandapower.network_structure import get_structure_dict

from peerwatt.grid.errors import FeederError

_REPRESENTED = {
    "bus",
    "line",
    "switch",
    "ext_grid",
    "load",
    "sgen",
    "storage",
    "gen",
    "motor",
    "ward",
    "xward",
}
_REPRESENTED |= {"trafo", "trafo3w", "impedance", "shunt", "asymmetric_load", "asymmetric_sgen"}
_NEUTRAL = {"poly_cost", "pwl_cost", "measurement", "group", "bus_geodata", "line_geodata"}
# Read at the tap position of the file, through pandapower's own branch values.
_NEUTRAL |= {"characteristic", "trafo_characteristic_table", "trafo_characteristic_spline"}
_NEUTRAL |= {"shunt_characteristic_table", "q_capability_characteristic", "q_capability_curve_table"}


def check_tables(net: Any, name: str) -> None:
    """Refuse what has no counterpart: elements of other tables in service, and controllers.

    Args:
        net: The pandapower network.
        name: Named in errors.

    Raises:
        FeederError: Names the table and its first element.
    """
    for kind in sorted(_REPRESENTED - {"switch"}):
        table = net[kind]
        for k in table.index[~table.in_service.isin([True, False])]:
            what = f"{name}: {label(kind, k, table.loc[k])}"
            raise FeederError(f"{what}: in_service is {table.in_service[k]}, must be true or false")
    for kind in get_structure_dict():
        table = net.get(kind)
        if (
            kind in _REPRESENTED | _NEUTRAL
            or kind.startswith(("_", "res_"))
            or not isinstance(table, pd.DataFrame)
        ):
            continue
        used = table[table.in_service.astype(bool)] if "in_service" in table else table
        if not len(used):
            continue
        if kind == "controller":
            what = type(used.object.iloc[0]).__name__
            raise FeederError(
                f"{name}: controller {used.index[0]} ({what}) would change the network after the import; "
                "remove it or take it out of service"
            )
        raise FeederError(
            f"{name}: {label(kind, used.index[0], used.iloc[0])} has no counterpart here; replace it"
        )
    for kind in ("asymmetric_load", "asymmetric_sgen"):
        _check_balanced(net[kind], kind, name)
    _check_untyped_taps(net, name)
    _check_numbers(net, name)
    _check_switches(net, name)
    for k, row in net.trafo[net.trafo.in_service.astype(bool)].iterrows():
        what = f"{name}: {label('trafo', k, row)}"
        if not (
            row.sn_mva > 0 and row.vn_hv_kv > 0 and row.vn_lv_kv > 0 and row.df > 0 and row.parallel >= 1
        ):
            raise FeederError(f"{what}: sn_mva, vn_hv_kv, vn_lv_kv, df and parallel must be positive")
        if abs(row.vkr_percent) > abs(row.vk_percent):
            raise FeederError(
                f"{what}: vkr_percent {row.vkr_percent:g} exceeds vk_percent {row.vk_percent:g}"
            )


def label(kind: str, index: Any, row: Any) -> str:
    """An element as its owner knows it: `trafo 3 'West'`."""
    own = row.get("name")
    return f"{kind} {index} {own!r}" if isinstance(own, str) and own else f"{kind} {index}"


def _check_balanced(table: Any, kind: str, name: str) -> None:
    """Three equal phases are one balanced load, wye or delta; anything else is no matter of this importer."""
    for k, row in table[table.in_service.astype(bool)].iterrows():
        p, q = ([row[f"{x}_{phase}_{unit}"] for phase in "abc"] for x, unit in (("p", "mw"), ("q", "mvar")))
        if len(set(p)) > 1 or len(set(q)) > 1:
            raise FeederError(
                f"{name}: {label(kind, k, row)} differs by phase; pandapower's unbalanced flow has a "
                "source that the feeder file cannot state; import three-phase feeders from OpenDSS"
            )


def _check_untyped_taps(net: Any, name: str) -> None:
    """pandapower 3 ignores a tap position without a type of tap changer; what is meant cannot be known."""
    for kind in ("trafo", "trafo3w"):
        table = net[kind]
        for tap in ("tap", "tap2"):
            if f"{tap}_pos" not in table or f"{tap}_changer_type" not in table:
                continue
            for k, row in table[table.in_service.astype(bool)].iterrows():
                away = _number(row[f"{tap}_pos"]) - _number(row.get(f"{tap}_neutral"))
                step = [_number(row.get(f"{tap}_step_{unit}")) for unit in ("percent", "degree")]
                moves = away != 0 and np.isfinite(away) and any(x != 0 and np.isfinite(x) for x in step)
                table_used = tap == "tap" and row.get("tap_dependency_table") is True
                if (
                    moves
                    and not table_used
                    and row[f"{tap}_changer_type"] not in ("Ratio", "Symmetrical", "Ideal")
                ):
                    raise FeederError(
                        f"{name}: {label(kind, k, row)}: {tap}_pos {row[f'{tap}_pos']:g} but no "
                        f"{tap}_changer_type, so that pandapower ignores it; set the type ('Ratio') or the "
                        "neutral position"
                    )


def _check_numbers(net: Any, name: str) -> None:
    """Every number that a power flow reads is one."""
    columns = {
        "bus": ("vn_kv",),
        "line": (
            "length_km",
            "r_ohm_per_km",
            "x_ohm_per_km",
            "c_nf_per_km",
            "g_us_per_km",
            "max_i_ka",
            "df",
            "parallel",
        ),
        "ext_grid": ("vm_pu", "va_degree"),
        "load": ("p_mw", "q_mvar", "scaling"),
        "sgen": ("p_mw", "q_mvar", "scaling"),
        "storage": ("p_mw", "q_mvar", "scaling"),
        "gen": ("p_mw", "vm_pu", "scaling"),
        "shunt": ("p_mw", "q_mvar", "step"),
        "ward": ("ps_mw", "qs_mvar", "pz_mw", "qz_mvar"),
        "xward": ("ps_mw", "qs_mvar", "pz_mw", "qz_mvar", "r_ohm", "x_ohm", "vm_pu"),
        "motor": ("pn_mech_mw", "efficiency_percent", "loading_percent", "scaling", "cos_phi"),
        "trafo": (
            "sn_mva",
            "vn_hv_kv",
            "vn_lv_kv",
            "vk_percent",
            "vkr_percent",
            "pfe_kw",
            "i0_percent",
            "parallel",
            "df",
        ),
        "impedance": ("sn_mva", "rft_pu", "xft_pu", "rtf_pu", "xtf_pu"),
    }
    for kind, wanted in columns.items():
        table = net[kind]
        used = table[table.in_service.astype(bool)]
        for column in wanted:
            if not len(used):
                continue
            if column not in used:
                raise FeederError(f"{name}: table {kind} has no column {column}")
            bad = [k for k, x in used[column].items() if not np.isfinite(_number(x))]
            if bad:
                raise FeederError(
                    f"{name}: {label(kind, bad[0], used.loc[bad[0]])}: {column} is {used[column][bad[0]]}, "
                    "must be a number"
                )


def _check_switches(net: Any, name: str) -> None:
    """Every switch is at an end of what it switches; pandapower opens some end of it otherwise."""
    ends: dict[str, tuple[str, tuple[str, ...]]] = {
        "l": ("line", ("from_bus", "to_bus")),
        "t": ("trafo", ("hv_bus", "lv_bus")),
        "t3": ("trafo3w", ("hv_bus", "mv_bus", "lv_bus")),
    }
    for k, row in net.switch.iterrows():
        what = f"{name}: {label('switch', k, row)}"
        if row.closed not in (True, False):
            raise FeederError(f"{what}: closed is {row.closed!r}, must be true or false")
        if row.et == "b":
            known = row.bus in net.bus.index and row.element in net.bus.index and row.bus != row.element
        elif row.et in ends:
            kind, columns = ends[row.et]
            table = net[kind]
            known = row.element in table.index and row.bus in [table[c][row.element] for c in columns]
        else:
            raise FeederError(f"{what}: et is {row.et!r}, must be b, l, t or t3")
        if not known:
            raise FeederError(f"{what}: bus {row.bus} is no end of {row.et} {row.element}")


def _number(value: Any) -> float:
    if value is None or value is pd.NA or isinstance(value, str):
        return float("nan")
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")
