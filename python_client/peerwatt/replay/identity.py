"""What a checkpoint is of: another scenario, another option or another program goes on to other results."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from peerwatt import __version__
from peerwatt.scenario.scenario import Scenario

PACKAGE: Final = Path(__file__).parents[1]


def identity(
    scenario: Scenario, chain: str, seed: int, intervals: int, committee: Path | None
) -> dict[str, object]:
    """Whatever a replay's results depend on, by names that people know.

    Args:
        scenario: what is replayed.
        chain: by its name.
        seed: of every draw and key.
        intervals: how many.
        committee: folder of a committee of processes, if it is one.
    """
    market = sha256(repr((scenario.market, scenario.tariff, scenario.rules, scenario.switches)).encode())
    return {
        "version": __version__,
        "program": _digest(PACKAGE, "*.py", "artifacts/*.json"),
        "scenario": scenario.name,
        "files of the scenario": _digest(scenario.directory, "*"),
        "data of the scenario": _digest_of(scenario),
        "chain": chain,
        "seed": seed,
        "start": scenario.calendar.iso(0),
        "intervals": intervals,
        "mechanism": scenario.switches.price,
        "envelope": scenario.envelope,
        "sealed": scenario.market.is_sealed,
        "rules of the market": market.hexdigest()[:16],
        "committee": "inside" if committee is None else "processes",
    }


def _digest(folder: Path, *patterns: str) -> str:
    """Enough of a hash over a folder's files to tell whether one was changed."""
    found = sha256()
    for path in sorted(path for pattern in patterns for path in folder.rglob(pattern) if path.is_file()):
        found.update(sha256(str(path.relative_to(folder)).encode()).digest())
        found.update(sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


def _digest_of(scenario: Scenario) -> str:
    """The same over what was read, wherever its files lie: a feeder may be another folder's."""
    found = sha256(scenario.feeder.feeder_hash)
    found.update(repr((scenario.participants, scenario.active, scenario.reactive)).encode())
    return found.hexdigest()[:16]
