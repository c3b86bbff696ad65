"""Feeders as their owners have them, turned into the canonical feeder file. Needs the `grid` extra.

Each importer is a module of its own: `pandapower`, `opendss`, `matpower`, `simbench`. `read_source` picks one
by what it is given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from peerwatt.errors import missing
from peerwatt.grid.errors import FeederError


def read_source(source: str, *, limits: Mapping[str, Any], unlimited: bool = False) -> dict[str, Any]:
    """Turn a file or a SimBench code into a feeder document.

    Args:
        source: A pandapower `.json`, an OpenDSS `.dss`, a MATPOWER `.m`, or a SimBench code.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        unlimited: Take a MATPOWER branch without a rating as unlimited instead of refusing it.

    Raises:
        FeederError: The source cannot be used, or what its importer needs is not installed.
    """
    suffix = Path(source).suffix.lower()
    try:
        if suffix == ".json":
            from peerwatt.grid.files.importers.pandapower import (
                from_pandapower,
                load_pandapower,
                with_ratio_taps,
            )

            net = with_ratio_taps(load_pandapower(source))
            return from_pandapower(net, name=net.name or Path(source).stem, limits=limits, source=source)
        if suffix == ".dss":
            from peerwatt.grid.files.importers.opendss import from_opendss

            return from_opendss(source, limits=limits, source=source)
        if suffix == ".m":
            from peerwatt.grid.files.importers.matpower import from_matpower

            return from_matpower(source, limits=limits, unlimited=unlimited, source=source)
        if source[:2] in ("0-", "1-"):
            from peerwatt.grid.files.importers.simbench import from_simbench

            return from_simbench(source, limits=limits)
    except ImportError as error:
        raise FeederError(f"{source}: {missing(error.name, 'grid')}") from None
    raise FeederError(f"{source}: give a pandapower .json, an OpenDSS .dss, a MATPOWER .m or a SimBench code")
