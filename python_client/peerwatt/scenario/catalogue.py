"""Scenarios by name: those that ship with the package, or any directory of the reader's.

A pilot on several feeders is a folder of scenarios, one for each zone.
"""

from __future__ import annotations

from pathlib import Path

from peerwatt.scenario.problems import ScenarioError
from peerwatt.tables.problems import Problem, did_you_mean, one_of

SHIPPED = Path(__file__).resolve().parent.parent / "scenarios"
FILE_NAME = "scenario.yaml"


def shipped_scenarios() -> list[str]:
    """Names of the scenarios that ship, sorted; of a zone, such as `brooklyn-300/rural`."""
    found = [*SHIPPED.glob(f"*/{FILE_NAME}"), *SHIPPED.glob(f"*/*/{FILE_NAME}")]
    return sorted(path.parent.relative_to(SHIPPED).as_posix() for path in found)


def scenario_files(name_or_path: str | Path) -> list[Path]:
    """The scenario files for a name or a path: one, or one for each zone of a pilot, sorted.

    Raises:
        ScenarioError: there is none; the message lists the names.
    """
    text = str(name_or_path)
    path = SHIPPED / text if text in _shipped() else Path(name_or_path)
    if path.is_file():
        return [path]
    if path.is_dir():
        zones = sorted(path.glob(f"*/{FILE_NAME}"))
        return zones if zones and not (path / FILE_NAME).exists() else [path / FILE_NAME]
    names = _shipped()
    message = (
        f"no such scenario{did_you_mean(text, names)}; give {', '.join(names)} or the path of a directory"
    )
    raise ScenarioError([Problem(text, None, "", message)])


def find_scenario(name_or_path: str | Path) -> Path:
    """The scenario file for a name, a directory or a file.

    Raises:
        ScenarioError: there is none, or one for each of several zones; the message lists the names.
    """
    found = scenario_files(name_or_path)
    if len(found) > 1:
        zones = [f"{name_or_path}/{path.parent.name}" for path in found]
        raise ScenarioError(
            [Problem(str(name_or_path), None, "", f"has {len(zones)} zones; give {one_of(zones)}")]
        )
    return found[0]


def _shipped() -> list[str]:
    """Everything that has a name: scenarios, and pilots of several."""
    scenarios = shipped_scenarios()
    return sorted({*scenarios, *(name.split("/")[0] for name in scenarios)})
