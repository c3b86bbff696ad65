"""Exact AC power flow of nodal injections, one state or a batch of them, with power-grid-model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from power_grid_model import CalculationMethod, LoadGenType, PowerGridModel, initialize_array
from power_grid_model.errors import PowerGridError  # type: ignore[attr-defined]

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FeederError, FlowError, InjectionError
from peerwatt.grid.feeder import BRANCHES, Feeder
from peerwatt.grid.flow.branch_currents import branch_currents, ends_of, ratings
from peerwatt.grid.flow.circuit_flow import CircuitFlow
from peerwatt.grid.flow.unbalance import unbalance_percent
from peerwatt.grid.flow.voltage_control import HeldVoltages, held_voltages

_ITERATIONS = 50
_TOLERANCE = 1e-10  # pu, of the last step: far below the 2e-6 pu that engines are compared at


@dataclass(frozen=True)
class FlowResult:
    """One solved state, or a batch (then every array has a leading batch axis).

    Attributes:
        u_pu: Node voltages, per unit, `(..., nodes)`; three-phase `(..., nodes, 3)`.
        current_a: Current at each end of each branch, A, `(..., branches, ends)`; three-phase
            `(..., branches, ends, 3)`. An end that a branch does not have carries none.
        conductor_loading_percent: The same in percent of the rated current, `(..., branches, ends)`,
            three-phase `(..., branches, ends·3)`; 0 where there is no rating. See `branch_currents`.
        branch_loss_w: Active losses of each branch, W, `(..., branches)`.
        import_w: Active power drawn from the source, W, `(...)`; negative when the feeder exports.
        unbalance_percent: Negative- over positive-sequence voltage of each node, percent, `(..., nodes)`, as
            IEC 61000-4-30 defines it; 0 on a balanced feeder.
        no_load_loss_w: Losses of the energised feeder without any injection, W.
    """

    u_pu: Floats
    current_a: Floats
    conductor_loading_percent: Floats
    branch_loss_w: Floats
    import_w: Floats
    unbalance_percent: Floats
    no_load_loss_w: float

    def state(self, index: int) -> FlowResult:
        """One state of a batch."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "no_load_loss_w"}
        return FlowResult(**{name: x[index] for name, x in own.items()}, no_load_loss_w=self.no_load_loss_w)

    @property
    def loading_percent(self) -> Floats:
        """Loading of each branch: the highest current of its ends and phases over the rated one, percent,
        `(..., branches)`.
        """
        return np.asarray(self.conductor_loading_percent.max(axis=-1))

    @property
    def loss_w(self) -> Floats:
        """Active losses of the feeder, W, `(...)`."""
        return np.asarray(self.branch_loss_w.sum(axis=-1))

    @property
    def load_loss_w(self) -> Floats:
        """Losses that the injections cause: total less no-load, W, `(...)`."""
        return self.loss_w - self.no_load_loss_w


