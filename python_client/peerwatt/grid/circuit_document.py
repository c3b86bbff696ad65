"""The key `circuit` of a feeder file: its check, and the tables of nodes, sources and branches that follow.

A circuit states every element by the conductors at its ends (`bus.number`; numbers 1 to 3 are the phases) and
the lower triangle of its admittance matrix between them, row by row, in siemens."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from peerwatt.grid.errors import FeederError

KINDS = ("line", "generic_branch", "transformer", "three_winding_transformer")
_PHASES = 3
_COUPLED = 1e-12
"""An admittance, of the largest of its matrix, below which two ends are not connected."""
_TWO_ENDS = np.dtype(
    [
        ("id", "i4"),
        ("from_node", "i4"),
        ("to_node", "i4"),
        ("from_status", "i1"),
        ("to_status", "i1"),
        ("r1", "f8"),
        ("x1", "f8"),
    ]
)
_THREE_ENDS = np.dtype(
    [("id", "i4"), *((f"node_{k}", "i4") for k in "123"), *((f"status_{k}", "i1") for k in "123")]
)
_SOURCE = np.dtype([("id", "i4"), ("node", "i4"), ("status", "i1"), ("sk", "f8"), ("rx_ratio", "f8")])


def check_circuit(document: Mapping[str, Any], origin: str) -> None:
    """The shape of a circuit: known conductors, whole matrices, finite numbers.

    Raises:
        FeederError: An element cannot be used; named.
    """
    circuit, names = document["circuit"], document["names"]
    if document.get("phases") != _PHASES:
        raise FeederError(f'{origin}: a feeder with a "circuit" has "phases": 3')
    if not isinstance(circuit, Mapping):
        raise FeederError(f'{origin}: "circuit" must be an object')
    for key in ("buses", "sources", "branches", "shunts", "loads"):
        if not isinstance(circuit.get(key), list) or not all(isinstance(r, Mapping) for r in circuit[key]):
            raise FeederError(f'{origin}: "circuit" needs a list {key!r} of objects')
    for key in ("buses", "sources"):
        if not circuit[key]:
            raise FeederError(f"{origin}: a circuit needs one of {key!r} at least")
    seen: set[Any] = set()
    for key in ("buses", "sources", "branches", "shunts", "loads"):
        for row in circuit[key]:
            if str(row.get("id")) not in names:
                raise FeederError(f'{origin}: {key} has an id {row.get("id")!r} that is not in "names"')
            if row["id"] in seen:
                raise FeederError(f"{origin}: the id {row['id']} is used twice")
            seen.add(row["id"])
    for row in circuit["buses"]:
        _check_bus(row, f"{origin}: bus {names[str(row['id'])]!r}")
    for key in ("sources", "branches", "shunts"):
        for row in circuit[key]:
            _check_element(row, f"{origin}: {names[str(row['id'])]!r}")
    for row in circuit["branches"]:
        where = f"{origin}: {names[str(row['id'])]!r}"
        if row.get("kind") not in KINDS:
            raise FeederError(f"{where}: kind is {row.get('kind')!r}, must be one of {', '.join(KINDS)}")
        rated = row.get("rated_a")
        if not isinstance(rated, list) or len(rated) != len(row["ends"]):
            raise FeederError(f"{where}: rated_a must hold one current per end, A, or null")
        if not all(x is None or (_finite(x) and x > 0) for x in rated):
            raise FeederError(f"{where}: a rated current is not a positive number; null is for none")
    for row in circuit["sources"]:
        where = f"{origin}: {names[str(row['id'])]!r}"
        force = row.get("e_re"), row.get("e_im")
        if not all(_numbers(part, len(row["ends"][0])) for part in force):
            raise FeederError(
                f"{where}: e_re and e_im must hold one voltage per conductor of its first end, V"
            )
    for row in circuit["loads"]:
        _check_load(row, f"{origin}: {names[str(row['id'])]!r}")


def circuit_tables(document: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Nodes, sources and branches as tables, for whatever asks what lies where.

    A branch's impedance is what its second end shows of the positive sequence with the others at ground, Ω.
    """
    circuit, names = document["circuit"], document["names"]
    ids = {names[str(bus["id"])]: int(bus["id"]) for bus in circuit["buses"]}
    rated = {int(bus["id"]): float(bus["u_rated"]) for bus in circuit["buses"]}
    node = np.zeros(len(rated), dtype=[("id", "i4"), ("u_rated", "f8")])
    node["id"], node["u_rated"] = list(rated), list(rated.values())
    sources = []
    for row in circuit["sources"]:
        at = ids[_bus(row["ends"][0][0])]
        y = _positive(row, 0)
        z = 1 / y if y else complex(math.inf)
        ratio = z.real / z.imag if z.imag else 0.0
        sources.append((row["id"], at, 1, abs(y) * rated[at] ** 2, ratio))
    found = {"node": node, "source": np.array(sources, dtype=_SOURCE)}
    for kind in KINDS:
        rows = [row for row in circuit["branches"] if row["kind"] == kind]
        if rows:
            three = kind == "three_winding_transformer"
            made = [_three_ends(row, ids) if three else _two_ends(row, ids) for row in rows]
            found[kind] = np.array(made, dtype=_THREE_ENDS if three else _TWO_ENDS)
    return found


