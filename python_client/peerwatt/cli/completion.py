"""What a shell completes: names of scenarios, of market designs and of chains.

Typer calls these while somebody types, so that they import nothing slow and raise nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

CHAINS = ("eth-tester", "ganache", "anvil", "rpc", "http://127.0.0.1:8545")


def scenarios(incomplete: str) -> list[str]:
    """Scenarios and pilots that ship, then directories."""
    from peerwatt.scenario.catalogue import SHIPPED, shipped_scenarios

    shipped = shipped_scenarios()
    pilots = {name.split("/")[0] for name in shipped} if SHIPPED.is_dir() else set()
    return [*_beginning(incomplete, sorted({*shipped, *pilots})), *_directories(incomplete)]


def chains(incomplete: str) -> list[str]:
    """Where a replay can run."""
    return _beginning(incomplete, CHAINS)


def rules(incomplete: str) -> list[str]:
    """Designs that a market on chain can clear by."""
    from peerwatt.scenario.variants import SWITCH_OF

    return _beginning(incomplete, SWITCH_OF)


def designs(incomplete: str) -> list[str]:
    """Designs and families of them, the last of several with commas between them."""
    from peerwatt.designs.registry import DESIGNS, FAMILIES

    before, comma, last = incomplete.rpartition(",")
    taken = set(before.split(","))
    names = [name for name in ("fast", "all", *FAMILIES, *DESIGNS) if name not in taken]
    return [f"{before}{comma}{name}" for name in _beginning(last, names)]


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _directories(incomplete: str) -> list[str]:
    place = Path(incomplete)
    folder, start = (place, "") if incomplete.endswith("/") else (place.parent, place.name)
    try:
        found = sorted(each for each in folder.iterdir() if each.is_dir() and each.name.startswith(start))
    except OSError:
        return []
    lead = "./" if incomplete.startswith("./") else ""
    return [f"{lead}{each}/" for each in found if incomplete and not each.name.startswith(".")]
