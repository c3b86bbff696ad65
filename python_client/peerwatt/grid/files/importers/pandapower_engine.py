"""pandapower's own power flow of the network that was imported."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
from pandapower.pypower.idx_brch import PF, PT

from peerwatt.grid.arrays import Floats
from peerwatt.grid.errors import FlowError
from peerwatt.grid.files.importers.pandapower_file import quiet
from peerwatt.units import MEGA

_SHARES = ("const_z_p_percent", "const_i_p_percent", "const_z_q_percent", "const_i_q_percent")


class PandapowerEngine:
    """`pandapower.runpp` with one more generator at every bus.

    Args:
        net: The network, as imported; it stays as it is.
        buses: The bus of each node of the feeder; none where the node is within an element.
        trafo_model: `t` or `pi`.
    """

    def __init__(self, net: Any, buses: Sequence[Any], trafo_model: str = "t") -> None:
        self.name = f"pandapower {pp.__version__}"
        self._net = copy.deepcopy(net)
        self._options = {"trafo_model": trafo_model, "calculate_voltage_angles": True}
        self._buses = np.array([-1 if bus is None else bus for bus in buses], dtype=np.int64)
        own = np.array([bus is not None for bus in buses])
        self._own = own
        with quiet():
            self.open_to_injections = own & ~np.isin(self._buses, list(self._voltage_dependent()))
            table, known = self._net.sgen, pp.create_empty_network().sgen.columns
            flags = [c for c in table if c not in known and table[c].dtype == bool]
            self._net.sgen = table.drop(columns=flags)  # of the owner's own: new rows would have none
            self._added = pp.create_sgens(
                self._net, self._buses[self.open_to_injections], p_mw=0.0, q_mvar=0.0
            )

    def _voltage_dependent(self) -> set[int]:
        """Buses whose loads depend on the voltage, with those that closed switches join to them: pandapower
        would make an injection there depend on it too.
        """
        table = self._net.load
        shares = [table[key].fillna(0) for key in _SHARES if key in table]
        found = set(table.bus[sum(shares) != 0]) if shares and len(table) else set()
        joined = self._net.switch[(self._net.switch.et == "b") & self._net.switch.closed.astype(bool)]
        while True:
            more = {
                int(other)
                for a, b in zip(joined.bus, joined.element, strict=True)
                for one, other in ((a, b), (b, a))
                if one in found and other not in found
            }
            if not more:
                return {int(bus) for bus in found}
            found |= more

    def solve(self, p_w: Floats, q_var: Floats) -> tuple[Floats, float]:
        """See `OwnEngine`."""
        net = self._net
        with quiet():
            net.sgen.loc[self._added, "p_mw"] = p_w[self.open_to_injections] / MEGA
            net.sgen.loc[self._added, "q_mvar"] = q_var[self.open_to_injections] / MEGA
            try:
                pp.runpp(net, numba=False, tolerance_mva=1e-9, **self._options)
            except Exception as error:  # pandapower raises whatever its solver raises
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise FlowError(f"pandapower finds no power flow: {reason}") from None
        u = np.full(len(self._buses), np.nan)
        u[self._own] = net.res_bus.vm_pu.loc[self._buses[self._own]].to_numpy()
        if pd.isna(u[self._own]).any():
            raise FlowError("pandapower leaves a bus without a voltage that is supplied here")
        flows = net._ppc["branch"]
        return u, float(np.real(flows[:, PF] + flows[:, PT]).sum() * MEGA)