def matrix_of(row: Mapping[str, Any]) -> NDArray[np.complex128]:
    """The admittance matrix of an element, whose lower triangle the file holds row by row, S."""
    size = sum(len(end) for end in row["ends"])
    matrix = np.zeros((size, size), dtype=np.complex128)
    matrix[_below(size)] = np.array(row["g"]) + 1j * np.array(row["b"])
    return np.asarray(matrix + np.tril(matrix, -1).T)


@functools.cache
def _below(size: int) -> Any:
    return np.tril_indices(size)


def end_buses(row: Mapping[str, Any]) -> list[str]:
    """The buses that a branch lies between, each once."""
    return list(dict.fromkeys(_bus(c) for end in row["ends"] for c in end))


def _two_ends(row: Mapping[str, Any], ids: Mapping[str, int]) -> tuple[Any, ...]:
    first, *_, last = [bus for bus in end_buses(row) if bus in ids]
    y = _positive(row, len(row["ends"]) - 1)
    z = 1 / y if y else complex(1e9)
    closed = int(_closed(row))
    return row["id"], ids[first], ids[last], closed, closed, z.real, z.imag


def _three_ends(row: Mapping[str, Any], ids: Mapping[str, int]) -> tuple[Any, ...]:
    buses = [ids[bus] for bus in end_buses(row) if bus in ids][:3]
    return row["id"], *buses, *(3 * [int(_closed(row))])


def _positive(row: Mapping[str, Any], end: int) -> complex:
    """Positive-sequence admittance of one end's phases with the other ends at ground, S."""
    places, first = [], sum(len(e) for e in row["ends"][:end])
    for k, conductor in enumerate(row["ends"][end]):
        if int(conductor.rpartition(".")[2]) <= _PHASES:
            places.append(first + k)
    own = matrix_of(row)[np.ix_(places, places)]
    if not places:
        return 0j
    mutual = own[~np.eye(len(places), dtype=bool)]
    return complex(np.diag(own).mean() - (mutual.mean() if len(places) > 1 else 0.0))


def _closed(row: Mapping[str, Any]) -> bool:
    """Whether any of its ends is coupled with the first bus's."""
    flat = [c for end in row["ends"] for c in end]
    here = np.array([_bus(c) == _bus(flat[0]) for c in flat])
    matrix = np.abs(matrix_of(row))
    return bool(matrix[np.ix_(here, ~here)].max(initial=0.0) > _COUPLED * max(matrix.max(), 1e-300))


def _bus(conductor: str) -> str:
    return conductor.rpartition(".")[0]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _numbers(values: Any, count: int) -> bool:
    return isinstance(values, list) and len(values) == count and all(_finite(x) for x in values)


def _check_bus(row: Mapping[str, Any], where: str) -> None:
    if not (_finite(row.get("u_rated")) and row["u_rated"] > 0):
        raise FeederError(f"{where}: u_rated is {row.get('u_rated')!r}, must be a voltage, V")
    phases = row.get("phases")
    if not isinstance(phases, list) or not phases or sorted(set(phases) & {1, 2, 3}) != phases:
        raise FeederError(f"{where}: phases is {phases!r}, must be some of 1, 2, 3 in order")


def _conductors(row: Mapping[str, Any]) -> Iterator[Any]:
    for end in row["ends"]:
        yield from end


def _check_element(row: Mapping[str, Any], where: str) -> None:
    ends = row.get("ends")
    if not isinstance(ends, list) or not ends or not all(isinstance(end, list) and end for end in ends):
        raise FeederError(f"{where}: ends must be lists of conductors")
    for conductor in _conductors(row):
        if not _is_conductor(conductor):
            raise FeederError(f"{where}: {conductor!r} is no conductor; write bus.number")
    size = sum(len(end) for end in ends)
    entries = size * (size + 1) // 2
    for key in ("g", "b"):
        if not _numbers(row.get(key), entries):
            raise FeederError(f"{where}: {key} must hold the {entries} entries of a lower triangle, S")


def _is_conductor(value: Any) -> bool:
    return isinstance(value, str) and value.rpartition(".")[2].isdigit() and value.rpartition(".")[2] != "0"


def _check_load(row: Mapping[str, Any], where: str) -> None:
    legs, parts = row.get("legs"), row.get("parts")
    if not isinstance(legs, list) or not all(
        isinstance(leg, list)
        and len(leg) == 2
        and _is_conductor(leg[0])
        and (leg[1] == "0" or _is_conductor(leg[1]))
        for leg in legs
    ):
        raise FeederError(f"{where}: legs must be pairs of conductors, the second one 0 for ground")
    if not (_finite(row.get("u_rated")) and row["u_rated"] > 0):
        raise FeederError(f"{where}: u_rated is {row.get('u_rated')!r}, must be a voltage, V")
    for key in ("u_low_pu", "u_min_pu"):
        if not (_finite(row.get(key)) and row[key] >= 0):
            raise FeederError(f"{where}: {key} is {row.get(key)!r}, must be per unit of u_rated")
    most = row.get("u_max_pu")
    if most is not None and not (_finite(most) and most > 0):
        raise FeederError(f"{where}: u_max_pu is {most!r}, must be per unit of u_rated, or null for no bound")
    keys = ("p_w", "q_var", "p_exponent", "q_exponent")
    if not isinstance(parts, list) or not all(
        isinstance(part, Mapping) and all(_finite(part.get(key)) for key in keys) for part in parts
    ):
        raise FeederError(f"{where}: parts must hold {', '.join(keys)}")
