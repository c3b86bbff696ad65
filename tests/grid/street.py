"""A small pandapower network that the tests of the importer change."""

from __future__ import annotations

from typing import Any

import pandapower as pp

LIMITS = {"v_min_pu": 0.9, "v_max_pu": 1.1, "loading_max_percent": 100.0}


def street() -> Any:
    """A medium-voltage ring of two stations, and a street below one of them."""
    net = pp.create_empty_network(name="two stations")
    high, far, low, end, last = (
        pp.create_bus(net, kv, name=n) for kv, n in ((20, "h"), (20, "f"), (0.4, "l"), (0.4, "e"), (0.4, "z"))
    )
    pp.create_ext_grid(net, high, vm_pu=1.02)
    pp.create_line(net, high, far, 3.0, "NA2XS2Y 1x185 RM/25 12/20 kV", name="ring a")
    pp.create_line(net, far, high, 2.0, "NA2XS2Y 1x185 RM/25 12/20 kV", name="ring b")
    pp.create_transformer(net, far, low, "0.25 MVA 20/0.4 kV", tap_pos=1, name="station")
    pp.create_line(net, low, end, 0.2, "NAYY 4x150 SE", name="street")
    pp.create_line(net, end, last, 0.1, "NAYY 4x150 SE", name="last")
    pp.create_load(net, end, 0.03, 0.01, name="home")
    pp.create_load(net, last, 0.02, 0.005, name="shop")
    pp.create_sgen(net, last, 0.012, 0.0, name="roof")
    return net


def voltage_dependent(net: Any) -> None:
    net.load.loc[0, ["const_z_p_percent", "const_i_p_percent"]] = 40, 20
    net.load.loc[0, ["const_z_q_percent", "const_i_q_percent"]] = 10, 70
