"""Lines, transformers and impedances of a pandapower network as power-grid-model rows."""

from __future__ import annotations

import math
from typing import Any, Protocol

from peerwatt.grid.errors import FeederError
from peerwatt.units import KILO, MEGA, PERCENT


class Ids(Protocol):
    """Gives ids to elements and knows those of the nodes."""

    def new(self, kind: str, index: Any, name: Any) -> int:
        """A fresh id for an element, under its name."""
        ...

    def node(self, bus: Any) -> int:
        """The id of a bus."""
        ...

    def of(self, kind: str, index: Any) -> int:
        """The id of any element."""
        ...


def _status(net: Any, kind: str, index: Any, bus: Any) -> int:
    """1 unless a switch between this bus and this end of the element is open."""
    at = net.switch[(net.switch.et == kind) & (net.switch.element == index) & (net.switch.bus == bus)]
    return int(at.closed.all())


def _value(row: Any, key: str, default: float) -> float:
    value = row.get(key, default)
    return default if value is None or (isinstance(value, float) and math.isnan(value)) else float(value)


def line(net: Any, k: Any, ids: Ids) -> dict[str, Any]:
    """One line; parallel conductors as one of their joint impedance and rating."""
    row = net.line.loc[k]
    n, length = row.parallel, row.length_km
    omega = 2 * math.pi * net.f_hz
    c = row.c_nf_per_km * 1e-9 * length * n
    g = _value(row, "g_us_per_km", 0.0) * 1e-6 * length * n
    rating = row.max_i_ka * row.df * n * KILO
    if not rating > 0:
        raise FeederError(f"line {row['name']!r}: no rated current max_i_ka")
    element = {
        "id": ids.new("line", k, row["name"]),
        "from_node": ids.node(row.from_bus),
        "to_node": ids.node(row.to_bus),
        "from_status": _status(net, "l", k, row.from_bus),
        "to_status": _status(net, "l", k, row.to_bus),
        "r1": row.r_ohm_per_km * length / n,
        "x1": row.x_ohm_per_km * length / n,
        "c1": c,
        "tan1": g / (omega * c) if c > 0 else 0.0,
        "i_n": rating,
    }
    r0, x0 = (_value(row, key, math.nan) for key in ("r0_ohm_per_km", "x0_ohm_per_km"))
    if not math.isnan(r0 + x0):
        c0 = _value(row, "c0_nf_per_km", 0.0) * 1e-9 * length * n
        element |= {"r0": r0 * length / n, "x0": x0 * length / n, "c0": c0, "tan0": 0.0}
    return element


def transformer(net: Any, k: Any, ids: Ids) -> tuple[str, dict[str, Any]]:
    """One two-winding transformer with its tap; parallel units as one of their joint rating.

    Returns:
        Its component and its row: `transformer`, or `generic_branch` where a phase shift is no clock hour or
        the short-circuit voltage is given on a base of its own (as test cases have it).
    """
    row = net.trafo.loc[k]
    n, name = int(row.parallel), row["name"]
    sn = row.sn_mva * MEGA * n
    if not sn > 0:
        raise FeederError(f"transformer {name!r}: no rated power sn_mva")
    element = {
        "id": ids.new("transformer", k, name),
        "from_node": ids.node(row.hv_bus),
        "to_node": ids.node(row.lv_bus),
        "from_status": _status(net, "t", k, row.hv_bus),
        "to_status": _status(net, "t", k, row.lv_bus),
    }
    steps = _value(row, "tap_pos", 0.0) - _value(row, "tap_neutral", 0.0)
    shift = row.shift_degree % 360
    turned = bool(steps and _value(row, "tap_step_degree", 0.0))
    if turned or abs(shift / 30 - round(shift / 30)) > 1e-9 or row.vk_percent >= 100 or row.i0_percent < 0:
        return "generic_branch", element | _ratio_branch(net, row, sn, steps)
    tap_side = 0 if row.get("tap_side") != "lv" else 1
    rated = (row.vn_hv_kv if tap_side == 0 else row.vn_lv_kv) * KILO
    clock = round(shift / 30) % 12
    p0, position = row.pfe_kw * KILO * n, round(_value(row, "tap_pos", 0.0))
    return "transformer", element | {
        "u1": row.vn_hv_kv * KILO,
        "u2": row.vn_lv_kv * KILO,
        "sn": sn,
        "uk": row.vk_percent / PERCENT,
        "pk": row.vkr_percent / PERCENT * sn,
        "i0": max(row.i0_percent / PERCENT, p0 / sn),
        "p0": p0,
        # delta (odd clock) or wye on the high side; the low side of a distribution transformer is earthed wye
        "winding_from": 2 if clock % 2 else 1,
        "winding_to": 1,
        "clock": clock,
        "tap_side": tap_side,
        "tap_pos": position,
        "tap_nom": round(_value(row, "tap_neutral", 0.0)),
        "tap_min": round(_value(row, "tap_min", min(0, position))),
        "tap_max": round(_value(row, "tap_max", max(0, position))),
        "tap_size": _value(row, "tap_step_percent", 0.0) / PERCENT * rated,
    }


def _ratio_branch(net: Any, row: Any, sn: float, steps: float) -> dict[str, float]:
    """A transformer as series impedance (on its low side), magnetising admittance and complex ratio."""
    step = steps * _value(row, "tap_step_percent", 0.0) / PERCENT
    turn = math.radians(_value(row, "tap_step_degree", 0.0))
    tap = 1 + step * (math.cos(turn) + 1j * math.sin(turn))
    high = row.tap_side != "lv" if isinstance(row.get("tap_side"), str) else True
    ratio = (row.vn_hv_kv / net.bus.vn_kv[row.hv_bus]) / (row.vn_lv_kv / net.bus.vn_kv[row.lv_bus])
    on_low = row.vn_lv_kv * (1.0 if high else abs(tap))
    base = (on_low * KILO) ** 2 / sn
    g = row.pfe_kw * KILO * row.parallel / sn / base
    y = max(abs(row.i0_percent) / PERCENT / base, g)
    shift = math.radians(row.shift_degree) + math.atan2(tap.imag, tap.real) * (1 if high else -1)
    return {
        "r1": row.vkr_percent / PERCENT * base,
        "x1": math.sqrt(row.vk_percent**2 - row.vkr_percent**2) / PERCENT * base,
        "g1": g,
        "b1": -math.copysign(math.sqrt(y**2 - g**2), row.i0_percent),
        "k": ratio * (abs(tap) if high else 1 / abs(tap)),
        "theta": shift,
        "sn": sn,
    }


def impedance(net: Any, k: Any, ids: Ids) -> dict[str, Any]:
    """One series impedance in per unit of its own base."""
    row = net.impedance.loc[k]
    if abs(row.rft_pu - row.rtf_pu) + abs(row.xft_pu - row.xtf_pu) > 1e-12:
        raise FeederError(f"impedance {row['name']!r}: differs by direction; no counterpart")
    base = (net.bus.vn_kv[row.from_bus] * KILO) ** 2 / (row.sn_mva * MEGA)
    return {
        "id": ids.new("generic_branch", k, row["name"]),
        "from_node": ids.node(row.from_bus),
        "to_node": ids.node(row.to_bus),
        "from_status": 1,
        "to_status": 1,
        "r1": row.rft_pu * base,
        "x1": row.xft_pu * base,
        "g1": 0.0,
        "b1": 0.0,
        "k": 1.0,
        "theta": 0.0,
        "sn": row.sn_mva * MEGA,
    }
