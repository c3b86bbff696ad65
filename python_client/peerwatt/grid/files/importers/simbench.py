"""SimBench grids by their code, taps applied."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import simbench

from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.comparison import OwnEngine
from peerwatt.grid.files.importers.pandapower import read_network, with_ratio_taps
from peerwatt.grid.files.importers.pandapower_engine import PandapowerEngine
from peerwatt.grid.files.importers.pandapower_file import quiet


def import_simbench(
    code: str, *, limits: Mapping[str, Any], **about: Any
) -> tuple[dict[str, Any], OwnEngine]:
    """Turn a SimBench grid into a feeder document, with its loads and generators at their rated values.

    Args:
        code: Such as `1-LV-rural2--2-sw`.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        about: `source` and `licence` are filled in when not given.

    Returns:
        The document, and pandapower with the same grid, its taps applied.

    Raises:
        FeederError: There is no such code, or the grid holds an element without a counterpart.
    """
    with quiet():
        if code not in simbench.collect_all_simbench_codes():
            raise FeederError(f"{code}: no such SimBench code; they look like 1-LV-rural2--2-sw")
        net = with_ratio_taps(simbench.get_simbench_net(code))
    about.setdefault("source", f"SimBench {code}, package simbench {version('simbench')}")
    about.setdefault("licence", "ODbL 1.0 (database), DbCL 1.0 (contents)")
    document, buses = read_network(net, name=code, limits=limits, **about)
    return document, PandapowerEngine(net, buses)
