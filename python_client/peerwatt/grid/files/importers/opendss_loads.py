"""OpenDSS's loads and generators: between which conductors, how much, and how it follows the voltage.

Below `vlowpu` a load of OpenDSS is an impedance; from there to `vminpu` its current rises along a straight
line; above `vmaxpu` it is an impedance again. A generator is an impedance below `vminpu`."""

from __future__ import annotations

import math
from typing import Any

import opendssdirect as dss  # type: ignore[import-not-found, import-untyped, unused-ignore]

from peerwatt.grid.errors import FeederError
from peerwatt.units import KILO

FROZEN = ("pvsystem", "storage")
GENERATING = ("generator", *FROZEN)
_SEVERAL = (2, 3)
_POWER, _IMPEDANCE, _MOTOR, _FOLLOWING, _CURRENT, _ZIP = 1, 2, 3, 4, 5, 8


def load_row(name: str, conductors: list[str], path: str) -> dict[str, Any] | None:
    """The active element's law.

    Args:
        name: Its full name.
        conductors: Conductors of its terminal.
        path: How messages call the circuit.

    Returns:
        The row without an id; none where it has no power.

    Raises:
        FeederError: Its model has no counterpart.
    """
    kind, _, own = name.lower().partition(".")
    if kind == "load":
        row = _load(own, path, name)
    elif kind == "generator":
        row = _generator(own, path, name)
    else:
        row = _frozen(path, name)
    phases = dss.CktElement.NumPhases()
    delta = row.pop("delta")
    legs = []
    for k in range(phases):
        back = (k + 1 if k + 1 < len(conductors) else 0) if delta else len(conductors) - 1
        legs.append([conductors[k], conductors[back]])
    legs = [leg if leg[0] != "0" else leg[::-1] for leg in legs if leg[0] != leg[1]]
    row["parts"] = [part for part in row["parts"] if part["p_w"] or part["q_var"]]
    return {"name": name.lower(), "legs": legs, **row} if legs and row["parts"] else None


def _load(own: str, path: str, name: str) -> dict[str, Any]:
    dss.Loads.Name(own)
    phases, delta, model = dss.CktElement.NumPhases(), bool(dss.Loads.IsDelta()), int(dss.Loads.Model())
    factor = 1.0 if dss.Loads.Status() else dss.Solution.LoadMult()
    p = factor * dss.Loads.kW() * KILO / phases
    q = factor * dss.Loads.kvar() * KILO / phases
    rated = dss.Loads.kV() * KILO / (math.sqrt(3) if phases in _SEVERAL and not delta else 1.0)
    low = float(dss.Properties.Value("VLowpu"))
    row = _bounds(rated, low, dss.Loads.Vminpu(), dss.Loads.Vmaxpu()) | {"delta": delta}
    if model == _POWER:
        return row | {"parts": [_part(p, q, 0, 0)]}
    if model == _IMPEDANCE:
        return _bounds(rated, 0.0, 0.0, None) | {"delta": delta, "parts": [_part(p, q, 2, 2)]}
    if model == _MOTOR:
        return row | {"parts": [_part(p, q, 0, 2)]}
    if model == _FOLLOWING:
        exponents = (float(dss.Properties.Value(key)) for key in ("CVRWatts", "CVRVars"))
        return row | {"parts": [_part(p, q, *exponents)]}
    if model == _CURRENT:
        return row | {"parts": [_part(p, q, 1, 1) | {"flat": True}]}
    if model == _ZIP:
        z_p, i_p, p_p, z_q, i_q, p_q, cut_off = dss.Loads.ZipV()
        parts = [
            _part(p * p_p, q * p_q, 0, 0),
            _part(p * i_p, q * i_q, 1, 1) | {"flat": True},
            _part(p * z_p, q * z_q, 2, 2),
        ]
        return row | {"parts": parts} | ({"cut_off_pu": float(cut_off)} if cut_off > 0 else {})
    raise FeederError(f"{path}: {name} is of model {model}, which has no counterpart; known are 1 to 5 and 8")


def _generator(own: str, path: str, name: str) -> dict[str, Any]:
    dss.Generators.Name(own)
    model = int(dss.Generators.Model())
    if model == 3:
        raise FeederError(
            f"{path}: {name} holds its voltage (model 3), which has no counterpart; give its kvar and model=1"
        )
    if model not in (_POWER, _IMPEDANCE):
        raise FeederError(f"{path}: {name} is of model {model}, which has no counterpart; known are 1 and 2")
    return _injected(  # OpenDSS gives the present power, the multiplier in it
        dss.Generators.kW() * KILO,
        dss.Generators.kvar() * KILO,
        delta=bool(dss.Generators.IsDelta()),
        model=model,
    )


def _frozen(path: str, name: str) -> dict[str, Any]:
    """A unit whose power follows from its state: it keeps what it delivers at the solved state."""
    model = int(float(dss.Properties.Value("Model")))
    if model not in (_POWER, _IMPEDANCE):
        raise FeederError(f"{path}: {name} is of model {model}, which has no counterpart; known are 1 and 2")
    powers = dss.CktElement.Powers()
    delta = dss.Properties.Value("Conn").lower()[:1] in ("d", "l")
    return _injected(-sum(powers[0::2]) * KILO, -sum(powers[1::2]) * KILO, delta=delta, model=model)


def _injected(p_w: float, q_var: float, *, delta: bool, model: int) -> dict[str, Any]:
    """Power that a unit delivers, shared evenly over its phases."""
    phases = dss.CktElement.NumPhases()
    line = phases in _SEVERAL and not delta
    rated = float(dss.Properties.Value("kV")) * KILO / (math.sqrt(3) if line else 1.0)
    least, most = (float(dss.Properties.Value(key)) for key in ("VMinpu", "VMaxpu"))
    bounds = _bounds(rated, 0.0, least, most) if model == _POWER else _bounds(rated, 0.0, 0.0, None)
    exponent = 0 if model == _POWER else 2
    return bounds | {
        "delta": delta,
        "parts": [_part(-p_w / phases, -q_var / phases, exponent, exponent)],
    }


def _bounds(rated: float, low: float, least: float, most: float | None) -> dict[str, Any]:
    return {
        "u_rated": float(rated),
        "u_low_pu": float(low),
        "u_min_pu": float(least),
        "u_max_pu": None if most is None or most <= 0 else float(most),
    }


def _part(p_w: float, q_var: float, p_exponent: float, q_exponent: float) -> dict[str, Any]:
    return {
        "p_w": float(p_w),
        "q_var": float(q_var),
        "p_exponent": float(p_exponent),
        "q_exponent": float(q_exponent),
    }
