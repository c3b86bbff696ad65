"""Small feeders of every kind that the grid gate meets, as documents: three-phase streets and a ring."""

from __future__ import annotations

from typing import Any

from peerwatt.grid.feeder import Feeder
from peerwatt.grid.feeder_document import feeder_from_document

Row = dict[str, Any]


def feeder_of(
    name: str, data: dict[str, list[Row]], *, phases: int = 3, limits: Row | None = None, **keys: Any
) -> Feeder:
    """A feeder of these power-grid-model rows; elements without a name are named after kind and id."""
    names = {str(row["id"]): row.pop("name", f"{kind} {row['id']}") for kind in data for row in data[kind]}
    return feeder_from_document(
        {
            "format": "peerwatt-feeder-1",
            "name": name,
            "limits": limits or {"v_min_pu": 0.9, "v_max_pu": 1.08, "loading_max_percent": 100.0},
            "phases": phases,
            "names": names,
            "power_grid_model": {
                "version": "1.0",
                "type": "input",
                "is_batch": False,
                "attributes": {},
                "data": data,
            },
            **keys,
        }
    )


def source(node: int, u_ref: float = 1.03) -> Row:
    """A grid of 500 MVA."""
    return {
        "id": 900,
        "node": node,
        "status": 1,
        "u_ref": u_ref,
        "sk": 500e6,
        "rx_ratio": 0.25,
        "z01_ratio": 1.75,
    }


def transformer(sn: float, *, windings: tuple[int, int] = (2, 1), clock: int = 1, u2: float = 400.0) -> Row:
    """A transformer from node 1 (11 kV) to node 2; windings as power-grid-model counts them, 2 is delta."""
    return {
        "id": 800,
        "name": "transformer",
        "from_node": 1,
        "to_node": 2,
        "from_status": 1,
        "to_status": 1,
        "u1": 11e3,
        "u2": u2,
        "sn": sn,
        "uk": 0.0412,
        "pk": 0.01 * sn,
        "i0": 0.0,
        "p0": 0.0,
        "winding_from": windings[0],
        "winding_to": windings[1],
        "clock": clock,
        "tap_side": 0,
        "tap_pos": 0,
        "tap_nom": 0,
        "tap_min": 0,
        "tap_max": 0,
        "tap_size": 0.0,
    }


def cable(number: int, ends: tuple[int, int], km: float, i_n: float = 300.0) -> Row:
    """A four-wire cable whose zero sequence has about four times the impedance of the positive one."""
    r1, x1 = 0.32 * km, 0.08 * km
    return {
        "id": number,
        "from_node": ends[0],
        "to_node": ends[1],
        "from_status": 1,
        "to_status": 1,
        "r1": r1,
        "x1": x1,
        "c1": 2e-7 * km,
        "tan1": 0.0,
        "r0": 1.2 * km,
        "x0": 0.3 * km,
        "c0": 1e-7 * km,
        "tan0": 0.0,
        "i_n": i_n,
    }


def overhead(number: int, ends: tuple[int, int], km: float, i_n: float = 250.0) -> Row:
    """An untransposed line: each pair of phases has an impedance of its own."""
    own_r, own_x = (0.55, 0.60, 0.50), (0.75, 0.70, 0.80)
    pairs = {"ba": (0.18, 0.42), "ca": (0.15, 0.36), "cb": (0.20, 0.45)}
    row: Row = {
        "id": number,
        "from_node": ends[0],
        "to_node": ends[1],
        "from_status": 1,
        "to_status": 1,
        "c0": 1e-9 * km,
        "c1": 2e-9 * km,
        "i_n": i_n,
    }
    for phase, r, x in zip("abc", own_r, own_x, strict=True):
        row |= {f"r_{phase}{phase}": r * km, f"x_{phase}{phase}": x * km}
    for pair, (r, x) in pairs.items():
        row |= {f"r_{pair}": r * km, f"x_{pair}": x * km}
    return row


def nodes(*volts: float) -> list[Row]:
    """Nodes 1, 2, … named a, b, …"""
    return [{"id": k, "name": "abcdefgh"[k - 1], "u_rated": v} for k, v in enumerate(volts, 1)]


def street() -> Feeder:
    """Delta-wye transformer and two cables in a row."""
    lines = [cable(10, (2, 3), 0.15), cable(11, (3, 4), 0.15)]
    data = {"node": nodes(11e3, 400, 400, 400), "source": [source(1)], "line": lines}
    return feeder_of("street", data | {"transformer": [transformer(400e3)]})


def lane() -> Feeder:
    """Delta-wye transformer, overhead lines of three different phases, and a branch."""
    lines = [
        overhead(10, (2, 3), 0.2),
        overhead(11, (3, 4), 0.15),
        overhead(12, (3, 5), 0.2, 120.0),
    ]
    data = {"node": nodes(11e3, 400, 400, 400, 400), "source": [source(1, 1.02)], "asym_line": lines}
    return feeder_of("lane", data | {"transformer": [transformer(160e3, clock=5)]})


def square() -> Feeder:
    """Wye-wye transformer and a ring of cables, one of them thin."""
    lines = [
        cable(10, (2, 3), 0.12, 200.0),
        cable(11, (3, 4), 0.10, 80.0),
        cable(12, (4, 5), 0.15, 200.0),
        cable(13, (5, 2), 0.10, 150.0),
    ]
    data = {"node": nodes(11e3, 400, 400, 400, 400), "source": [source(1, 1.04)], "line": lines}
    return feeder_of("square", data | {"transformer": [transformer(250e3, windings=(1, 1), clock=0)]})


def ring() -> Feeder:
    """Four nodes in a ring of 10 kV lines, balanced; the two far from the source are thin."""
    amperes = 1e6 / 3**0.5 / 10e3
    lines = [
        {
            "id": 10 + k,
            "from_node": a,
            "to_node": b,
            "from_status": 1,
            "to_status": 1,
            "r1": 0.3,
            "x1": 0.6,
            "c1": 0.0,
            "tan1": 0.0,
            "i_n": mva * amperes,
        }
        for k, (a, b, mva) in enumerate([(1, 2, 6), (2, 3, 2), (3, 4, 2), (4, 1, 6)])
    ]
    data = {"node": nodes(10e3, 10e3, 10e3, 10e3), "source": [source(1, 1.0)], "line": lines}
    limits = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}
    return feeder_of("ring", data, phases=1, limits=limits)
