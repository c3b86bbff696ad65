"""Feeders as their owners have them, turned into the canonical feeder file. Needs the `grid` extra.

Each importer is a module of its own: `pandapower`, `opendss`, `matpower`, `simbench`. `import_source` picks
one by what it is given, and brings the file's own engine along to compare with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peerwatt.errors import missing
from peerwatt.grid.errors import FeederError
from peerwatt.grid.files.importers.comparison import OwnEngine


@dataclass(frozen=True)
class Imported:
    """What an importer made.

    Attributes:
        document: The feeder document, for `peerwatt.grid.feeder_document.feeder_from_document`.
        engine: The file's own engine, ready to solve what was imported; none where the importer has compared
            already (OpenDSS).
    """

    document: dict[str, Any]
    engine: OwnEngine | None


def import_source(
    source: str,
    *,
    limits: Mapping[str, Any],
    unlimited: bool = False,
    control: str = "stated",
    notice: Callable[[str], None] | None = None,
) -> Imported:
    """Turn a file or a SimBench code into a feeder document.

    Args:
        source: A pandapower `.json`, an OpenDSS `.dss`, a MATPOWER `.m`, or a SimBench code.
        limits: `v_min_pu`, `v_max_pu`, `loading_max_percent`.
        unlimited: Take a MATPOWER branch without a rating as unlimited instead of refusing it.
        control: Where an OpenDSS circuit's regulators and switched capacitors stand: `stated` or `solved`.
        notice: Takes what an importer has to say beside its document.

    Raises:
        FeederError: The source cannot be used, or what its importer needs is not installed; names the source.
    """
    suffix = Path(source).suffix.lower()
    try:
        if suffix == ".json":
            return _pandapower(source, limits)
        if suffix == ".dss":
            from peerwatt.grid.files.importers.opendss import from_opendss

            if control not in ("stated", "solved"):
                raise FeederError(f"--control {control!r}: choose stated or solved")
            made = from_opendss(source, limits=limits, control=control, notice=notice, source=source)
            return Imported(made, None)
        if suffix == ".m":
            return _matpower(source, limits, unlimited)
        if source[:2] in ("0-", "1-"):
            from peerwatt.grid.files.importers.simbench import import_simbench

            return Imported(*import_simbench(source, limits=limits))
    except ImportError as error:
        raise FeederError(f"{source}: {missing(error.name, 'grid')}") from None
    except FeederError as error:
        text = str(error)
        raise FeederError(text if source in text else f"{source}: {text}") from None
    raise FeederError(f"{source}: give a pandapower .json, an OpenDSS .dss, a MATPOWER .m or a SimBench code")


def read_source(source: str, *, limits: Mapping[str, Any], unlimited: bool = False) -> dict[str, Any]:
    """As `import_source`: the document alone."""
    return import_source(source, limits=limits, unlimited=unlimited).document


def _pandapower(source: str, limits: Mapping[str, Any]) -> Imported:
    from peerwatt.grid.files.importers.pandapower import load_pandapower, read_network
    from peerwatt.grid.files.importers.pandapower_engine import PandapowerEngine

    net = load_pandapower(source)
    name = net.get("name")
    name = name if isinstance(name, str) and name else Path(source).stem
    document, buses = read_network(net, name=name, limits=limits, source=source)
    return Imported(document, PandapowerEngine(net, buses))


def _matpower(source: str, limits: Mapping[str, Any], unlimited: bool) -> Imported:
    from peerwatt.grid.files.importers.matpower import from_matpower
    from peerwatt.grid.files.importers.matpower_case import read_case
    from peerwatt.grid.files.importers.matpower_engine import MatpowerEngine

    document = from_matpower(source, limits=limits, unlimited=unlimited, source=source)
    return Imported(document, MatpowerEngine(read_case(source), document))
