"""The power flow of a circuit: currents into its factorised admittance matrix until the voltages stand.

The matrix holds every load's admittance at rated voltage; what a load draws beyond it is iterated, as OpenDSS
does. States that do not come to rest so are solved by Newton's method."""

from __future__ import annotations

import warnings
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from peerwatt.grid.arrays import Floats, Ints
from peerwatt.grid.errors import FeederError, FlowError, InjectionError
from peerwatt.grid.feeder import Feeder
from peerwatt.grid.flow.circuit import PHASES, Complexes, Legs, circuit_of
from peerwatt.grid.flow.unbalance import unbalance_percent
from peerwatt.units import PERCENT

_TOLERANCE_PU = 1e-11  # of the last step
_NOISE_PU = 1e-7  # a step below this that no longer shrinks is the rounding of a badly conditioned matrix
_ITERATIONS = 60
_NEWTON_STEPS = 30
_CHUNK = 256
_FAINT = 1e-10  # of a conductor's own admittance
_PIVOT = 0.01  # of a column's largest entry, down to which the diagonal is kept as pivot
_LETTERS = "abc"


class CircuitFlow:
    """Solves a circuit for injections at its phases.

    An injection lies between a phase and ground; at a node without a path to ground it lies between a phase
    and the next one, `a` between a and b.

    Args:
        feeder: A feeder whose document holds a circuit.
        own_loads: Keep the file's own loads and generators switched on.

    Raises:
        FlowError: A part of the circuit has no path to a source or to ground.
    """

    def __init__(self, feeder: Feeder, *, own_loads: bool = True) -> None:
        self.name = feeder.name
        self.circuit = circuit_of(feeder)
        self.node_names = feeder.node_names
        legs = self.circuit.legs
        self._legs = legs if own_loads else _none_of(legs)
        ports, back = self._ports()
        self.present = ports >= 0
        self._inject_start, self._inject_back = ports[self.present], back[self.present]
        count = len(self.circuit.conductors)
        nominal = _between(self._legs.start, self._legs.back, self._legs.nominal_s, count)
        self._lu = self._factorised((self.circuit.admittance_s + nominal).tocsc())

    def _factorised(self, matrix: Any) -> Any:
        """The matrix as triangular factors; a part that floats is tied to ground too faintly to be seen."""
        size = np.abs(matrix.diagonal())
        faint = sparse.diags(_FAINT * np.maximum(size, size[size > 0].min(initial=1.0)), format="csc")
        for candidate in (matrix, matrix + faint):
            with warnings.catch_warnings(), suppress(RuntimeError, linalg.MatrixRankWarning):
                warnings.simplefilter("error", linalg.MatrixRankWarning)
                return linalg.splu(
                    candidate,
                    permc_spec="MMD_AT_PLUS_A",  # the pattern is symmetric: a tenth of COLAMD's time
                    diag_pivot_thresh=_PIVOT,
                    options={"SymmetricMode": True},
                )
        raise FlowError(f"feeder {self.name}: a part of the circuit has no path to a source or to ground")

    def _ports(self) -> tuple[Ints, Ints]:
        """The two conductors of an injection at each phase of each node; -1 where it has none."""
        circuit = self.circuit
        start = circuit.phases
        other = np.roll(start, -1, axis=1)
        floating = circuit.ungrounded[:, None]
        port = np.where(floating & (other < 0), -1, start)
        return port, np.where(floating, other, len(circuit.conductors))

    @cached_property
    def no_load_v(self) -> Complexes:
        """Voltages of the conductors without any injection and with every load at its rated admittance, V."""
        return np.asarray(self._lu.solve(self.circuit.source_a))

    def thevenin_ohm(self, nodes: Ints, weights: Floats) -> Floats:
        """Magnitude of a node's impedance: voltage per ampere, both over its phases by the same weights, Ω.

        Args:
            nodes: The nodes asked for, `(k,)`.
            weights: Of each of their phases, `(k, 3)`; those of phases that a node lacks do not count.

        Returns:
            `(k,)`.
        """
        phases = self.circuit.phases[nodes]
        weights = np.where(phases >= 0, weights, 0.0)
        found = np.zeros(len(nodes))
        for first in range(0, len(nodes), _CHUNK):
            part = np.arange(first, min(first + _CHUNK, len(nodes)))
            current = np.zeros((len(self.circuit.conductors) + 1, len(part)), dtype=np.complex128)
            column = np.arange(len(part))[:, None]
            current[phases[part], column] = weights[part]  # a phase that is not there lands in the last row
            volts = _grounded(self._lu.solve(current[:-1]))
            found[part] = np.abs((volts[phases[part], column] * weights[part]).sum(axis=1))
        return found

    def voltages(self, p_w: Floats, q_var: Floats) -> Complexes:
        """Voltage of every conductor to ground, V, `(batch, conductors)`.

        Args:
            p_w: Active injections, W, `(batch, nodes, 3)`.
            q_var: Reactive injections, var, the same shape.

        Raises:
            InjectionError: There is power at a phase that a node does not have.
            FlowError: A state has no solution.
        """
        self._check_phases(p_w, q_var)
        power = (p_w + 1j * q_var)[:, self.present].T
        volts, still = self._repeat(power)
        if still.any():
            for k in np.flatnonzero(still):
                volts[:, k] = self._newton(power[:, k])
        return np.asarray(volts.T)

    def solve(self, p_w: Floats, q_var: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats, Floats]:
        """Voltages, currents, loadings, losses, import and unbalance of a batch, as in `FlowResult`."""
        volts = self.voltages(p_w, q_var)
        circuit, batch = self.circuit, len(volts)
        current = np.asarray(circuit.branch_s @ volts.T)
        power = volts.T[circuit.rows] * np.conj(current)
        branches, ends = circuit.rated_a.shape
        loss = np.zeros((branches, batch))
        np.add.at(loss, circuit.row_branch, power.real)
        amperes = np.zeros((branches, ends, PHASES, batch))
        seen = circuit.row_phase >= 0
        places = circuit.row_branch[seen], circuit.row_end[seen], circuit.row_phase[seen]
        amperes[places] = np.abs(current[seen])
        amperes = np.moveaxis(amperes, -1, 0)
        loading = PERCENT * amperes / circuit.rated_a[None, :, :, None]
        drawn = circuit.source_a[:, None] - circuit.source_s @ volts.T
        imported = (volts.T * np.conj(drawn)).real.sum(axis=0)
        return (
            self._per_unit(volts),
            amperes,
            loading.reshape(batch, branches, ends * PHASES),
            loss.T,
            imported,
            self._unbalance(volts),
        )

    def own_powers(self, p_w: Floats, q_var: Floats) -> Complexes:
        """What the file's own loads inject at each phase of each node in one state, VA, `(loads, nodes, 3)`.

        Args:
            p_w: Active injections, W, `(nodes, 3)`.
            q_var: Reactive injections, var, the same shape.

        Raises:
            FeederError: A load lies where nothing can be injected, at a neutral for one.
        """
        legs = self.circuit.legs
        held = _grounded(self.voltages(p_w[None], q_var[None]).T)[:, 0]
        drop = held[legs.start] - held[legs.back]
        current = legs.admittance_s(np.abs(drop)[:, None])[:, 0] * drop
        loads = int(legs.load.max(initial=-1)) + 1
        ports = {port: place for place, port in self._places().items()}
        found = np.zeros((loads, *self.present.shape), dtype=np.complex128)
        ground = len(self.circuit.conductors)
        for k, (start, back, amperes) in enumerate(zip(legs.start, legs.back, current, strict=True)):
            drawn = {(start, back): drop[k] * np.conj(amperes)}
            if (start, back) not in ports and (back, start) not in ports:
                drawn = {(start, ground): held[start] * np.conj(amperes)}
                drawn[(back, ground)] = -held[back] * np.conj(amperes)
            for (a, b), power in drawn.items():
                place = ports.get((a, b), ports.get((b, a)))
                if place is None:
                    raise FeederError(
                        f"feeder {self.name}: {self.circuit.loads[legs.load[k]]!r} lies at a conductor where "
                        "nothing is injected; losses cannot be shared"
                    )
                found[(legs.load[k], *place)] -= power
        return found

    def _places(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Conductors of the injection at each node and phase."""
        nodes, phases = np.nonzero(self.present)
        pairs = zip(self._inject_start.tolist(), self._inject_back.tolist(), strict=True)
        return dict(zip(zip(nodes.tolist(), phases.tolist(), strict=True), pairs, strict=True))

    def _unbalance(self, volts: Complexes) -> Floats:
        """Of the nodes with three phases; 0 at others."""
        phases = self.circuit.phases
        whole = (phases >= 0).all(axis=1)
        return np.where(whole, unbalance_percent(volts[:, phases]), 0.0)

    def _per_unit(self, volts: Complexes) -> Floats:
        """Of each node's phases; a phase that a node does not have repeats its first one."""
        phases = self.circuit.phases
        first = phases[np.arange(len(phases)), (phases >= 0).argmax(axis=1)]
        places = np.where(phases >= 0, phases, first[:, None])
        return np.asarray(np.abs(volts[:, places]) / self.circuit.base_v[places])

    def _check_phases(self, p_w: Floats, q_var: Floats) -> None:
        astray = ((p_w != 0) | (q_var != 0)).any(axis=0) & ~self.present
        if astray.any():
            node, phase = np.argwhere(astray)[0]
            there = ", ".join(_LETTERS[k] for k in range(PHASES) if self.present[node, k])
            raise InjectionError(
                f"feeder {self.name}: power at phase {_LETTERS[phase]} of node {self.node_names[node]!r}, "
                f"which has {there or 'none to inject at'}; name one of these"
            )

    def _repeat(self, power: Complexes) -> tuple[Complexes, Any]:
        """Currents into the factorised matrix, again and again."""
        count, batch = len(self.circuit.conductors), power.shape[1]
        source = self.circuit.source_a[:, None]
        volts = np.repeat(self.no_load_v[:, None], batch, axis=1)
        still = np.ones(batch, dtype=np.bool_)
        nominal = self._legs.nominal_s[:, None]
        last = np.full(batch, np.inf)
        with np.errstate(all="ignore"):
            for _ in range(_ITERATIONS):
                held = _grounded(volts[:, still])
                drop = held[self._legs.start] - held[self._legs.back]
                beyond = (nominal - self._legs.admittance_s(np.abs(drop))) * drop
                across = held[self._inject_start] - held[self._inject_back]
                given = np.conj(power[:, still] / np.where(across == 0, 1.0, across))
                current = np.zeros((count + 1, held.shape[1]), dtype=np.complex128)
                for start, back, amperes in (
                    (self._legs.start, self._legs.back, beyond),
                    (self._inject_start, self._inject_back, given),
                ):
                    np.add.at(current, start, amperes)
                    np.subtract.at(current, back, amperes)
                fresh = self._lu.solve(source + current[:-1])
                step = np.abs(fresh - held[:-1]) / self.circuit.base_v[:, None]
                volts[:, still] = fresh
                worst = step.max(axis=0, initial=0.0)
                places = np.flatnonzero(still)
                lost = ~np.isfinite(worst)
                volts[:, places[lost]] = self.no_load_v[:, None]
                noise = (worst < _NOISE_PU) & (worst > last[places] / 2)
                still[places[(worst < _TOLERANCE_PU) | noise]] = False
                last[places] = worst
                if lost.all() or not still.any():
                    break
        return volts, still

    def _newton(self, power: Complexes) -> Complexes:
        """Newton's method for one state, in real and imaginary parts, with steps halved until they help."""
        volts: Complexes = self.no_load_v.copy()
        count = len(volts)
        fixed = self.circuit.admittance_s
        wrong = self._imbalance(volts, power)
        with np.errstate(all="ignore"):
            for _ in range(_NEWTON_STEPS):
                own, mirrored = self._slopes(volts, power)
                ahead = fixed + own
                jacobian = sparse.bmat(
                    [
                        [ahead.real + mirrored.real, mirrored.imag - ahead.imag],
                        [ahead.imag + mirrored.imag, ahead.real - mirrored.real],
                    ],
                    format="csc",
                )
                try:
                    step = linalg.splu(jacobian).solve(np.concatenate([wrong.real, wrong.imag]))
                except RuntimeError:
                    break
                move = step[:count] + 1j * step[count:]
                share = 1.0
                while share > 1e-3:
                    fresh: Complexes = volts - share * move
                    after = self._imbalance(fresh, power)
                    if np.isfinite(after).all() and np.linalg.norm(after) < np.linalg.norm(wrong):
                        break
                    share /= 2
                small = float((np.abs(move) / self.circuit.base_v).max()) < _TOLERANCE_PU * 100
                if small and share <= 1e-3:
                    return volts
                volts, wrong = fresh, after
                if small:
                    return volts
        raise FlowError(f"feeder {self.name}: the power flow does not converge")

    def _imbalance(self, volts: Complexes, power: Complexes) -> Complexes:
        """Current that is missing at each conductor, A."""
        held = _grounded(volts[:, None])[:, 0]
        drop = held[self._legs.start] - held[self._legs.back]
        drawn = self._legs.admittance_s(np.abs(drop)[:, None])[:, 0] * drop
        given = np.conj(power / (held[self._inject_start] - held[self._inject_back]))
        current = np.zeros(len(held), dtype=np.complex128)
        np.add.at(current, self._legs.start, drawn)
        np.subtract.at(current, self._legs.back, drawn)
        np.subtract.at(current, self._inject_start, given)
        np.add.at(current, self._inject_back, given)
        return np.asarray(self.circuit.admittance_s @ volts - self.circuit.source_a + current[:-1])

    def _slopes(self, volts: Complexes, power: Complexes) -> tuple[Any, Any]:
        """Derivatives of the drawn currents with respect to the voltages and to their conjugates, S."""
        held = _grounded(volts[:, None])[:, 0]
        count = len(volts)
        drop = held[self._legs.start] - held[self._legs.back]
        size = np.maximum(np.abs(drop), 1e-9)
        h = 1e-6 * self._legs.rated_v
        y, more, less = (self._legs.admittance_s((size + d)[:, None])[:, 0] for d in (0.0, h, -h))
        slope = (more - less) / (2 * h)
        across = held[self._inject_start] - held[self._inject_back]
        legs = self._legs.start, self._legs.back
        ports = self._inject_start, self._inject_back
        own = _between(*legs, y + slope * size / 2, count)
        mirrored = _between(*legs, slope * drop**2 / (2 * size), count)
        mirrored = mirrored + _between(*ports, np.conj(power) / np.conj(across) ** 2, count)
        return own, mirrored


def _grounded(volts: Complexes) -> Complexes:
    """The conductors' voltages with ground as the last row."""
    return np.concatenate([volts, np.zeros((1, volts.shape[1]), dtype=np.complex128)])


def _between(start: Ints, back: Ints, values: Complexes, count: int) -> Any:
    """Admittances between pairs of conductors as a matrix; ground, the last, is left out of it."""
    rows = np.concatenate([start, back, start, back])
    columns = np.concatenate([start, back, back, start])
    entries = np.concatenate([values, values, -values, -values])
    kept = (rows < count) & (columns < count)
    return sparse.csc_matrix((entries[kept], (rows[kept], columns[kept])), shape=(count, count))


def _none_of(legs: Legs) -> Legs:
    return Legs(*(getattr(legs, name)[:0] for name in Legs.__dataclass_fields__))