class PowerFlow:
    """Solves a feeder for nodal injections.

    An injection is active power into the node, W: generation positive, demand negative. It comes on top of
        the loads and generators
    that the feeder file itself holds. Injections are of constant power; taps are as the file states
    them.

    Args:
        feeder: The feeder.
        own_loads: Keep the file's own loads and generators switched on.

    Raises:
        FlowError: The feeder does not solve without any injection.
    """

    def __init__(self, feeder: Feeder, *, own_loads: bool = True) -> None:
        self.feeder = feeder
        self.three_phase = feeder.three_phase
        nodes = feeder.data["node"]["id"]
        self._circuit = CircuitFlow(feeder, own_loads=own_loads) if feeder.is_circuit else None
        if self._circuit:
            return
        kind = "asym_gen" if self.three_phase else "sym_gen"
        self._kind = kind
        self._ids = np.arange(feeder.free_id, feeder.free_id + len(nodes), dtype=np.int32)
        gens = initialize_array("input", kind, len(nodes))
        gens["id"], gens["node"], gens["status"] = self._ids, nodes, 1
        gens["type"], gens["p_specified"], gens["q_specified"] = LoadGenType.const_power, 0.0, 0.0
        data: dict[Any, Any] = {k: v if own_loads else _switched_off(k, v) for k, v in feeder.data.items()}
        data[kind] = np.concatenate([data[kind], gens]) if kind in data else gens
        self._model = PowerGridModel(data, system_frequency=feeder.frequency_hz)
        self._held = held_voltages(feeder.document, feeder.data) if own_loads else None
        self._branches = [k for k in BRANCHES if k in feeder.data]
        self._ratings = ratings(feeder)
        voltage = {"u_pu", "u_angle"} if self.three_phase else {"u_pu"}
        self._wanted: dict[Any, Any] = {"node": voltage, "source": {"p"}}
        for k in self._branches:
            self._wanted[k] = {f"{quantity}_{end}" for quantity in "pi" for end in ends_of(k)}

    @property
    def nodes(self) -> int:
        """Number of nodes, the length of an injection vector."""
        return len(self.feeder.node_names)

    @property
    def ends(self) -> int:
        """How many ends the branch with the most of them has."""
        return int((self._circuit.circuit if self._circuit else self._ratings).rated_a.shape[1])

    def zero(self) -> Floats:
        """An injection vector of zeros, W, `(nodes,)`."""
        return np.zeros(self.nodes)

    def takes(self, node: int, phase: int) -> bool:
        """Whether something can be injected at a phase, 1 to 3, of a three-phase feeder's node."""
        return self._circuit is None or bool(self._circuit.present[node, phase - 1])

    def between_phases(self, node: int) -> bool:
        """Whether an injection at a node lies between two phases, for want of a path to ground."""
        return self._circuit is not None and bool(self._circuit.circuit.ungrounded[node])

    def own_powers(self, p_w: Floats, q_var: Floats) -> tuple[tuple[str, ...], NDArray[np.complex128]]:
        """What a circuit's own loads inject in one state, by load, node and phase.

        Args:
            p_w: Active injections beside them, W, `(nodes, 3)`.
            q_var: Reactive injections, var, the same shape.

        Returns:
            Names, and powers, VA, `(loads, nodes, 3)`.

        Raises:
            FeederError: The feeder is no circuit, or a load lies where nothing can be injected.
        """
        if self._circuit is None:
            raise FeederError(f"feeder {self.feeder.name}: its own loads follow no state; it is no circuit")
        return self._circuit.circuit.loads, self._circuit.own_powers(p_w, q_var)

    @property
    def no_load_loss_w(self) -> float:
        """Losses of the energised feeder without any load or injection, W."""
        return float(self.no_load_branch_loss_w.sum())

    @cached_property
    def no_load_branch_loss_w(self) -> Floats:
        """The same branch by branch, W, `(branches,)`."""
        bare = PowerFlow(self.feeder, own_loads=False)
        nothing = np.zeros((1, self.nodes, 3) if self.three_phase else (1, self.nodes))
        return np.asarray(bare._solve(nothing, nothing, 0.0).branch_loss_w[0])

    def solve(self, p_w: ArrayLike, q_var: ArrayLike | None = None) -> FlowResult:
        """Solve one state or a batch.

        Args:
            p_w: Active injection per node, W, `(nodes,)` or `(batch, nodes)`; on a three-phase feeder an
                injection without a phase axis is spread evenly, with one (`(..., nodes, 3)`) it is taken as
                it is.
            q_var: Reactive injection per node, var, the same shape; none is zero.

        Returns:
            Voltages, loadings and losses, of the same batch shape.

        Raises:
            InjectionError: The arrays do not fit the feeder or hold a value that is no number.
            FlowError: The flow does not converge.
        """
        p = np.asarray(p_w, dtype=np.float64)
        q = np.zeros_like(p) if q_var is None else np.asarray(q_var, dtype=np.float64)
        phase_axis = self.three_phase and p.ndim >= 2 and p.shape[-2:] == (self.nodes, 3)
        shape = p.shape[:-1] if phase_axis else p.shape
        if not shape or shape[-1] != self.nodes or len(shape) > 2 or q.shape != p.shape:
            raise InjectionError(
                f"feeder {self.feeder.name}: injections of shape {p.shape} and {q.shape}, "
                f"needs ({self.nodes},) or (batch, {self.nodes})"
            )
        if not (np.isfinite(p).all() and np.isfinite(q).all()):
            raise InjectionError(f"feeder {self.feeder.name}: an injection is not a finite number")
        if not phase_axis:
            p, q = self.per_phase(p), self.per_phase(q)
        single = len(shape) == 1
        if single:
            p, q = p[None], q[None]
        solved = self._solve(p, q, self.no_load_loss_w)
        return solved.state(0) if single else solved

    def per_phase(self, power: Floats) -> Floats:
        """Powers per node, `(..., nodes)`, spread over the phases of each, `(..., nodes, 3)`.

        On a balanced feeder they are what they were. Batches of a feeder with three nodes need this: three
        states of theirs look like one with phases.
        """
        return np.asarray(power[..., None] * self._even_share) if self.three_phase else power

    @cached_property
    def _even_share(self) -> Floats:
        """What of a node's power falls to each phase when nothing says which, `(nodes, 3)`."""
        if not self._circuit:
            return np.full((self.nodes, 3), 1 / 3)
        ports = self._circuit.present
        ports = np.where(ports.any(axis=1, keepdims=True), ports, self._circuit.circuit.phases >= 0)
        return np.asarray(ports / ports.sum(axis=1, keepdims=True))

    def _solve(self, p: Floats, q: Floats, no_load_loss_w: float) -> FlowResult:
        if self._circuit:
            return FlowResult(*self._circuit.solve(p, q), no_load_loss_w)
        if self._held is not None:
            q = self._held.settle(self._voltages, p, q)
        out = self._output(p, q, self._wanted)
        loss = [_branch_loss(out[k]) for k in self._branches]
        current = branch_currents(out, self._branches, self._ratings.rated_a.shape[1])
        drawn = out["source"]["p"]
        u = np.asarray(out["node"]["u_pu"])
        return FlowResult(
            u_pu=u,
            current_a=current,
            conductor_loading_percent=self._ratings.conductor_loading_percent(current),
            branch_loss_w=np.concatenate(loss, axis=1),
            import_w=np.asarray(drawn.reshape(len(p), -1).sum(axis=1)),
            unbalance_percent=unbalance_percent(u * np.exp(1j * out["node"]["u_angle"]))
            if self.three_phase
            else np.zeros_like(u),
            no_load_loss_w=no_load_loss_w,
        )

    def hold(self, held: HeldVoltages, q_var: Floats) -> Floats:
        """The reactive injections that hold voltages which the feeder's document does not state (yet).

        Args:
            held: What is held.
            q_var: Where to start from, var, `(1, nodes)`.

        Raises:
            FlowError: They cannot be held.
        """
        return held.settle(self._voltages, np.zeros_like(q_var), q_var)

    def _voltages(self, p: Floats, q: Floats) -> Floats:
        return np.asarray(self._output(p, q, {"node": {"u_pu"}})["node"]["u_pu"])

    def _output(self, p: Floats, q: Floats, wanted: dict[Any, Any]) -> dict[Any, Any]:
        ids = np.broadcast_to(self._ids, p.shape[:2])
        update: dict[Any, Any] = {
            self._kind: {
                "id": np.ascontiguousarray(ids),
                "p_specified": np.ascontiguousarray(p),
                "q_specified": np.ascontiguousarray(q),
            }
        }
        try:  # twice as fast as Newton-Raphson on radial feeders, but it solves fewer states
            return self._calculate(update, wanted, CalculationMethod.iterative_current)
        except PowerGridError:
            try:
                return self._calculate(update, wanted, CalculationMethod.newton_raphson)
            except PowerGridError as error:
                said = getattr(error, "error_messages", None) or str(error).strip().splitlines()
                text = " ".join(str(said[0]).split()).split(" Try validate")[0].split(" If you get")[0]
                name = self.feeder.name
                raise FlowError(f"feeder {name}: the power flow does not converge: {text}") from None

    def _calculate(
        self, update: dict[Any, Any], wanted: dict[Any, Any], method: CalculationMethod
    ) -> dict[Any, Any]:
        return self._model.calculate_power_flow(
            symmetric=not self.three_phase,
            error_tolerance=_TOLERANCE,
            max_iterations=_ITERATIONS,
            calculation_method=method,
            update_data=update,
            output_component_types=wanted,
            threading=0,
        )


