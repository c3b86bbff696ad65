"""A pandapower network while it is being read: ids and names, which buses are supplied, pandapower's own
branch table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from pandapower.auxiliary import _add_ppc_options
from pandapower.pd2ppc import _pd2ppc

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.pandapower_file import quiet

# What `pandapower.runpp` sets where nothing else is asked for.
_OPTIONS: dict[str, Any] = {
    "calculate_voltage_angles": True,
    "check_connectivity": True,
    "mode": "pf",
    "switch_rx_ratio": 2,
    "init_vm_pu": "flat",
    "init_va_degree": "flat",
    "enforce_q_lims": False,
    "enforce_p_lims": False,
    "recycle": None,
    "voltage_depend_loads": True,
}
_NONE = 4  # pypower's bus type of what is not supplied


class Ids:
    """One running id over all elements, and the name of each."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self._known: dict[tuple[str, Any], int] = {}
        self._taken: set[tuple[str, str]] = set()

    def new(self, kind: str, index: Any, name: Any) -> int:
        """A fresh id for an element, under its name; a name that is taken gets the element's index."""
        text = str(name) if isinstance(name, str) and name else f"{kind} {index}"
        while (kind, text) in self._taken:
            text = f"{text} ({index})"
        self._taken.add((kind, text))
        number = len(self.names) + 1
        self.names[number] = text
        self._known[kind, index] = number
        return number

    def known(self) -> list[tuple[tuple[str, Any], int]]:
        """Kind, index and id of every element, in the order in which they came."""
        return list(self._known.items())

    def node(self, bus: Any) -> int:
        """The id of a bus."""
        return self._known["node", bus]

    def of(self, kind: str, index: Any) -> int:
        """The id of any element."""
        return self._known[kind, index]


class Network:
    """The network, and pandapower's reading of it.

    Args:
        net: The pandapower network; it is written to, so give a copy.
        name: Named in errors.
        trafo_model: `t` or `pi`, as pandapower's option.

    Raises:
        FeederError: pandapower cannot read it.
    """

    def __init__(self, net: Any, name: str, trafo_model: str) -> None:
        self.net, self.name, self.trafo_model = net, name, trafo_model
        self.ids = Ids()
        self.left_out: list[str] = []
        self.rating_va: dict[str, float | None] = {}
        self.rated_kv: dict[int, float] = {}
        try:
            with quiet():
                net["_options"] = {}
                _add_ppc_options(net, trafo_model=trafo_model, **_OPTIONS)
                ppc, _ = _pd2ppc(net)
        except Exception as error:  # pandapower raises whatever its readers raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise FeederError(f"{name}: pandapower cannot read this network: {reason}") from None
        self.bus, self.branch = ppc["bus"], ppc["branch"]
        self._lookup = net._pd2ppc_lookups["bus"]
        self._first = {kind: ends[0] for kind, ends in net._pd2ppc_lookups["branch"].items()}
        switched = getattr(net, "_impedance_bb_switches", np.zeros(len(net.switch), dtype=bool))
        self.impedance_switches = set(net.switch.index[np.asarray(switched, dtype=bool)])
        self._open: dict[tuple[str, Any], set[Any]] = {}
        for _, row in net.switch[~net.switch.closed.astype(bool)].iterrows():
            self._open.setdefault((row.et, row.element), set()).add(row.bus)
        self.stars = self._auxiliary("trafo3w")
        self.inner = self._auxiliary("xward")

    def _auxiliary(self, kind: str) -> set[tuple[str, Any]]:
        """The elements whose own bus within pandapower is supplied."""
        buses = self.net._pd2ppc_lookups["aux"].get(kind, ())
        return {
            (kind, k)
            for k, bus in zip(self.net[kind].index, buses, strict=False)
            if self.net[kind].in_service[k] and self.bus[self._lookup[bus], 1] != _NONE
        }

    def in_service(self, kind: str) -> Iterator[tuple[Any, Any]]:
        """Index and row of the elements in service."""
        table = self.net[kind]
        yield from table[table.in_service.astype(bool)].iterrows()

    def nodes(self) -> list[int]:
        """Ids of the nodes, in their order: the buses that are supplied, then the inner ones."""
        return [number for (kind, _), number in self.ids.known() if kind == "node"]

    def reactive_guess(self, index: Any) -> float:
        """The reactive power of a generator in the results that the network carries, Mvar; else 0."""
        results = self.net.get("res_gen")
        if results is None or index not in getattr(results, "index", ()) or "q_mvar" not in results:
            return 0.0
        value = float(results.q_mvar[index])
        return value if math.isfinite(value) else 0.0

    def electrical(self, bus: Any) -> int:
        """The bus of pandapower's matrices; closed switches join several buses in one."""
        return int(self._lookup[bus])

    def alive(self, bus: Any) -> bool:
        """Whether a bus is in service and supplied."""
        if bus not in self.net.bus.index:
            raise FeederError(f"{self.name}: bus {bus} does not exist")
        return bool(self.net.bus.in_service[bus]) and self.bus[self.electrical(bus), 1] != _NONE

    def kv(self, bus: Any) -> float:
        """Rated voltage of a bus, kV."""
        return float(self.net.bus.vn_kv[bus])

    def closed(self, kind: str, index: Any, bus: Any) -> bool:
        """Whether no open switch stands between this bus and the element."""
        return bus not in self._open.get((kind, index), ())

    def node_or_none(self, bus: Any) -> int | None:
        """The node of a bus; none for one that is left out."""
        return self.ids.node(bus) if self.alive(bus) else None

    def ends(self, a: int | None, b: int | None, status_a: int, status_b: int) -> dict[str, int]:
        """Both ends of a branch. An open end at a bus that is left out is written at some other node: nothing
        flows there.
        """
        if a is not None and b is not None:
            return {"from_node": a, "to_node": b, "from_status": status_a, "to_status": status_b}
        known = a if a is not None else b
        same = self.rated_kv.get(known) if known is not None else None
        others = [k for k in self.nodes() if k != known]
        elsewhere = next((k for k in others if self.rated_kv[k] == same), others[0])
        first, second = (elsewhere if x is None else x for x in (a, b))
        return {"from_node": first, "to_node": second, "from_status": status_a, "to_status": status_b}

    def first(self, kind: str) -> int:
        """Where a kind of element begins in pandapower's branch table."""
        return int(self._first[kind])

    def position(self, kind: str, index: Any) -> int:
        """Where an element stands in pandapower's branch table."""
        return self.first(kind) + int(self.net[kind].index.get_loc(index))

    def drop(self, kind: str, index: Any, row: Any) -> None:
        """Note an element in service that nothing supplies."""
        self.left_out.append(self.own_name(kind, index, row))

    def own_name(self, kind: str, index: Any, row: Any) -> str:
        """What an element is called."""
        own = row.get("name")
        return own if isinstance(own, str) and own else f"{kind} {index}"

    def rate(self, number: int, plate_va: float, rated_va: float) -> None:
        """State a rating that is not the plate's."""
        if abs(rated_va / plate_va - 1) > 1e-12:
            self.rating_va[str(number)] = rated_va

    @staticmethod
    def value(row: Any, key: str, default: float) -> float:
        """A number of a row, or the default where it has none."""
        value = row.get(key, default)
        try:
            number = float(value)
        except (TypeError, ValueError):
            return default
        return default if math.isnan(number) else number
