"""MATPOWER's power flow equations, solved apart: what an imported case is compared with.

Admittances as in MATPOWER's manual, sections 3.2 to 3.7: a tap and a phase shift on the from side, charging
in two halves on the to side of it. Newton's method in polar coordinates, section 4.1, without reactive
limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FlowError
from peerwatt.grid.files.importers.matpower_case import BUS_PV, BUS_SLACK, Case
from peerwatt.units import MEGA

_STEPS = 40
_SOLVED_PU = 1e-9  # pu and rad, of the last step; the step after it would be of its square


class MatpowerEngine:
    """One case, ready to be solved.

    Args:
        case: The tables.
        document: The imported feeder: which buses are supplied, in which order.
    """

    def __init__(self, case: Case, document: Mapping[str, Any]) -> None:
        self.name = "MATPOWER's equations"
        names = document["names"]
        order = [names[str(row["id"])] for row in document["power_grid_model"]["data"]["node"]]
        place = {float(name.removeprefix("bus ")): k for k, name in enumerate(order)}
        self._n = len(order)
        self.open_to_injections = np.ones(self._n, dtype=np.bool_)
        self._base = case.base_mva * MEGA
        bus = case.bus[np.isin(case.bus[:, 0], list(place))]
        kind = bus[:, 1]
        power = -(bus[:, 2] + 1j * bus[:, 3]) / case.base_mva
        held = np.zeros(self._n, dtype=np.bool_)
        self._slack = kind == BUS_SLACK
        magnitude = np.ones(self._n)
        for row in case.gen:
            k = place.get(row[0])
            if k is None or row[7] <= 0:
                continue
            power[k] += (row[1] + 1j * row[2]) / case.base_mva
            if kind[k] in (BUS_PV, BUS_SLACK):
                held[k], magnitude[k] = True, row[5]
        self._pv = np.flatnonzero(held & (kind == BUS_PV))
        self._pq = np.flatnonzero(~self._slack & ~np.isin(np.arange(self._n), self._pv))
        angle = np.where(self._slack, np.radians(bus[:, 8]), np.radians(bus[self._slack, 8][0]))
        self._start = magnitude * np.exp(1j * angle)
        self._power = power
        self._branches(case, bus, place)

    def _branches(self, case: Case, bus: Any, place: Mapping[float, int]) -> None:
        rows = [r for r in case.branch if r[10] and r[0] in place and r[1] in place]
        table = np.array(rows).reshape(-1, case.branch.shape[1])
        a = np.array([place[x] for x in table[:, 0]], dtype=np.int64)
        b = np.array([place[x] for x in table[:, 1]], dtype=np.int64)
        series = 1 / (table[:, 2] + 1j * table[:, 3])
        ratio = np.where(table[:, 8] == 0, 1.0, table[:, 8]) * np.exp(1j * np.radians(table[:, 9]))
        own = series + 0.5j * table[:, 4]
        n, k = self._n, len(table)
        one = np.arange(k)
        ends = (np.r_[one, one], np.r_[a, b])
        self._from = sparse.csr_matrix(
            (np.r_[own / np.abs(ratio) ** 2, -series / ratio.conj()], ends), (k, n)
        )
        self._to = sparse.csr_matrix((np.r_[-series / ratio, own], ends), (k, n))
        self._a, self._b = a, b
        at_from, at_to = (sparse.csr_matrix((np.ones(k), (one, x)), (k, n)) for x in (a, b))
        shunt = sparse.diags((bus[:, 4] + 1j * bus[:, 5]) / case.base_mva)
        self._admittance = (at_from.T @ self._from + at_to.T @ self._to + shunt).tocsr()

    def solve(self, p_w: Floats, q_var: Floats) -> tuple[Floats, float]:
        """See `OwnEngine`."""
        wanted = self._power + (p_w + 1j * q_var) / self._base
        free, pq = np.r_[self._pv, self._pq], self._pq
        magnitude, angle = np.abs(self._start), np.angle(self._start)
        with np.errstate(all="ignore"):
            for _ in range(_STEPS):
                v = magnitude * np.exp(1j * angle)
                current = self._admittance @ v
                miss = v * current.conj() - wanted
                error = np.r_[miss[free].real, miss[pq].imag]
                step = self._step(v, current, free, pq, error)
                angle[free] -= step[: len(free)]
                magnitude[pq] -= step[len(free) :]
                if np.abs(step).max(initial=0.0) < _SOLVED_PU:
                    break
            else:
                raise FlowError("MATPOWER's equations have no solution that Newton's method finds")
        v = magnitude * np.exp(1j * angle)
        sent = v[self._a] * (self._from @ v).conj() + v[self._b] * (self._to @ v).conj()
        return np.abs(v), float(sent.real.sum() * self._base)

    def _step(self, v: Any, current: Any, free: Any, pq: Any, error: Floats) -> Floats:
        diagonal, flowing, unit = sparse.diags(v), sparse.diags(current), sparse.diags(v / np.abs(v))
        by_angle = (1j * diagonal @ (flowing - self._admittance @ diagonal).conj()).tocsr()
        by_size = (diagonal @ (self._admittance @ unit).conj() + flowing.conj() @ unit).tocsr()
        rows = [
            [by_angle[free][:, free].real, by_size[free][:, pq].real],
            [by_angle[pq][:, free].imag, by_size[pq][:, pq].imag],
        ]
        try:
            step = splu(sparse.bmat(rows).tocsc()).solve(error)
        except RuntimeError:
            raise FlowError("MATPOWER's equations are singular for this case") from None
        if not np.isfinite(step).all():
            raise FlowError("MATPOWER's equations have no solution that Newton's method finds")
        return np.asarray(step)
