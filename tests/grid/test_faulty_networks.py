"""What cannot be kept of a pandapower network is refused by its element's name, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandapower as pp
import pandas as pd
import pytest

from peerwatt.grid.errors import FeederError
from peerwatt.grid.feeder_document import feeder_from_document
from peerwatt.grid.files.importers.pandapower import from_pandapower
from tests.grid.street import LIMITS, street, voltage_dependent


def _mixed_shares(net: Any) -> None:
    voltage_dependent(net)
    pp.create_load(net, 3, 0.01, name="other")


def _untyped_tap(net: Any) -> None:
    net.trafo["tap_changer_type"] = None


def _one_phase(net: Any) -> None:
    pp.create_asymmetric_load(net, 3, 0.003, name="flat")


def _direction(net: Any) -> None:
    pp.create_impedance(net, 3, 4, 0.1, 0.1, 0.1, rtf_pu=0.2, name="odd")


def _table_of_steps(net: Any) -> None:
    pp.create_shunt(net, 3, q_mvar=-0.01, name="bank")
    net.shunt["step_dependency_table"], net.shunt["id_characteristic_table"] = True, 0
    net["shunt_characteristic_table"] = pd.DataFrame(
        {"id_characteristic": [0], "step": [1], "q_mvar": [-0.02], "p_mw": [0.0]}
    )


def _dc_line(net: Any) -> None:
    pp.create_dcline(net, 0, 1, 0.1, 1.0, 0.001, 1.0, 1.0, name="link")


def _svc(net: Any) -> None:
    pp.create_svc(net, 1, 1.0, -10.0, 1.0, 90.0, name="svc")


def _controller(net: Any) -> None:
    pp.control.DiscreteTapControl(net, 0, 0.99, 1.01)


def _two_levels(net: Any) -> None:
    pp.create_line(net, 1, 3, 0.1, "NAYY 4x150 SE", name="across")


def _bad_place(net: Any) -> None:
    net.bus["geo"] = "8.1, 49.2"


def _unrated(net: Any) -> None:
    net.line.loc[3, "max_i_ka"] = np.nan


def _switch_elsewhere(net: Any) -> None:
    pp.create_switch(net, 0, 1, "l", closed=False)
    net.switch.loc[0, "bus"] = 4


def _no_power(net: Any) -> None:
    net.load.loc[0, "q_mvar"] = np.nan


def _no_grid(net: Any) -> None:
    net.ext_grid["in_service"] = False


def _no_branches(net: Any) -> None:
    net.line["in_service"], net.trafo["in_service"] = False, False


def _missing_bus(net: Any) -> None:
    net.load.loc[0, "bus"] = 77


def _no_parallel(net: Any) -> None:
    net.trafo["parallel"] = 0


def _more_resistance_than_impedance(net: Any) -> None:
    net.trafo["vkr_percent"] = 7.0


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_mixed_shares, "load 2 'other': depends on the voltage otherwise than load 0 'home'"),
        (_untyped_tap, "trafo 0 'station': tap_pos 1 but no tap_changer_type"),
        (_one_phase, "asymmetric_load 0 'flat' differs by phase"),
        (_direction, "impedance 0 'odd': differs by direction"),
        (_table_of_steps, "shunt 0 'bank': a table of steps"),
        (_dc_line, "dcline 0 'link' has no counterpart"),
        (_svc, "svc 0 'svc' has no counterpart"),
        (_controller, r"controller 0 \(DiscreteTapControl\)"),
        (_two_levels, "line 4 'across' joins a bus of 20 kV and one of 0.4 kV"),
        (_bad_place, "bus 0 'h': geo '8.1, 49.2' is no GeoJSON point"),
        (_unrated, "line 3 'last': max_i_ka is nan"),
        (_switch_elsewhere, "switch 0: bus 4 is no end of l 1"),
        (_no_power, "load 0 'home': q_mvar is nan"),
        (_no_grid, "No reference bus"),
        (_no_branches, "no line, transformer or switch"),
        (_missing_bus, "77"),
        (_no_parallel, "df and parallel must be positive"),
        (_more_resistance_than_impedance, "vkr_percent 7 exceeds vk_percent 6"),
    ],
)
def test_a_faulty_network_is_refused_by_name_in_one_line(tmp_path: Path, change: Any, named: str) -> None:
    net = street()
    change(net)
    with pytest.raises(FeederError, match=named) as refusal:
        feeder_from_document(from_pandapower(net, name="faulty", limits=LIMITS))
    assert "\n" not in str(refusal.value)
    assert str(refusal.value).startswith("faulty: ")
