"""Lines, transformers, impedances and switches of a pandapower network as power-grid-model rows.

What is no plain line or transformer is taken from pandapower's own branch table: its series impedance, shunt
admittance, ratio and shift, with every tap changer and tap table in it, become a `generic_branch`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from pandapower.pypower.idx_brch import (
    BR_B,
    BR_B_ASYM,
    BR_G,
    BR_G_ASYM,
    BR_R,
    BR_R_ASYM,
    BR_X,
    BR_X_ASYM,
    SHIFT,
    TAP,
)

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.pandapower_ids import Network
from peerwatt.grid.files.importers.pandapower_tables import label
from peerwatt.units import KILO, MEGA, PERCENT

_SAME = 1e-9
_LINK_KV = 1.0
"""From here on a closed switch may carry so much that power-grid-model's link (a millionth of an ohm at 1 kV,
1 MVA) would show in the sixth decimal."""
_CLOSED_PU, _HIGH_KV = 1e-8, 60.0  # on 1 MVA: 4e-7 pu at 40 MVA; from here on a hundredth, for 400 MVA
_NO_RATING = {"g1": 0.0, "b1": 0.0, "k": 1.0, "theta": 0.0, "sn": 0.0}
Row = dict[str, Any]


def branches(n: Network) -> Iterator[tuple[str, Row]]:
    """Every branch that is energised, with its component."""
    for k, row in n.in_service("line"):
        yield from _line(n, k, row)
    yield from _links(n)
    for k, row in n.in_service("impedance"):
        yield from _impedance(n, k, row)
    for k, row in n.in_service("trafo"):
        yield from _transformer(n, k, row)
    for k, row in n.in_service("trafo3w"):
        yield from _three_windings(n, k, row)
    for k, row in n.in_service("xward"):
        if n.alive(row.bus):
            inner = n.ids.of("node", ("xward", k))
            ends = n.ends(n.ids.node(row.bus), inner, 1, 1)
            place = n.position("xward", k)
            branch = _from_table(n, place, n.kv(row.bus), label("xward", k, row), 0.0)
            yield (
                "generic_branch",
                {"id": n.ids.new("generic_branch", ("xward", k), row.get("name")), **ends, **branch},
            )


def _line(n: Network, k: Any, row: Any) -> Iterator[tuple[str, Row]]:
    """One line; parallel conductors as one of their joint impedance and rating."""
    closed = [n.alive(bus) and n.closed("l", k, bus) for bus in (row.from_bus, row.to_bus)]
    if not any(closed):
        n.drop("line", k, row)
        return
    what = label("line", k, row)
    if not math.isclose(n.kv(row.from_bus), n.kv(row.to_bus), rel_tol=1e-6):
        raise FeederError(
            f"{what} joins a bus of {n.kv(row.from_bus):g} kV and one of {n.kv(row.to_bus):g} kV"
        )
    if row.from_bus == row.to_bus:
        raise FeederError(f"{what} begins and ends at one bus")
    many, length = row.parallel, row.length_km
    if not (many >= 1 and length > 0 and row.df > 0 and row.r_ohm_per_km >= 0):
        raise FeederError(f"{what}: length_km, parallel, df and r_ohm_per_km must be positive")
    omega = 2 * math.pi * n.net.f_hz
    c = row.c_nf_per_km * 1e-9 * length * many
    g = row.g_us_per_km * 1e-6 * length * many
    rating = row.max_i_ka * row.df * many * KILO
    if not rating > 0:
        raise FeederError(f"line {row['name']!r}: no rated current max_i_ka")
    if not row.r_ohm_per_km and not row.x_ohm_per_km:
        raise FeederError(f"{what} has no impedance; give it as a closed bus-bus switch")
    ends = _two_ends(n, (row.from_bus, row.to_bus), closed)
    number = n.ids.new("line", k, row["name"])
    alone = (
        n.rated_kv[ends["from_node"]] != n.rated_kv[ends["to_node"]]
    )  # no other node to write its open end at
    if c < 0 or (g and not c) or alone:
        base = (n.kv(row.from_bus) * KILO) ** 2
        series = {"r1": row.r_ohm_per_km * length / many, "x1": row.x_ohm_per_km * length / many}
        rated = math.sqrt(3) * rating * math.sqrt(base)
        shunt = {"g1": g, "b1": omega * c, "k": 1.0, "theta": 0.0, "sn": rated}
        yield "generic_branch", {"id": number, **ends, **series, **shunt}
        return
    element = {
        "id": number,
        **ends,
        "r1": row.r_ohm_per_km * length / many,
        "x1": row.x_ohm_per_km * length / many,
        "c1": c,
        "tan1": g / (omega * c) if c > 0 else 0.0,
        "i_n": rating,
    }
    r0, x0 = (n.value(row, key, math.nan) for key in ("r0_ohm_per_km", "x0_ohm_per_km"))
    if not math.isnan(r0 + x0):
        c0 = n.value(row, "c0_nf_per_km", 0.0) * 1e-9 * length * many
        element |= {"r0": r0 * length / many, "x0": x0 * length / many, "c0": c0, "tan0": 0.0}
    yield "line", element


def _two_ends(n: Network, buses: tuple[Any, Any], closed: list[bool]) -> Row:
    a, b = (n.node_or_none(bus) for bus in buses)
    return dict(n.ends(a, b, int(closed[0]), int(closed[1])))


def _links(n: Network) -> Iterator[tuple[str, Row]]:
    """Switches between buses: links, or branches where their impedance is stated."""
    place = 0
    for k, row in n.net.switch[n.net.switch.et == "b"].iterrows():
        alive = n.alive(row.bus) and n.alive(row.element)
        z = n.value(row, "z_ohm", 0.0)
        if z < 0:
            raise FeederError(f"{label('switch', k, row)}: z_ohm is {z:g}")
        if z > 0 and row.closed and k in n.impedance_switches:
            where, place = n.first("switch") + place, place + 1
            if alive:
                ends = n.ends(n.ids.node(row.bus), n.ids.node(row.element), 1, 1)
                kv = n.kv(row.bus)
                branch = _from_table(n, where, kv, label("switch", k, row), 0.0)
                yield "generic_branch", {"id": n.ids.new("link", k, row["name"]), **ends, **branch}
        elif alive:
            status = int(row.closed)
            ends = n.ends(n.ids.node(row.bus), n.ids.node(row.element), status, status)
            element = {"id": n.ids.new("link", k, row["name"]), **ends}
            if n.kv(row.bus) < _LINK_KV or not status:
                yield "link", element
            else:
                small = _CLOSED_PU if n.kv(row.bus) < _HIGH_KV else _CLOSED_PU / 100
                x = small * (n.kv(row.bus) * KILO) ** 2 / MEGA
                yield "generic_branch", element | _NO_RATING | {"r1": 0.0, "x1": x}


def _impedance(n: Network, k: Any, row: Any) -> Iterator[tuple[str, Row]]:
    """One series impedance in per unit of its own base, which is no rating."""
    if not (n.alive(row.from_bus) and n.alive(row.to_bus)):
        n.drop("impedance", k, row)
        return
    place, what = n.position("impedance", k), label("impedance", k, row)
    ends = n.ends(n.ids.node(row.from_bus), n.ids.node(row.to_bus), 1, 1)
    element = {"id": n.ids.new("generic_branch", k, row["name"]), **ends}
    values = np.real(n.branch[place])
    if values[BR_G_ASYM]:
        raise FeederError(
            f"{what}: gf_pu and gt_pu differ; losses that differ by end have no counterpart here"
        )
    if values[BR_B_ASYM]:  # halves that differ: a shunt at each end
        for end, bus in (("from", row.from_bus), ("to", row.to_bus)):
            other = 1.0 if end == "to" else 0.0
            per_volt2 = n.net.sn_mva * MEGA / (n.kv(bus) * KILO) ** 2 / 2
            b = values[BR_B] + other * values[BR_B_ASYM]
            number = n.ids.new("shunt", ("impedance", k, end), f"{n.own_name('impedance', k, row)} {end}")
            shunt = {"g1": 0.0, "b1": float(b * per_volt2), "g0": 0.0, "b0": 0.0}
            yield "shunt", {"id": number, "node": n.ids.node(bus), "status": 1} | shunt
        n.branch[place, [BR_B, BR_B_ASYM]] = 0.0
    yield "generic_branch", element | _from_table(n, place, n.kv(row.to_bus), what, 0.0)


def _transformer(n: Network, k: Any, row: Any) -> Iterator[tuple[str, Row]]:
    """One two-winding transformer; parallel units as one of their joint rating.

    A `transformer` where the tap changer only turns the ratio of the high side by whole steps; else, or where
    the short-circuit voltage is given on a base of its own (as test cases have it), a `generic_branch`.
    """
    what = label("transformer", k, row)
    buses = (row.hv_bus, row.lv_bus)
    closed = [n.alive(bus) and n.closed("t", k, bus) for bus in buses]
    if not any(closed) or not all(n.net.bus.in_service[bus] for bus in buses):
        n.drop("trafo", k, row)
        return
    plate = row.sn_mva * MEGA * int(row.parallel)
    number = n.ids.new("transformer", k, row["name"])
    ends = _two_ends(n, buses, closed)
    element = {"id": number, **ends}
    table = _from_table(n, n.position("trafo", k), n.kv(row.lv_bus), what, plate)
    plain = _plain(n, row, plate, table)
    if plain is None:
        # Rated at its windings' voltages, not at its buses': the smaller of both, so that no overload hides.
        high, low = n.kv(row.hv_bus) / row.vn_hv_kv, n.kv(row.lv_bus) / row.vn_lv_kv
        n.rate(number, table["sn"], plate * row.df * min(high, low))
        yield "generic_branch", element | table
    else:
        n.rate(number, plate, plate * row.df)
        yield "transformer", element | plain


def _plain(n: Network, row: Any, plate: float, table: Row) -> Row | None:
    """power-grid-model's own transformer where it is the same: compared with pandapower's branch values."""
    many = int(row.parallel)
    neutral = n.value(row, "tap_neutral", 0.0)
    position = n.value(row, "tap_pos", neutral)
    shift = row.shift_degree % 360
    side = 0 if row.get("tap_side") != "lv" else 1
    step = n.value(row, "tap_step_percent", 0.0) / PERCENT
    whole = position == round(position) and neutral == round(neutral) and abs(position) < 128 > abs(neutral)
    if not whole or (side == 1 and position != neutral and step):
        return None
    if abs(shift / 30 - round(shift / 30)) > _SAME or not 0 < row.vk_percent < 100 or not row.vkr_percent > 0:
        return None
    if row.i0_percent < 0 or row.pfe_kw < 0:
        return None
    rated = (row.vn_hv_kv if side == 0 else row.vn_lv_kv) * KILO
    clock = round(shift / 30) % 12
    p0 = row.pfe_kw * KILO * many
    low, high = (n.value(row, key, math.nan) for key in ("tap_min", "tap_max"))
    bounds = [position, 0.0] if math.isnan(low + high) else [low, high, position]
    element = {
        "u1": row.vn_hv_kv * KILO,
        "u2": row.vn_lv_kv * KILO,
        "sn": plate,
        "uk": row.vk_percent / PERCENT,
        "pk": row.vkr_percent / PERCENT * plate,
        "i0": max(row.i0_percent / PERCENT, p0 / plate),
        "p0": p0,
        # delta (odd clock) or wye on the high side; the low side of a distribution transformer is earthed wye
        "winding_from": 2 if clock % 2 else 1,
        "winding_to": 1,
        "clock": clock,
        "tap_side": side,
        "tap_pos": round(position),
        "tap_nom": round(neutral),
        "tap_min": round(min(bounds)),
        "tap_max": round(max(bounds)),
        "tap_size": step * rated,
    }
    y = complex(table["g1"], table["b1"])
    if y and n.trafo_model == "t":  # the equivalent pi of pandapower's T, in power-grid-model's own terms
        volt2 = element["u2"] ** 2
        element["uk"] = math.hypot(table["r1"], table["x1"]) * plate / volt2
        element["pk"] = table["r1"] * plate**2 / volt2
        element["p0"] = table["g1"] * volt2
        element["i0"] = max(abs(y) * volt2 / plate, element["p0"] / plate)
        if element["p0"] < 0:
            return None
    return element if _same(n, row, element, table) else None


def _same(n: Network, row: Any, element: Row, table: Row) -> bool:
    """Whether both give the same series impedance, shunt, ratio and shift."""
    volt2, plate = element["u2"] ** 2, element["sn"]
    steps = (element["tap_pos"] - element["tap_nom"]) * element["tap_size"]
    high = element["u1"] + (steps if element["tap_side"] == 0 else 0.0)
    ratio = (high / element["u2"]) / (n.kv(row.hv_bus) / n.kv(row.lv_bus))
    z, r = element["uk"] * volt2 / plate, element["pk"] / plate * volt2 / plate
    series = complex(r, math.sqrt(max(z**2 - r**2, 0.0)))
    y, g = element["i0"] * plate / volt2, element["p0"] / volt2
    shunt = complex(g, -math.sqrt(max(y**2 - g**2, 0.0)))
    turn = abs((table["theta"] - math.radians(30 * element["clock"]) + math.pi) % (2 * math.pi) - math.pi)
    theirs, their_shunt = complex(table["r1"], table["x1"]), complex(table["g1"], table["b1"])
    return (
        abs(series - theirs) <= 1e-7 * abs(theirs) + (1e-4 * abs(theirs) if n.trafo_model == "pi" else 0.0)
        and abs(shunt - their_shunt) * abs(theirs) <= 1e-9
        and abs(ratio / table["k"] - 1) <= _SAME
        and turn <= _SAME
    )


def _three_windings(n: Network, k: Any, row: Any) -> Iterator[tuple[str, Row]]:
    """Three windings as pandapower has them: three transformers that meet at a star point."""
    what = label("three-winding transformer", k, row)
    sides = ("hv", "mv", "lv")
    buses = [row[f"{side}_bus"] for side in sides]
    closed = [n.alive(bus) and n.closed("t3", k, bus) for bus in buses]
    if ("trafo3w", k) not in n.stars:
        n.drop("trafo3w", k, row)
        return
    star = n.ids.of("node", ("trafo3w", k))
    count = len(n.net.trafo3w)
    place = n.position("trafo3w", k)
    for j, (side, bus, on) in enumerate(zip(sides, buses, closed, strict=True)):
        if not n.net.bus.in_service[bus]:
            continue
        plate = row[f"sn_{side}_mva"] * MEGA
        if not plate > 0:
            raise FeederError(f"{what}: no rated power sn_{side}_mva")
        base_kv = n.kv(row.hv_bus) if side == "hv" else n.kv(bus)
        table = _from_table(n, place + j * count, base_kv, what, plate)
        number = n.ids.new("transformer", (k, side), f"{n.own_name('trafo3w', k, row)} {side}")
        if side == "hv":
            ends = n.ends(n.node_or_none(bus), star, int(on), 1)
        else:
            ends = n.ends(star, n.node_or_none(bus), 1, int(on))
        n.rate(number, plate, plate * n.kv(bus) / row[f"vn_{side}_kv"])
        yield "generic_branch", {"id": number, **ends, **table}


def _from_table(n: Network, place: int, kv_to: float, what: str, plate: float) -> Row:
    """A row of pandapower's branch table: pi, impedances on the to side, admittance in two halves."""
    row = n.branch[place]
    asymmetric = [float(np.real(row[k])) for k in (BR_R_ASYM, BR_X_ASYM, BR_G_ASYM, BR_B_ASYM)]
    r, x, g, b, tap, shift = (float(np.real(row[k])) for k in (BR_R, BR_X, BR_G, BR_B, TAP, SHIFT))
    if any(abs(v) > 1e-12 * max(1.0, abs(w)) for v, w in zip(asymmetric, (r, x, g, b), strict=True)):
        raise FeederError(f"{what}: differs by direction; no counterpart here")
    if not np.isfinite([r, x, g, b, tap, shift]).all() or (not r and not x):
        raise FeederError(f"{what}: has no impedance, or one that is no number")
    base = (kv_to * KILO) ** 2 / (n.net.sn_mva * MEGA)
    return {
        "r1": r * base,
        "x1": x * base,
        "g1": g / base,
        "b1": b / base,
        "k": tap or 1.0,
        "theta": math.radians(shift),
        "sn": plate,
    }
