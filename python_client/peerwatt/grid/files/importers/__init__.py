"""Feeders as their owners have them, turned into the canonical feeder file. Needs the `grid` extra.

Each importer is a module of its own: `pandapower`, `opendss`, `matpower`, `simbench`. `read_source` picks one
by what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from peerwatt.errors import missing
from peerwatt.grid.errors import FeederError


def read_source(
    source: str,
    *,
    limits: Mapping[str, Any],
    unlimited: bool = False,
    control: str = "stated",
    notice: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Turn a file or a SimBench code into a feeder document.

    Args:
        source: A pandapower `.json`, an OpenDSS `.dss`, a MATPOWER `.m`, or a SimBench code.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        unlimited: Take a MATPOWER branch without a rating as unlimited instead of refusing it.
        control: Where an OpenDSS circuit's regulators and switched capacitors stand: `stated` or `solved`.
        notice: Takes what an importer has to say beside its document.

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

            if control not in ("stated", "solved"):
                raise FeederError(f"--control {control!r}: choose stated or solved")
            return from_opendss(source, limits=limits, control=control, notice=notice, source=source)
        if suffix == ".m":
            from peerwatt.grid.files.importers.matpower import from_matpower

            return from_matpower(source, limits=limits, unlimited=unlimited, source=source)
        if source[:2] in ("0-", "1-"):
            from peerwatt.grid.files.importers.simbench import from_simbench

            return from_simbench(source, limits=limits)
    except ImportError as error:
        raise FeederError(f"{source}: {missing(error.name, 'grid')}") from None
    raise FeederError(f"{source}: give a pandapower .json, an OpenDSS .dss, a MATPOWER .m or a SimBench code")