def power_flow(feeder: Feeder, injections: Mapping[str, float] | ArrayLike) -> FlowResult:
    """The exact AC power flow of a feeder, beside the loads and generators of its own file.

    Args:
        feeder: The feeder.
        injections: Active power into nodes, W, generation positive, demand negative: by node name, nodes that
            are not named get none; or an array as `PowerFlow.solve` takes it, `(nodes,)` or `(batch, nodes)`.

    Returns:
        Voltages in the order of `feeder.node_names`, loadings and losses in that of `feeder.branch_names`.

    Raises:
        FeederError: The feeder has no node of that name.
        InjectionError: An array does not fit the feeder, or a value is no number.
        FlowError: The flow does not converge.
    """
    solver = PowerFlow(feeder)
    if not isinstance(injections, Mapping):
        return solver.solve(injections)
    p_w = solver.zero()
    for node, power in injections.items():
        p_w[feeder.node(node)] = power
    return solver.solve(p_w)


def _branch_loss(table: Any) -> Floats:
    total: Floats = np.add.reduce([table[k] for k in table if k.startswith("p_")])
    return total.sum(axis=-1) if total.ndim == 3 else total


def _switched_off(kind: str, table: NDArray[Any]) -> NDArray[Any]:
    if kind.endswith(("_load", "_gen")):
        table = table.copy()
        table["status"] = 0
    return table
